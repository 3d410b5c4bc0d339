"""Logs of Inspect: ``.eval`` archives, and the same as JSON.

An archive is a zip of JSON files, one for each sample and epoch.  Newer versions of Inspect
compress them by Zstandard (method 93 of the zip format), which Python's zipfile knows from 3.14
on; Arrow's codec reads them here.

References:
    Inspect, *Log Files*; PKWARE, *APPNOTE.TXT*, 4.3.7 (local file header) and 4.4.5 (methods).
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from evalkit.plugin import Chunk, DataError, parse_json
from evalkit_datasets.inspect_sample import sample_row

_ZSTANDARD: Final = 93
_LOCAL_HEADER: Final = struct.Struct("<26x2H")
_SAMPLE: Final = re.compile(r"samples/(.+)_epoch_(\d+)\.json")
_HEADERS: Final = ("header.json", "_journal/start.json")
"""What describes the evaluation; the second is all that an unfinished log has."""


@dataclass(frozen=True, slots=True)
class InspectLog:
    """Reads the samples of an Inspect log, one at a time, in the order of epoch and data set."""

    name: str = "inspect"
    extensions: Sequence[str] = (".eval",)
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:  # noqa: ARG002  files only
        """Return false: objects in memory have sources of their own."""
        return False

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the samples of the log as rows.

        Raises:
            DataError: If the file is no log of Inspect, or a part of it is damaged.
        """
        path = Path(data)
        try:
            with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
                yield from _archived(archive, stream, str(path), chunk_rows)
        except (zipfile.BadZipFile, zlib.error, struct.error) as error:
            problem = f"this is not a whole log of Inspect: {error}"
            raise DataError(problem, file=str(path)) from error


def is_inspect_log(found: Any) -> bool:
    """Say whether a JSON value is a log of Inspect.

    Examples:
        >>> is_inspect_log({"version": 2, "status": "success", "eval": {}, "samples": []})
        True
    """
    return isinstance(found, Mapping) and {"version", "status", "eval"} <= found.keys()


def read_inspect_json(found: Mapping[str, Any], name: str, chunk_rows: int) -> Iterator[Chunk]:
    """Yield the samples of a log in its JSON form as rows.

    Raises:
        DataError: If the log holds no samples.
    """
    samples: list[Any] = found.get("samples") or []
    order = _order(found)
    samples = sorted(samples, key=lambda sample: (sample["epoch"], _place(order, sample["id"])))
    repeated = any(sample["epoch"] > 1 for sample in samples)
    for start in range(0, len(samples), chunk_rows):
        part = samples[start : start + chunk_rows]
        yield Chunk(rows=[sample_row(sample, repeated=repeated) for sample in part], file=name)


def _archived(
    archive: zipfile.ZipFile, stream: IO[bytes], name: str, chunk_rows: int
) -> Iterator[Chunk]:
    members = {info.filename: info for info in archive.infolist()}
    header = next((members[header] for header in _HEADERS if header in members), None)
    if header is None:
        raise DataError("this is no log of Inspect: it has no header.json", file=name)
    order = _order(parse_json(_content(archive, stream, header)))
    samples: list[tuple[int, int, zipfile.ZipInfo]] = []
    for info in members.values():
        found = _SAMPLE.fullmatch(info.filename)
        if found is not None:
            samples.append((int(found[2]), _place(order, found[1]), info))
    samples.sort(key=lambda sample: sample[:2])
    repeated = any(epoch > 1 for epoch, _, _ in samples)
    for start in range(0, len(samples), chunk_rows):
        rows: list[Mapping[str, Any]] = []
        for _, _, info in samples[start : start + chunk_rows]:
            sample = parse_json(_content(archive, stream, info))
            rows.append(sample_row(sample, repeated=repeated))
        yield Chunk(rows=rows, file=name)


def _order(header: Mapping[str, Any]) -> dict[str, int]:
    """Return the place of each sample in the data set, by id."""
    data = (header.get("eval") or {}).get("dataset") or {}
    return {str(sample): place for place, sample in enumerate(data.get("sample_ids") or ())}


def _place(order: Mapping[str, int], sample: object) -> int:
    return order.get(str(sample), len(order))


def _content(archive: zipfile.ZipFile, stream: IO[bytes], info: zipfile.ZipInfo) -> bytes:
    """Return the content of one member.

    Raises:
        DataError: If it is damaged.
    """
    if info.compress_type != _ZSTANDARD:
        return archive.read(info)
    import pyarrow as pa

    stream.seek(info.header_offset)
    name_size, extra_size = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
    stream.seek(name_size + extra_size, 1)
    packed = stream.read(info.compress_size)
    try:
        content: bytes = pa.decompress(
            packed, decompressed_size=info.file_size, codec="zstd", asbytes=True
        )
    except OSError as error:
        raise DataError(f"{info.filename} in the log is damaged", file=archive.filename) from error
    if zlib.crc32(content) != info.CRC:
        raise DataError(f"{info.filename} in the log is damaged", file=archive.filename)
    return content

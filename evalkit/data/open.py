"""Finding the source that reads some data: by path, pattern, scheme or type."""

from __future__ import annotations

import fnmatch
import glob
import itertools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from evalkit.entities.dataset import Chunk, DatasetSource
from evalkit.errors import DataError, UnknownSourceError, near_miss
from evalkit.hooks.catalog import catalog

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+):(?!\\)", re.IGNORECASE)
_PATTERN: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class OpenedData:
    """Data whose source was found; the rows are read when the chunks are."""

    source: str
    """Name of the source in the catalog."""

    name: str
    """The data as an error or a report names it: path, pattern, URI, or type."""

    files: Sequence[str]
    """Files that are read, in order."""

    chunks: Iterable[Chunk]
    """The rows; can be read once."""


def open_data(data: object, *, chunk_rows: int = 8192) -> OpenedData:
    """Find the source of *data* in the catalog, and open it.

    Args:
        data: A path or pattern (``~`` and ``**`` are understood), a URI of a known scheme, a list
            of these, or an object in memory that a source accepts.
        chunk_rows: Rows to hold at a time.

    Raises:
        DataError: If a file is missing, a folder, or unreadable; names files of similar names.
        UnknownSourceError: If no source reads such data; names the extensions that are known.

    Examples:
        >>> opened = open_data([{"question": "Why?"}])
        >>> opened.source, [chunk.rows for chunk in opened.chunks]
        ('rows', [[{'question': 'Why?'}]])
    """
    sources = {name: entry.item for name, entry in catalog().datasets.items()}
    if isinstance(data, (str, os.PathLike)):
        return _open_text(os.fspath(data), sources, chunk_rows)
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], (str, os.PathLike)):
        return _open_several(data, sources, chunk_rows)
    accepting = [source for source in sources.values() if source.accepts(data)]
    if not accepting:
        kind = f"{type(data).__module__}.{type(data).__qualname__}"
        raise UnknownSourceError(kind, sorted(sources))
    source = accepting[-1]  # general sources come first in the catalog
    return OpenedData(
        source.name, type(data).__name__, (), source.read(data, chunk_rows=chunk_rows)
    )


def _open_several(
    names: Sequence[Any], sources: Mapping[str, DatasetSource], chunk_rows: int
) -> OpenedData:
    other = next((name for name in names if not isinstance(name, (str, os.PathLike))), None)
    if other is not None:
        raise DataError(f"a list of files holds {type(other).__name__}, which is no path")
    each = [_open_text(os.fspath(name), sources, chunk_rows) for name in names]
    return OpenedData(
        each[0].source,
        ", ".join(opened.name for opened in each),
        [file for opened in each for file in opened.files],
        itertools.chain.from_iterable(opened.chunks for opened in each),
    )


def _open_text(
    text: str | bytes, sources: Mapping[str, DatasetSource], chunk_rows: int
) -> OpenedData:
    text = os.fsdecode(text)
    path = Path(text).expanduser()
    scheme = _SCHEME.match(text)
    if scheme is not None and not path.exists():
        for source in reversed(list(sources.values())):
            if scheme[1].lower() in source.schemes:
                chunks = source.read(text, chunk_rows=chunk_rows)
                return OpenedData(source.name, text, (), chunks)
        if "/" in text or not _known_extension(path, sources):
            known = sorted({name for source in sources.values() for name in source.schemes})
            raise UnknownSourceError(f"{scheme[1]}:", [f"{name}:" for name in known])
    files = [path]
    if not path.exists() and _PATTERN.search(text):
        found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  any root
        files = [Path(name) for name in found if Path(name).is_file()]
        if not files:
            raise DataError("no file matches this pattern", file=text)
    found_sources = [_source_of(file, sources) for file in files]
    names = tuple(readable(str(file)) for file in files)
    chunks = (
        chunk if chunk.file is None else replace(chunk, file=readable(chunk.file))
        for source, file in zip(found_sources, files, strict=True)
        for chunk in source.read(file, chunk_rows=chunk_rows)
    )
    return OpenedData(found_sources[0].name, readable(text), names, chunks)


def readable(path: str) -> str:
    r"""Return *path* as it can be written: of a name that is not UTF-8, its bytes by their codes.

    Examples:
        >>> readable(os.fsdecode(b"caf\xe9.csv"))
        'caf\\xe9.csv'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _source_of(file: Path, sources: Mapping[str, DatasetSource]) -> DatasetSource:
    """Return the source for a file that is there; patterns go before extensions."""
    _check_file(file, sources)
    found = _by_name(file, sources)
    if found is None:
        raise UnknownSourceError(file.suffix or file.name, _extensions(sources))
    return found


def _by_name(file: Path, sources: Mapping[str, DatasetSource]) -> DatasetSource | None:
    name = file.name.lower()
    for wanted in ("*", "."):
        for source in reversed(list(sources.values())):
            for extension in source.extensions:
                pattern = extension if "*" in extension else f"*{extension}"
                if ("*" in extension) == (wanted == "*") and fnmatch.fnmatch(name, pattern):
                    return source
    return None


def _known_extension(file: Path, sources: Mapping[str, DatasetSource]) -> bool:
    return _by_name(file, sources) is not None


def _extensions(sources: Mapping[str, DatasetSource]) -> list[str]:
    return sorted({name for source in sources.values() for name in source.extensions})


def _check_file(file: Path, sources: Mapping[str, DatasetSource]) -> None:
    if file.is_dir():
        problem = f"this is a folder; name a file in it, or a pattern such as {file}/*.jsonl"
        raise DataError(problem, file=str(file))
    if not file.exists():
        raise DataError(_missing(file, sources), file=str(file))
    if not os.access(file, os.R_OK):
        raise DataError("this file must not be read: permission denied", file=str(file))


def _missing(file: Path, sources: Mapping[str, DatasetSource]) -> str:
    if not file.parent.is_dir():
        return f"there is no such file, and no folder {file.parent}"
    if not _known_extension(file, sources):
        known = ", ".join(_extensions(sources))
        return f"there is no such file, and data is a path or pattern ending in one of: {known}"
    hint = near_miss(file.name, [found.name for found in file.parent.iterdir()])
    return f"there is no such file.{hint}"

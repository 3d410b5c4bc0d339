"""Finding the source that reads some data: by path, pattern, scheme or type."""

from __future__ import annotations

import fnmatch
import glob
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from evalkit.entities.dataset import Chunk, DatasetSource
from evalkit.errors import DataError, UnknownSourceError, near_miss
from evalkit.hooks.catalog import catalog
from evalkit.hooks.offers import Entry

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
    if isinstance(data, (str, os.PathLike)):
        return _open_text(os.fspath(data), _readers(), chunk_rows)
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], (str, os.PathLike)):
        return _open_several(data, _readers(), chunk_rows)
    known = catalog()
    sources = list(known.usable(known.datasets))
    kind = f"{type(data).__module__}.{type(data).__qualname__}"
    # Strangers' sources come last in the catalog, as special ones of evalkit behind general ones.
    for source in reversed(sources):
        with source.blamed(f"tell whether it reads {kind}"):
            if source.item.accepts(data):
                chunks = _chunks(source, data, chunk_rows)
                return OpenedData(source.name, type(data).__name__, (), chunks)
    raise UnknownSourceError(kind, sorted(source.name for source in sources))


_Readers: TypeAlias = Mapping[str, Entry[DatasetSource]]
"""Sources by what they read: an extension, a pattern of file names, or ``scheme:``."""


def _readers() -> _Readers:
    known = catalog()
    return known.claims(
        known.datasets, lambda x: [*x.extensions, *(f"{scheme}:" for scheme in x.schemes)]
    )


def _chunks(source: Entry[DatasetSource], data: Any, chunk_rows: int) -> Iterator[Chunk]:
    with source.blamed(f"read {data if isinstance(data, (str, Path)) else type(data).__name__}"):
        for chunk in source.item.read(data, chunk_rows=chunk_rows):
            if not isinstance(chunk, Chunk):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"it yields {type(chunk).__name__} instead of Chunk")
            yield chunk


def _open_several(names: Sequence[Any], readers: _Readers, chunk_rows: int) -> OpenedData:
    other = next((name for name in names if not isinstance(name, (str, os.PathLike))), None)
    if other is not None:
        raise DataError(f"a list of files holds {type(other).__name__}, which is no path")
    each = [_open_text(os.fspath(name), readers, chunk_rows) for name in names]
    return OpenedData(
        each[0].source,
        ", ".join(opened.name for opened in each),
        [file for opened in each for file in opened.files],
        itertools.chain.from_iterable(opened.chunks for opened in each),
    )


def _open_text(text: str | bytes, readers: _Readers, chunk_rows: int) -> OpenedData:
    text = os.fsdecode(text)
    path = Path(text).expanduser()
    scheme = _SCHEME.match(text)
    if scheme is not None and not path.exists():
        source = readers.get(f"{scheme[1].lower()}:")
        if source is not None:
            chunks = _chunks(source, text, chunk_rows)
            return OpenedData(source.item.name, text, (), chunks)
        if "/" in text or _claim(path, readers) is None:
            schemes = sorted(claim for claim in readers if claim.endswith(":"))
            raise UnknownSourceError(f"{scheme[1]}:", schemes)
    files = [path]
    if not path.exists() and _PATTERN.search(text):
        found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  any root
        files = [Path(name) for name in found if Path(name).is_file()]
        if not files:
            raise DataError("no file matches this pattern", file=text)
    sources = [_source_of(file, readers) for file in files]
    names = tuple(readable(str(file)) for file in files)
    chunks = (
        chunk if chunk.file is None else replace(chunk, file=readable(chunk.file))
        for source, file in zip(sources, files, strict=True)
        for chunk in _chunks(source, file, chunk_rows)
    )
    return OpenedData(sources[0].item.name, readable(text), names, chunks)


def readable(path: str) -> str:
    r"""Return *path* as it can be written: of a name that is not UTF-8, its bytes by their codes.

    Examples:
        >>> readable(os.fsdecode(b"caf\xe9.csv"))
        'caf\\xe9.csv'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _source_of(file: Path, readers: _Readers) -> Entry[DatasetSource]:
    """Return the source for a file that is there."""
    _check_file(file, readers)
    claim = _claim(file, readers)
    if claim is None:
        raise UnknownSourceError(file.suffix or file.name, _extensions(readers))
    return readers[claim]


def _claim(file: Path, readers: _Readers) -> str | None:
    """Return what decides who reads *file*: patterns before extensions, the longest of each."""
    name = file.name.lower()
    fitting = [
        claim
        for claim in _extensions(readers)
        if fnmatch.fnmatch(name, claim if "*" in claim else f"*{claim}")
    ]
    return max(fitting, key=lambda claim: ("*" in claim, len(claim)), default=None)


def _extensions(readers: _Readers) -> list[str]:
    return sorted(claim for claim in readers if not claim.endswith(":"))


def _check_file(file: Path, readers: _Readers) -> None:
    if file.is_dir():
        problem = f"this is a folder; name a file in it, or a pattern such as {file}/*.jsonl"
        raise DataError(problem, file=str(file))
    if not file.exists():
        raise DataError(_missing(file, readers), file=str(file))
    if not os.access(file, os.R_OK):
        raise DataError("this file must not be read: permission denied", file=str(file))


def _missing(file: Path, readers: _Readers) -> str:
    if not file.parent.is_dir():
        return f"there is no such file, and no folder {file.parent}"
    if _claim(file, readers) is None:
        extensions = ", ".join(_extensions(readers))
        return (
            f"there is no such file, and data is a path or pattern ending in one of: {extensions}"
        )
    hint = near_miss(file.name, [other.name for other in file.parent.iterdir()])
    return f"there is no such file.{hint}"

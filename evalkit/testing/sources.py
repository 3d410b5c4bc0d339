"""The contract suite of data sources: one call checks every law."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from evalkit._internal.canonical import canonical_json
from evalkit.entities.dataset import Chunk, DatasetSource


def check_source(source: DatasetSource, data: Any) -> None:
    """Check that *source* keeps the laws of data sources on *data*, which it can read.

    It is found by extension, scheme or type; yields mappings with text keys whose values JSON can
    hold; yields the same rows each time, in chunks of any size and none much larger than asked;
    numbers its lines; and leaves data in memory as it is.

    Args:
        source: The source.
        data: A path, a URI or an object in memory, of at least two rows; it is read several
            times, so no iterator.

    Raises:
        AssertionError: If a law is broken; names source and law.

    Examples:
        >>> from evalkit.hooks.catalog import catalog
        >>> check_source(catalog().datasets["rows"].item, [{"a": 1}, {"a": 2}])
    """
    _declares_itself(source, data)
    before = None if isinstance(data, (str, Path)) else copy.deepcopy(data)
    whole = _read(source, data, 1000)
    rows = _rows(whole)
    if len(rows) < 2:  # noqa: PLR2004
        raise ValueError(f"check_source needs data of at least two rows, got {len(rows)}")
    _holds_plain_rows(source, rows)
    _numbers_its_lines(source, whole)
    if canonical_json(rows) != canonical_json(_rows(_read(source, data, 1000))):
        _broken(source, "yields the same rows each time", "a second reading differs")
    for size in (1, 2, len(rows)):
        parts = _read(source, data, size)
        if canonical_json(_rows(parts)) != canonical_json(rows):
            _broken(source, "yields the same rows in chunks of any size", f"size {size} differs")
        largest = max(len(part.rows) for part in parts)
        if largest > 2 * size:
            _broken(source, "never holds all rows", f"a chunk of {largest} rows, asked for {size}")
    if before is not None and repr(before) != repr(data):
        _broken(source, "leaves the data as it is", f"it became {data!r}")


def _broken(source: DatasetSource, law: str, problem: str) -> NoReturn:
    raise AssertionError(f"Source {source.name!r} breaks the law {law!r}: {problem}.")


def _declares_itself(source: DatasetSource, data: Any) -> None:
    law = "declares what it reads"
    if not source.name:
        _broken(source, law, "it has no name")
    for extension in source.extensions:
        if not extension.startswith(".") or extension != extension.lower():
            _broken(source, law, f"extension {extension!r} is not like '.jsonl'")
    for scheme in source.schemes:
        if not scheme or scheme != scheme.lower() or ":" in scheme:
            _broken(source, law, f"scheme {scheme!r} is not like 'hf'")
    if isinstance(data, (str, Path)):
        text = str(data).lower()
        named = text.endswith(tuple(source.extensions)) if source.extensions else False
        if not named and text.partition(":")[0] not in source.schemes:
            _broken(source, law, f"neither extension nor scheme of {str(data)!r} is declared")
    elif source.accepts(data) is not True:
        _broken(source, law, f"it does not accept {type(data).__name__}")
    if source.accepts(object()) is not False:
        _broken(source, law, "it accepts any object")


def _read(source: DatasetSource, data: Any, size: int) -> list[Chunk]:
    return list(source.read(data, chunk_rows=size))


def _rows(chunks: Sequence[Chunk]) -> list[Mapping[str, Any]]:
    return [row for chunk in chunks for row in chunk.rows]


def _holds_plain_rows(source: DatasetSource, rows: Sequence[Mapping[str, Any]]) -> None:
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            _broken(source, "yields mappings", f"row {place} is {type(row).__name__}")
        odd = [key for key in row if not isinstance(key, str)]  # pyright: ignore[reportUnnecessaryIsInstance]
        if odd:
            _broken(source, "names columns by texts", f"row {place} has {odd[0]!r}")
        try:
            canonical_json(row)
        except TypeError as error:
            _broken(source, "yields what JSON can hold", f"row {place}: {error}")


def _numbers_its_lines(source: DatasetSource, chunks: Sequence[Chunk]) -> None:
    law = "numbers its lines"
    last = 0
    for chunk in chunks:
        lines = chunk.lines
        if lines is None:
            continue
        if len(lines) != len(chunk.rows):
            _broken(source, law, f"{len(lines)} lines for {len(chunk.rows)} rows")
        for line in lines:
            if line < max(last, 1):
                _broken(source, law, f"line {line} comes after line {last}")
            last = line

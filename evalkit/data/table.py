"""Chunks of rows, turned into columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from evalkit.entities.dataset import Chunk
from evalkit.errors import DataError


class _Missing:
    """The type of `MISSING`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""Stands where a row lacks a column that other rows have."""


@dataclass(frozen=True, slots=True)
class Table:
    """Some consecutive rows as columns, and where they come from."""

    columns: Mapping[str, Sequence[Any]]
    """Values by column, shape ``(n,)`` each; `MISSING` where a row has no such key."""

    length: int
    """How many rows there are."""

    file: str | None
    """File of the rows, as the user named it."""

    lines: Sequence[int]
    """Line or row number of each row, counted from 1."""

    def error(self, problem: str, row: int, column: str | None = None) -> DataError:
        """Return the error that *problem* is at *row* (from 0), for the caller to raise."""
        return DataError(problem, file=self.file, line=self.lines[row], column=column)


def transposed(chunk: Chunk, first_line: int) -> Table:
    """Return the rows of *chunk* as columns.

    Args:
        chunk: Rows, at least one.
        first_line: Number of the first row, where the chunk does not number its rows.

    Raises:
        DataError: If a row is not a mapping, or the name of a column is not a text.

    Examples:
        >>> transposed(Chunk(rows=[{"a": 1, "b": 2}, {"a": 3}]), 1).columns
        {'a': [1, 3], 'b': [2, MISSING]}
    """
    rows = chunk.rows
    lines = chunk.lines if chunk.lines is not None else range(first_line, first_line + len(rows))
    if set(map(type, rows)) != {dict}:
        _refuse_other_rows(chunk, lines)
    columns = _aligned(rows) or _ragged(rows)
    if set(map(type, columns)) - {str}:
        name = next(name for name in columns if type(name) is not str)
        problem = f"names of columns must be texts; {name!r} is {type(name).__name__}"
        raise DataError(problem, file=chunk.file, line=lines[0])
    return Table(columns, len(rows), chunk.file, lines)


def _aligned(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]] | None:
    """Return the columns of rows that all have the keys of the first, else ``None``."""
    names = list(rows[0])
    if set(map(len, rows)) != {len(names)}:
        return None
    try:
        return {name: list(map(itemgetter(name), rows)) for name in names}
    except KeyError:
        return None


def _ragged(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, MISSING) for row in rows] for name in names}


def _refuse_other_rows(chunk: Chunk, lines: Sequence[int]) -> None:
    rows: Sequence[Any] = chunk.rows
    for line, row in zip(lines, rows, strict=True):
        if not isinstance(row, Mapping):
            problem = f"a row must be a mapping of column to value, not {type(row).__name__}"
            raise DataError(problem, file=chunk.file, line=line)

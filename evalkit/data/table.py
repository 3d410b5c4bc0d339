"""Chunks of rows, turned into columns of one kind each."""

from __future__ import annotations

import datetime as dt
import numbers
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


_KINDS: Final[dict[type, str | None]] = {
    str: "text",
    bool: "a truth value",
    int: "a number",
    float: "a number",
    dict: None,
    list: None,
    tuple: None,
    type(None): None,
    type(MISSING): None,
}


def kind_of(kind: type) -> str | None:
    """Return the kind of a scalar type, ``None`` for structures and for nothing.

    Examples:
        >>> kind_of(int), kind_of(bool), kind_of(list)
        ('a number', 'a truth value', None)
    """
    if kind not in _KINDS:
        if kind.__name__ in {"bool", "bool_"}:
            _KINDS[kind] = "a truth value"
        elif issubclass(kind, str):
            _KINDS[kind] = "text"
        elif issubclass(kind, numbers.Number):
            _KINDS[kind] = "a number"
        elif issubclass(kind, dt.date) and kind.__name__ != "NaTType":
            _KINDS[kind] = "a date"
        else:
            _KINDS[kind] = None
    return _KINDS[kind]


def is_missing(value: Any) -> bool:
    """Say whether *value* stands for nothing: ``None``, NaN, or pandas' own signs.

    Examples:
        >>> [is_missing(value) for value in (None, float("nan"), "", 0)]
        [True, True, False, False]
    """
    if value is None or value is MISSING or type(value).__name__ in {"NaTType", "NAType"}:
        return True
    return isinstance(value, numbers.Number) and bool(value != value)  # noqa: PLR0124  NaN alone


class Kinds:
    """The kind of each column so far, and where it was first seen."""

    def __init__(self) -> None:
        """Start without columns."""
        self._known: dict[str, tuple[str, int]] = {}

    def check(self, table: Table, column: str) -> set[type]:
        """Return the types in a column, after a check that they are of one kind.

        Texts, numbers, truth values and dates are kinds; missing values and structures are of any.

        Raises:
            DataError: If two kinds meet, naming the line of the second and the line of the first.
        """
        types = set(map(type, table.columns[column]))
        kinds = {kind_of(kind) for kind in types} - {None}
        known = self._known.get(column)
        if not kinds or (known is not None and kinds == {known[0]}):
            return types
        self._compare(table, column, several=known is not None or len(kinds) > 1)
        return types

    def _compare(self, table: Table, column: str, *, several: bool) -> None:
        for row, value in enumerate(table.columns[column]):
            kind = kind_of(type(value))
            if kind is None or is_missing(value):
                continue
            known = self._known.get(column)
            if known is None:
                self._known[column] = (kind, table.lines[row])
                if not several:
                    return
            elif known[0] != kind:
                first, line = known
                raise table.error(
                    f"mixed types: this is {kind} ({value!r:.60}), and line {line} has {first}; "
                    "make the column one type",
                    row,
                    column,
                )

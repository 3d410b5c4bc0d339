"""One kind of value a column: where the kind changes, the line is named."""

from __future__ import annotations

import datetime as dt
import numbers
from typing import Any, Final

from evalkit.data.table import MISSING, Table

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

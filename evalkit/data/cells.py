"""Fields into cells: validated values as the snapshot keeps them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, canonical_json_each
from evalkit.data.fields import (
    INTEGER_FIELDS,
    JSON_FIELDS,
    MAPPING_FIELDS,
    NUMBER_FIELDS,
    TEXT_FIELDS,
)
from evalkit.data.table import Table, is_missing
from evalkit.data.traces import trace_if_any
from evalkit.data.traces.values import shown
from evalkit.entities.trace import Trace
from evalkit.errors import TraceError

_LARGEST: Final = 2**63 - 1
_EMPTY: Final = frozenset({b"{}", b"null"})


def cells(field: str, values: Sequence[Any], table: Table, column: str) -> list[Any]:
    """Return the validated cells of one field, shape ``(n,)``; ``None`` where missing.

    JSON fields become canonical JSON as bytes; texts, whole numbers and numbers stay what they
    are.  An empty mapping is missing; an empty text is a value.

    Args:
        field: Field of a case.
        values: Its values, shape ``(n,)``.
        table: Where they come from, for errors.
        column: Column or path they come from, for errors.

    Raises:
        DataError: If a value does not fit the field, naming file, line and column.

    Examples:
        >>> table = Table({}, 2, None, [1, 2])
        >>> cells("inputs", [{"b": 1, "a": "x"}, {}], table, "inputs")
        [b'{"a":"x","b":1}', None]
        >>> cells("weight", [1, 0.5], table, "w")
        [1.0, 0.5]
    """
    if field in JSON_FIELDS:
        return _json_cells(field, values, table, column)
    if field in TEXT_FIELDS and set(map(type, values)) == {str}:
        return [value or None for value in values] if "" in values else list(values)
    convert = _CONVERTERS[field]
    made: list[Any] = []
    for row, value in enumerate(values):
        try:
            made.append(None if is_missing(value) else convert(value))
        except (ValueError, OverflowError) as error:
            raise table.error(f"{error}, not {shown(value)}", row, column) from None
    return made


def _json_cells(field: str, values: Sequence[Any], table: Table, column: str) -> list[bytes | None]:
    shape = _SHAPES.get(field)
    if shape is not None:
        values = [
            None if is_missing(value) else _shaped(shape, value, table, row, column)
            for row, value in enumerate(values)
        ]
    try:
        made = canonical_json_each(values)
    except TypeError:
        made = [_json_cell(value, table, row, column) for row, value in enumerate(values)]
    empty = _EMPTY if field in MAPPING_FIELDS else frozenset({b"null"})
    if empty.isdisjoint(made):
        return list(made)
    return [None if cell in empty else cell for cell in made]


def _json_cell(value: Any, table: Table, row: int, column: str) -> bytes:
    try:
        return canonical_json(value)
    except TypeError as error:
        raise table.error(f"this cannot be kept as JSON: {error}", row, column) from error


def _shaped(shape: Callable[[Any], Any], value: Any, table: Table, row: int, column: str) -> Any:
    try:
        return shape(value)
    except TraceError as error:
        raise table.error(error.problem, row, column) from error
    except ValueError as error:
        raise table.error(f"{error}, not {shown(value)}", row, column) from None


def _conditions(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return list(value)
    raise ValueError("must is a condition or a list of conditions as texts")


def _calls(value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, (list, tuple)) and all(isinstance(item, Mapping) for item in value):
        return list(value)
    raise ValueError("tool_calls is a list of mappings with name and arguments")


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number) and not isinstance(value, (bool, complex))


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    if _is_number(value):
        number = float(value)
        return str(int(value)) if number.is_integer() else str(number)
    raise ValueError("this must be a text or a number")


def _whole(value: Any) -> int:
    if _is_number(value):
        number = float(value)
        if number.is_integer() and number >= 0:
            if int(value) > _LARGEST:
                raise ValueError(f"this must be at most {_LARGEST}, the largest of 64 bits")
            return int(value)
    raise ValueError("this must be a whole number, at least 0")


def _number(value: Any) -> float:
    if _is_number(value):
        number = float(value)
        if math.isfinite(number) and number >= 0:
            return number
    raise ValueError("this must be a finite number, at least 0")


def _trace(value: Any) -> Any:
    """Return a trace of a known form as the snapshot keeps it; others stay as they are."""
    found = trace_if_any(value)
    return found.to_json() if isinstance(found, Trace) else found


_SHAPES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "must": _conditions,
    "tool_calls": _calls,
    "trace": _trace,
}
_CONVERTERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(TEXT_FIELDS, _text),
    **dict.fromkeys(INTEGER_FIELDS, _whole),
    **dict.fromkeys(NUMBER_FIELDS, _number),
}

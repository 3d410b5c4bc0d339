"""Rows into fields, and fields into cells of the snapshot, column by column."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from evalkit._internal.canonical import canonical_json
from evalkit._internal.exact import exact_json, exact_json_each
from evalkit.data.fields import (
    BARE_KEYS,
    INTEGER_FIELDS,
    JSON_FIELDS,
    MAPPING_FIELDS,
    NUMBER_FIELDS,
    PLAIN_FIELDS,
    PROBABILITIES,
    TEXT_FIELDS,
)
from evalkit.data.plan import Leftover, Plan, Slot, missing_column, read_wishes
from evalkit.data.table import MISSING, Kinds, Table, is_missing
from evalkit.data.traces import trace_if_any
from evalkit.data.traces.values import shown
from evalkit.entities.trace import Trace
from evalkit.errors import TraceError
from evalkit.scoring.reading import follow

_NO_WEIGHT: Final = "a weight must be a number; write 1 for the usual one, 0 to leave a case out"
_LARGEST: Final = 2**63 - 1
_EMPTY: Final = frozenset({b"{}", b"null"})

_ABSENT: Final = {"weight": 1.0}
"""What a row without a column counts as; an empty cell is missing."""

_MISSING_TYPE = type(MISSING)
_MOST_NAMES = 10_000
"""Of inputs that are mappings with ever new keys, only so many are noted."""
_NOTHING: Mapping[str, Any] = {}


def cells(field: str, values: Sequence[Any], table: Table, column: str) -> list[Any]:
    """Return the validated cells of one field, shape ``(n,)``; ``None`` where missing.

    JSON fields become JSON as bytes, from which the values come back as they are; texts, whole
    numbers and numbers stay what they are.  An empty mapping is missing; an empty text is a value.

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
    weighed = field == "weight" and not all(map(is_missing, values))
    made: list[Any] = []
    for row, value in enumerate(values):
        try:
            if weighed and is_missing(value):
                raise ValueError(_NO_WEIGHT)  # noqa: TRY301  one way out for every wrong value
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
    write = canonical_json if field in PLAIN_FIELDS else exact_json
    try:
        made = [*map(write, values)] if field in PLAIN_FIELDS else exact_json_each(values)
    except TypeError:
        made = [_json_cell(write, value, table, row, column) for row, value in enumerate(values)]
    empty = _EMPTY if field in MAPPING_FIELDS else frozenset({b"null"})
    if empty.isdisjoint(made):
        return list(made)
    return [None if cell in empty else cell for cell in made]


def _json_cell(
    write: Callable[[Any], bytes], value: Any, table: Table, row: int, column: str
) -> bytes:
    try:
        return write(value)
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
        whole = int(value)
        return str(whole) if whole == value else str(value)
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


class Mapper:
    """Turns tables of the data's columns into columns of a case's fields.

    Examples:
        >>> mapper = Mapper({"tags": ["region"]})
        >>> table = Table({"question": ["q"], "expected": ["a"], "region": ["eu"]}, 1, None, [1])
        >>> for field, values in sorted(mapper.fields(table).items()):
        ...     print(field, values)
        expectations [{'target': 'a'}]
        inputs [{'question': 'q'}]
        tags [{'region': 'eu'}]
    """

    def __init__(
        self,
        columns: Mapping[str, Any] | None = None,
        *,
        has_model: bool = False,
        leftover: Leftover = "tags",
    ) -> None:
        """Read what ``columns`` asks for.

        Args:
            columns: Case field to the data's column, a dotted path, a list of them, or ``None``
                to leave the field empty.
            has_model: Whether a live target makes the outputs.
            leftover: Where columns go that no field claims.

        Raises:
            UsageError: If ``columns`` is wrong in itself.
        """
        self.plan = Plan(read_wishes(columns), has_model=has_model, leftover=leftover)
        self.input_names: dict[str, None] = {}
        """Keys of the inputs, in the order of the data."""
        self._kinds = Kinds()

    def fields(self, table: Table) -> dict[str, Sequence[Any]]:
        """Return the values of each field, shape ``(n,)``; ``None`` or ``{}`` where missing.

        Raises:
            DataError: If the mapping is not clear or a column has mixed types.
            MissingColumnError: If a column that was asked for is not there.
        """
        self.plan.extend(table)
        used = {slot.column for slots in self.plan.slots.values() for slot in slots}
        types = {name: self._kinds.check(table, name) for name in table.columns if name in used}
        found: dict[str, Sequence[Any]] = {}
        for field, slots in self.plan.slots.items():
            taken = [
                (slot, *_values(slot, table, types.get(slot.column, set())))
                for slot in slots
                if slot.column in table.columns
            ]
            if not taken:
                continue
            if field == PROBABILITIES and taken[0][0].key is not None:
                keyed = [(slot.key or slot.name, values, kinds) for slot, values, kinds in taken]
                found[field] = _zipped(keyed, table.length)
            elif field in MAPPING_FIELDS:
                found[field] = _mappings(field, taken, table)
            elif field in self.plan.listed:
                found[field] = [
                    [value for value in row if not is_missing(value)]
                    for row in zip(*(values for _, values, _ in taken), strict=True)
                ]
            else:
                _, values, kinds = taken[0]
                sparse = _MISSING_TYPE in kinds
                absent = _ABSENT.get(field)
                found[field] = [absent if v is MISSING else v for v in values] if sparse else values
        if PROBABILITIES in found:
            found["outputs"] = _stated(found.get("outputs"), found.pop(PROBABILITIES))
        if "inputs" in found:
            self._note_inputs(found["inputs"], table)
        return found

    def _note_inputs(self, inputs: Sequence[Mapping[str, Any]], table: Table) -> None:
        slots = self.plan.slots["inputs"]
        if all(slot.key is not None for slot in slots):
            keys = {slot.column: slot.key for slot in slots}
            ordered = [keys[name] for name in table.columns if name in keys]
            names: Iterable[str] = cast("list[str]", ordered)
            if self.plan.wishes.names("inputs"):
                names = (cast("str", slot.key) for slot in slots)
            self.input_names.update(dict.fromkeys(names))
            return
        for names in dict.fromkeys(map(tuple, inputs)):
            if len(self.input_names) < _MOST_NAMES:
                self.input_names.update(dict.fromkeys(names))


Taken = tuple[Slot, Sequence[Any], set[type]]


def _values(slot: Slot, table: Table, types: set[type]) -> tuple[Sequence[Any], set[type]]:
    values = table.columns[slot.column]
    if slot.path is None:
        return values, types
    path = slot.path
    inner = [MISSING if value is MISSING else follow(value, path) for value in values]
    if all(value is None or value is MISSING for value in inner) and any(
        value is not None and value is not MISSING for value in values
    ):
        raise missing_column(str(slot), table)
    return inner, set(map(type, inner))


def _mappings(field: str, taken: Sequence[Taken], table: Table) -> list[Mapping[str, Any]]:
    """Return one mapping a row, gathered from whole mappings and from columns with keys."""
    keyed = [(slot.key, values, types) for slot, values, types in taken if slot.key is not None]
    whole = [
        _coerced(field, slot, values, types, table)
        for slot, values, types in taken
        if slot.key is None
    ]
    if not whole:
        return _zipped(keyed, table.length)
    if not keyed and len(whole) == 1:
        return whole[0]
    parts = [_zipped(keyed, table.length), *whole] if keyed else whole
    return [{k: v for part in row for k, v in part.items()} for row in zip(*parts, strict=True)]


def _zipped(
    keyed: Sequence[tuple[str, Sequence[Any], set[type]]], length: int
) -> list[Mapping[str, Any]]:
    if not keyed:
        return [_NOTHING] * length
    names = [name for name, _, _ in keyed]
    columns = [values for _, values, _ in keyed]
    sparse = any(_MISSING_TYPE in types for _, _, types in keyed)
    if len(names) == 1 and not sparse:
        name = names[0]
        return [{name: value} for value in columns[0]]
    made = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if sparse:
        return [{k: v for k, v in row.items() if v is not MISSING} for row in made]
    return cast("list[Mapping[str, Any]]", made)


def _stated(labels: Sequence[Any] | None, shares: Sequence[Any]) -> Sequence[Any]:
    """Return what each output states: its label beside its probabilities, or those alone."""
    if labels is None:
        return shares
    pairs = zip(labels, shares, strict=True)
    return [
        None
        if is_missing(label) and is_missing(share)
        else {"label": None if is_missing(label) else label, PROBABILITIES: share}
        for label, share in pairs
    ]


def _coerced(
    field: str, slot: Slot, values: Sequence[Any], types: set[type], table: Table
) -> list[Mapping[str, Any]]:
    """Return a column as mappings: bare values under the key that the field has for them."""
    if types == {dict}:
        return list(values)
    keys = _bare_keys(field, slot)
    if types == {str} and keys:
        return [dict.fromkeys(keys, value) for value in values]
    return [_one_mapping(field, keys, value, table, row) for row, value in enumerate(values)]


def _bare_keys(field: str, slot: Slot) -> tuple[str, ...]:
    """Return the keys of a value that stands where a mapping is wanted.

    An input and a tag are called as their column; an expectation too, where the column was asked
    for, and it is the ``target`` besides.
    """
    key = BARE_KEYS.get(field)
    if key is None or slot.name == field:
        return () if key is None else (key,)
    if field == "expectations":
        return (slot.name, key) if slot.asked and slot.name != key else (key,)
    return (slot.name,) if field == "inputs" or slot.asked else (key,)


def _one_mapping(
    field: str, keys: tuple[str, ...], value: Any, table: Table, row: int
) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if is_missing(value):
        return _NOTHING
    if field == "tags" and isinstance(value, (list, tuple)):
        return {str(name): True for name in value}
    if field == "inputs" and _is_messages(value):
        return {"messages": value}
    if not keys:
        problem = f"{field} must be a mapping, not {type(value).__name__}; name its keys as in "
        raise table.error(f"{problem}columns={{'{field}.NAME': ...}}", row, field)
    return dict.fromkeys(keys, value)


def _is_messages(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, Mapping) and "role" in item for item in value)
    )

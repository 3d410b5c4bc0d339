"""Rows in memory: lists and iterators of mappings, of cases or of traces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from evalkit.plugin import Case, Chunk, DataError, is_trace

_EMPTY: Final = Case()
_NAMES: Final = tuple(field.name for field in dataclasses.fields(Case))
_NOT_ROWS: Final = (str, bytes, bytearray, memoryview, Mapping)
_FRAMES: Final = {"pandas", "polars", "pyarrow", "datasets", "numpy"}


@dataclasses.dataclass(frozen=True, slots=True)
class InMemoryRows:
    """Reads lists, tuples, iterators, and other iterables of mappings, cases or traces.

    A mapping of column to list is read as a table.

    An iterator is consumed once; nothing is changed.

    Examples:
        >>> [chunk.rows for chunk in InMemoryRows().read([{"a": 1}, {"a": 2}], chunk_rows=1)]
        [[{'a': 1}], [{'a': 2}]]
    """

    name: str = "rows"
    extensions: Sequence[str] = ()
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:
        """Say whether *data* can be iterated and is neither a text, a frame nor a mere mapping."""
        if isinstance(data, _NOT_ROWS):
            return _is_columns(data)
        return type(data).__module__.partition(".")[0] not in _FRAMES and isinstance(data, Iterable)

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows.

        Raises:
            DataError: If an element is no mapping, `Case` or trace; names its number.
        """
        iterator: Iterator[Any] = _rows_of(data) if isinstance(data, Mapping) else iter(data)
        number = 1
        while taken := list(islice(iterator, chunk_rows)):
            if set(map(type, taken)) != {dict}:
                taken = [_row(item, number + place) for place, item in enumerate(taken)]
            yield Chunk(rows=taken, lines=range(number, number + len(taken)))
            number += len(taken)


def _is_columns(data: object) -> bool:
    """Say whether *data* is a mapping of column to values, as frames are made of."""
    return (
        isinstance(data, Mapping)
        and bool(data)
        and not is_trace(data)
        and all(
            isinstance(column, Sequence) and not isinstance(column, (str, bytes))
            for column in data.values()
        )
    )


def _rows_of(data: Mapping[str, Sequence[Any]]) -> Iterator[Mapping[str, Any]]:
    lengths = {name: len(column) for name, column in data.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(f"the columns differ in length: {shown}")
    return (dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True))


def _row(item: Any, number: int) -> Mapping[str, Any]:
    if isinstance(item, Mapping):
        return item
    if isinstance(item, Case):
        filled = {name: getattr(item, name) for name in _NAMES}
        return {
            name: value
            for name, value in filled.items()
            if name == "inputs" or (value is not getattr(_EMPTY, name) and value != {})
        }
    if is_trace(item):
        return {"trace": item}
    hint = "; to read several files, give a pattern such as 'data/*.jsonl'"
    raise DataError(
        f"a row must be a mapping or a Case, not {type(item).__name__}"
        + (hint if isinstance(item, str) else ""),
        line=number,
    )

"""Arrow data in memory, and what every source of Arrow data shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evalkit.plugin import Chunk, DataError

_TYPES: Final = frozenset(
    {"Table", "RecordBatch", "RecordBatchReader", "Dataset", "FileSystemDataset", "InMemoryDataset"}
)


@dataclass(frozen=True, slots=True)
class ArrowData:
    """Reads pyarrow tables, record batches, readers and datasets, batch by batch."""

    name: str = "pyarrow"
    extensions: Sequence[str] = ()
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:
        """Say whether *data* is of pyarrow, by the name of its type."""
        kind = type(data)
        return kind.__module__.partition(".")[0] == "pyarrow" and kind.__name__ in _TYPES

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows.

        Raises:
            DataError: If two columns have one name.
        """
        dtypes = pandas_types(data.schema)
        if type(data).__name__ == "RecordBatch":
            batches: Any = [data]
        elif type(data).__name__ == "RecordBatchReader":
            batches = data
        else:
            batches = data.to_batches()
        for batch in batches:
            for start in range(0, batch.num_rows, chunk_rows):
                yield Chunk(rows=rows_of(batch.slice(start, chunk_rows)), dtypes=dtypes)


def rows_of(batch: Any) -> list[dict[str, Any]]:
    """Return the rows of a record batch as mappings of plain values."""
    names = batch.schema.names
    columns = [column.to_pylist() for column in batch.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def pandas_types(schema: Any, file: str | None = None) -> dict[str, str]:
    """Return the pandas type of each column of an Arrow schema that JSON would lose.

    Raises:
        DataError: If two columns have one name.

    Examples:
        >>> import pyarrow as pa
        >>> pandas_types(pa.schema({"a": pa.int32(), "b": pa.string(), "c": pa.bool_()}))
        {'a': 'int32', 'c': 'bool'}
    """
    import pyarrow.types as kinds

    found: dict[str, str] = {}
    names: set[str] = set()
    for field in schema:
        if field.name in names:
            raise DataError("two columns have this name", file=file, column=field.name)
        names.add(field.name)
        if kinds.is_integer(field.type) or field.type in _floats():
            found[field.name] = {
                "halffloat": "float16",
                "float": "float32",
                "double": "float64",
            }.get(str(field.type), str(field.type))
        elif kinds.is_boolean(field.type):
            found[field.name] = "bool"
        elif kinds.is_dictionary(field.type):
            found[field.name] = "category"
        elif kinds.is_timestamp(field.type) and field.type.tz is None:
            found[field.name] = f"datetime64[{field.type.unit}]"
    return found


def _floats() -> tuple[Any, Any, Any]:
    import pyarrow as pa

    return pa.float16(), pa.float32(), pa.float64()

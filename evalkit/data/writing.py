"""Writing a snapshot: bounded memory, and either a whole file or none."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from evalkit._internal.ids import new_run_id
from evalkit.data.fields import ALL_FIELDS, INTEGER_FIELDS, JSON_FIELDS, NUMBER_FIELDS
from evalkit.errors import JournalError, UsageError

ROW_GROUP: Final = 8192
"""Rows in a row group of the snapshot."""

ORDER: Final = (*ALL_FIELDS, "line", "file")
"""Columns of the snapshot, in the order in which they are written."""

FORMAT: Final = 1
"""Version of the snapshot's columns and facts."""

METADATA_KEY: Final = b"evalkit"
"""Key of the snapshot's facts in the file's metadata: JSON."""


def arrow_type(field: str) -> Any:
    """Return the Arrow type of a snapshot's column."""
    import pyarrow as pa

    if field in INTEGER_FIELDS or field == "line":
        return pa.int64()
    return pa.float64() if field in NUMBER_FIELDS else pa.string()


def arrow_column(field: str, cells: Sequence[Any]) -> Any:
    """Return the cells of one field as an Arrow array."""
    import pyarrow as pa

    if field not in JSON_FIELDS:
        return pa.array(cells, type=arrow_type(field))
    held = pa.array(cells, type=pa.binary())
    # Canonical JSON is valid UTF-8 already; a cast would check it again.
    return pa.Array.from_buffers(pa.string(), len(held), held.buffers(), held.null_count)


def stored_cells(table: Any) -> dict[str, list[Any]]:
    """Return the columns of an Arrow table as cells, JSON as bytes: what `arrow_column` took."""
    import pyarrow as pa

    return {
        name: (
            table.column(name).cast(pa.binary()) if name in JSON_FIELDS else table.column(name)
        ).to_pylist()
        for name in table.column_names
    }


class SnapshotWriter:
    """Writes row groups to a hidden file that gets its name when it is complete.

    Rows that lack a column of other rows have nulls in it.  A column that first turns up late
    starts a new part; parts are merged in the end.  Leaving the context without `commit` leaves
    nothing behind.
    """

    def __init__(self, path: Path) -> None:
        """Prepare to write *path*; its folder must exist, the file must not."""
        self.path = path
        self._parts: list[Path] = []
        self._writer: Any = None
        self._schema: Any = None
        self._waiting: list[Any] = []
        self._rows = 0

    def __enter__(self) -> Self:
        if self.path.exists():
            raise UsageError(f"{self.path} exists already, and a snapshot is written once.")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._close_part()
        for part in self._parts:
            with contextlib.suppress(OSError):
                part.unlink()

    def write(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Add rows: field to cells, shape ``(n,)`` each.

        Raises:
            JournalError: If the disk is full or the folder cannot be written.
        """
        import pyarrow as pa

        filled = [n for n, cells in columns.items() if any(cell is not None for cell in cells)]
        names = sorted(filled, key=ORDER.index)
        arrays = [arrow_column(name, columns[name]) for name in names]
        self.write_table(pa.table(arrays, names=names))

    def write_table(self, table: Any) -> None:
        """Add the rows of an Arrow table with a snapshot's columns.

        Raises:
            JournalError: If the disk is full or the folder cannot be written.
        """
        names = table.column_names
        known = [] if self._schema is None else self._schema.names
        wanted = sorted({*names, *known}, key=ORDER.index)
        if wanted != names:
            table = widened(table, wanted)
        if wanted != known:
            self._flush()
            self._start_part(table.schema)
        self._waiting.append(table)
        self._rows += len(table)
        if self._rows >= ROW_GROUP:
            self._flush(whole=True)

    def tables(self) -> Iterator[Any]:
        """Yield everything written, as Arrow tables of at most one row group each."""
        import pyarrow.parquet as pq

        self._flush()
        self._close_part()
        for part in self._parts:
            with pq.ParquetFile(part) as file:
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group)
                    yield widened(table, self._schema.names)

    def commit(self, facts: Mapping[str, Any]) -> None:
        """Write *facts* into the file and give it its name.

        Raises:
            JournalError: If the disk is full or the folder cannot be written.
            UsageError: If another process has written the file meanwhile.
        """
        if len(self._parts) > 1:
            with SnapshotWriter(self.path) as merged:
                for table in self.tables():
                    merged.write_table(table)
                merged.commit(facts)
            return
        with storage_errors(self.path):
            self._flush()
            self._writer.add_key_value_metadata({METADATA_KEY: json.dumps(facts)})
            self._close_part()
            publish(self._parts[0], self.path)

    def _flush(self, *, whole: bool = False) -> None:
        import pyarrow as pa

        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting)
        ready = len(table) - len(table) % ROW_GROUP if whole else len(table)
        with storage_errors(self.path):
            self._writer.write_table(table.slice(0, ready), row_group_size=ROW_GROUP)
        rest = table.slice(ready)
        self._waiting = [rest] if len(rest) else []
        self._rows = len(rest)

    def _start_part(self, schema: Any) -> None:
        import pyarrow.parquet as pq

        self._close_part()
        part = self.path.with_name(f".{self.path.name}.{new_run_id()[:8]}.part")
        self._parts.append(part)
        self._schema = schema
        with storage_errors(self.path):
            self._writer = pq.ParquetWriter(
                part, schema, compression="zstd", use_dictionary=False, write_statistics=False
            )

    def _close_part(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with storage_errors(self.path):
                writer.close()


def widened(table: Any, names: Sequence[str]) -> Any:
    """Return an Arrow table with the columns *names*, in order; nulls where it lacks one."""
    import pyarrow as pa

    have = set(table.column_names)
    columns = [
        table.column(name) if name in have else pa.nulls(len(table), arrow_type(name))
        for name in names
    ]
    return pa.table(columns, names=list(names))


def publish(part: Path, path: Path) -> None:
    """Give a complete file its name, unless another process was quicker.

    Raises:
        UsageError: If *path* exists already.
    """
    try:
        os.link(part, path)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already, and a snapshot is written once.") from error
    except OSError:  # a file system without hard links
        part.replace(path)
        return
    part.unlink()


@contextlib.contextmanager
def storage_errors(path: Path) -> Generator[None]:
    """Turn an operating system's refusal to write *path* into a `JournalError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise JournalError(f"{path} cannot be written: {reason}.") from error

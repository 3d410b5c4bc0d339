"""The snapshot of validated cases that an evaluation and its resume read.

Writing takes bounded memory, and leaves either a whole file or none.
"""

from __future__ import annotations

import bisect
import contextlib
import itertools
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from evalkit._internal.arrow import number_array, reading_parquet, text_array
from evalkit._internal.canonical import parse_json
from evalkit._internal.exact import parse_exact
from evalkit._internal.ids import new_run_id
from evalkit.data.fields import (
    ALL_FIELDS,
    INTEGER_FIELDS,
    JSON_FIELDS,
    MAPPING_FIELDS,
    NUMBER_FIELDS,
)
from evalkit.data.identity import case_digests
from evalkit.entities.batch import CaseBatch
from evalkit.errors import DataError, JournalError, UsageError

FILE_NAME: Final = "cases.parquet"
"""Name of the snapshot in its folder."""

ROW_GROUP: Final = 8192
"""Rows in a row group of the snapshot."""

ORDER: Final = (*ALL_FIELDS, "line", "file")
"""Columns of the snapshot, in the order in which they are written."""

FORMAT: Final = 1
"""Version of the snapshot's columns and facts."""

METADATA_KEY: Final = b"evalkit"
"""Key of the snapshot's facts in the file's metadata: JSON."""

_CACHED_GROUPS: Final = 2
_NUMBER_DEFAULTS: Final[Mapping[str, float]] = {"weight": 1.0, "repeat": 0.0}
_CELL_DEFAULTS: Final[Mapping[str, Any]] = {"weight": 1.0, "repeat": 0, "must": ()}


def arrow_type(field: str) -> Any:
    """Return the Arrow type of a snapshot's column."""
    import pyarrow as pa

    if field in INTEGER_FIELDS or field == "line":
        return pa.int64()
    return pa.float64() if field in NUMBER_FIELDS else pa.string()


def arrow_column(field: str, cells: Sequence[Any]) -> Any:
    """Return the cells of one field as an Arrow array; of JSON, its UTF-8."""
    if field not in NUMBER_FIELDS and field not in INTEGER_FIELDS and field != "line":
        return text_array(cells)
    kind = np.float64 if field in NUMBER_FIELDS else np.int64
    absent = np.fromiter((cell is None for cell in cells), dtype=bool, count=len(cells))
    values = np.array([0 if cell is None else cell for cell in cells], dtype=kind)
    return number_array(values, absent)


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


class Spool:
    """Cases in a Parquet file, read a row group at a time.

    A spool is safe to read from several threads, and pickles as its path.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any], file: Any) -> None:
        """Hold an open file; use `Spool.open`."""
        self.path: Final = path
        self.n_repeats: Final[int] = facts.get("n_repeats", 1)
        """Rows of each case, side by side; 1 where cases have different numbers of rows."""
        self.n: Final[int] = file.metadata.num_rows // self.n_repeats
        """Cases, or rows where cases have different numbers of rows."""
        self.n_cases: Final[int] = facts["n_cases"]
        """Different cases."""
        self.dataset_digest: Final[str] = facts["dataset_digest"]
        self.outputs_digest: Final[str | None] = facts["outputs_digest"]
        self.fields: Final[frozenset[str]] = frozenset(facts["fields"])
        """Fields that at least one row fills."""
        self.dtypes: Final[Mapping[str, str]] = facts["dtypes"]
        """Types of input columns that JSON would lose, as pandas names them."""
        self.input_names: Final[Sequence[str]] = tuple(facts["input_names"])
        """Keys of the inputs, in the order of the data."""
        self.late: Final[Mapping[str, str]] = facts["late"]
        """Fields to fill from what the target returns: field to dotted path into it."""
        self.facts: Final[Mapping[str, Any]] = facts
        """All of the above and the mapping and source used, as plain values."""
        self._file = file
        self._lock = threading.Lock()
        sizes = (file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
        self._starts = [0, *itertools.accumulate(sizes)]
        self._held: dict[int, Any] = {}
        self._all: Any = None
        kept = list(self.input_names) == sorted(self.input_names)  # the order of canonical JSON
        self._places = {} if kept else {name: at for at, name in enumerate(self.input_names)}

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the snapshot at *path*.

        Raises:
            DataError: If there is none, or the file is not a snapshot of ours.
        """
        import pyarrow.parquet as pq

        path = Path(path)
        if not path.is_file():
            raise DataError("there is no snapshot of the data", file=str(path))
        with reading_parquet(path):
            file = pq.ParquetFile(path, memory_map=True)
        facts = (file.metadata.metadata or {}).get(METADATA_KEY)
        if facts is None:
            raise DataError("this Parquet file is no snapshot of an evaluation", file=str(path))
        known = parse_json(facts)
        if known["format"] > FORMAT:
            raise DataError("a newer evalkit wrote this snapshot; upgrade evalkit", file=str(path))
        return cls(path, known, file)

    def __len__(self) -> int:
        return self.n

    def __reduce__(self) -> tuple[Callable[[Path], Spool], tuple[Path]]:
        return (Spool.open, (self.path,))

    def close(self) -> None:
        """Close the file; reading afterwards fails."""
        self._held.clear()
        self._all = None
        self._file.close()

    def batches(self, rows: int = 1024) -> Iterator[CaseBatch]:
        """Yield all cases in order, *rows* at a time."""
        for start in range(0, self.n, rows):
            yield self.batch(start, min(start + rows, self.n))

    def batch(self, start: int, stop: int) -> CaseBatch:
        """Return cases *start* to *stop* (exclusive), the first row of each.

        Raises:
            IndexError: If the cases are not within the snapshot.
        """
        found = self.cells(start, stop)
        return found if self.n_repeats == 1 else found.take(range(0, len(found), self.n_repeats))

    def cells(self, start: int, stop: int) -> CaseBatch:
        """Return every row of cases *start* to *stop*; a field is decoded when first asked for.

        Raises:
            IndexError: If the cases are not within the snapshot.
        """
        if not 0 <= start <= stop <= self.n:
            raise IndexError(f"cases {start} to {stop} of a snapshot of {self.n}")
        return self._batch(self._rows(start * self.n_repeats, stop * self.n_repeats))

    def _batch(self, table: Any) -> CaseBatch:
        def decoded(name: str) -> Callable[[], Sequence[Any]]:
            return lambda: self._decoded(name, table.column(name).to_pylist())

        names = [n for n in self._file.schema_arrow.names if n in self.fields or n == "id"]
        return CaseBatch({}, length=len(table), lazy={name: decoded(name) for name in names})

    def cells_at(self, cases: Sequence[int]) -> CaseBatch:
        """Return every row of some cases, in the order given.

        All of the data is then held in memory, since the next ones asked for may lie anywhere.
        """
        rows = [case * self.n_repeats + r for case in cases for r in range(self.n_repeats)]
        with self._lock:
            if self._all is None:
                with reading_parquet(self.path):
                    self._all = self._file.read()
        return self._batch(self._all.take(rows))

    def strings(self, field: str) -> npt.NDArray[np.object_]:
        """Return a text field (or ``id``) of each case, shape ``(n,)``; ``None`` where missing."""
        return np.array(self._whole(field)[:: self.n_repeats], dtype=np.object_)

    def numbers(self, field: str) -> npt.NDArray[np.float64]:
        """Return a number field of every case, shape ``(n,)``.

        A missing weight is 1, a missing repeat 0, any other missing number NaN.
        """
        default = _NUMBER_DEFAULTS.get(field, np.nan)
        values = self._whole(field)[:: self.n_repeats]
        return np.array([default if v is None else v for v in values], dtype=np.float64)

    def rows_without(self, field: str) -> list[int]:
        """Return the rows that lack *field*, which some row has."""
        with self._lock:
            column = self._file.read(columns=[field]).column(0)
        if not column.null_count:
            return []
        return [row for row, cell in enumerate(column.to_pylist()) if cell is None]

    def copies(self) -> int:
        """Return how many cases have the inputs of another one; 0 where groups or sessions tell."""
        if "inputs" not in self.fields or self.fields & {"group", "session"}:
            return 0
        counts = Counter(self._whole("inputs")[:: self.n_repeats])
        return sum(count for count in counts.values() if count > 1)

    @cached_property
    def case_digests(self) -> Sequence[str]:
        """Digest of what each case asks and expects, shape ``(n,)``."""
        if "case_digests" in self.facts:  # of a baseline's file, which has no texts
            digests: Sequence[str] = self.facts["case_digests"]
            return digests
        cells = (self._whole(field)[:: self.n_repeats] for field in ("inputs", "expectations"))
        return case_digests(*cells)

    def values(self, field: str) -> Sequence[Any]:
        """Return any field of every case, decoded, shape ``(n,)``; all of it is held in memory."""
        return self._decoded(field, self._whole(field)[:: self.n_repeats])

    def cell_values(self, field: str) -> Sequence[Any]:
        """Return any field of every row, decoded, shape ``(n * n_repeats,)``."""
        return self._decoded(field, self._whole(field))

    def _decoded(self, field: str, cells: list[Any]) -> list[Any]:
        values = decode(field, cells)
        return reordered(values, self._places) if field == "inputs" and self._places else values

    def _whole(self, field: str) -> list[Any]:
        if field not in self._file.schema_arrow.names:
            return [None] * (self.n * self.n_repeats)
        with self._lock, reading_parquet(self.path):
            column = self._file.read(columns=[field]).column(0)
        found: list[Any] = column.to_pylist()
        return found

    def _rows(self, start: int, stop: int) -> Any:
        import pyarrow as pa

        first = bisect.bisect_right(self._starts, start) - 1
        last = max(bisect.bisect_left(self._starts, stop), first + 1)
        if start == stop:
            return self._file.schema_arrow.empty_table()
        parts: list[Any] = []
        for group in range(first, last):
            at = self._starts[group]
            table = self._group(group)
            low, high = max(start - at, 0), min(stop - at, len(table))
            parts.append(table.slice(low, high - low))
        return pa.concat_tables(parts)

    def _group(self, group: int) -> Any:
        with self._lock:
            table = self._held.get(group)
            if table is None:
                with reading_parquet(self.path):
                    table = self._file.read_row_group(group, use_threads=False)
                while len(self._held) >= _CACHED_GROUPS:
                    self._held.pop(next(iter(self._held)))
                self._held[group] = table
            return table


def decode(field: str, cells: list[Any]) -> list[Any]:
    """Return the cells of one field as a case has them, shape ``(n,)``.

    Examples:
        >>> decode("inputs", ['{"q":1}', None])
        [{'q': 1}, {}]
        >>> decode("weight", [0.5, None])
        [0.5, 1.0]
    """
    missing = None in cells
    if field not in JSON_FIELDS:
        default = _CELL_DEFAULTS.get(field)
        return [default if c is None else c for c in cells] if missing else cells
    joined = ",".join(["null" if c is None else c for c in cells] if missing else cells)
    values: list[Any] = parse_exact(f"[{joined}]")
    if missing and field in MAPPING_FIELDS and field != "usage":
        return [{} if value is None else value for value in values]
    if field == "trace":
        # start-up: few cases have a trace
        from evalkit.data.traces import read_trace
        from evalkit.entities.trace import FORMAT_KEY

        return [read_trace(v) if isinstance(v, dict) and FORMAT_KEY in v else v for v in values]
    if missing and field == "must":
        return [() if value is None else value for value in values]
    return values


def reordered(rows: Sequence[dict[str, Any]], places: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return mappings with their keys in the order of *places*; others come last.

    Examples:
        >>> reordered([{"x10": 1, "x2": 2}], {"x2": 0, "x10": 1})
        [{'x2': 2, 'x10': 1}]
    """
    orders: dict[tuple[str, ...], list[str]] = {}
    made: list[dict[str, Any]] = []
    for row in rows:
        keys = tuple(row)
        order = orders.get(keys)
        if order is None:
            order = orders[keys] = sorted(keys, key=lambda key: places.get(key, len(places)))
        made.append({key: row[key] for key in order})
    return made

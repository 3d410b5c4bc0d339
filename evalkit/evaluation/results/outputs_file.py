"""What a live target answered, as a Parquet file made from the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from evalkit._internal.arrow import reading_parquet
from evalkit._internal.canonical import parse_json
from evalkit._internal.exact import exact_json, parse_exact
from evalkit.engine.call import FIELDS, Call
from evalkit.engine.journal import CALL, read_journal
from evalkit.entities.score import Status
from evalkit.evaluation.results.folder import writing

_JSON: Final = frozenset({"output", "usage", "retrieved_context", "tool_calls", "metadata"})
_NUMBERS: Final = frozenset({"latency_seconds", "time_to_first_token", "cost"})
_ROWS: Final = 8192


def write_outputs(path: Path, journal: Path, cells: int) -> None:
    """Write the calls in *journal* to *path*: one row a cell, in order, also for cells not run.

    Two passes over the journal keep the memory small: the first notes where each call lies.

    Raises:
        JournalError: If the disk is full or the folder cannot be written.
    """
    import pyarrow.parquet as pq

    places = np.zeros((cells, 2), dtype=np.int64)
    for record in read_journal(journal):
        if record.kind == CALL:
            places[parse_json(record.payload)["cell"]] = record.offset, record.length
    with (
        writing(path) as file,
        journal.open("rb") as source,
        pq.ParquetWriter(file, _schema(), compression="zstd") as out,
    ):
        for start in range(0, cells, _ROWS):
            calls = [_read(source, *place) for place in places[start : start + _ROWS].tolist()]
            out.write_batch(_record_batch(calls))


def _schema() -> Any:
    import pyarrow as pa

    types = {name: pa.float64() if name in _NUMBERS else pa.string() for name in FIELDS}
    return pa.schema([("status", pa.string()), *types.items()])


def _read(source: Any, offset: int, length: int) -> Call:
    if not length:
        return Call(status=Status.NOT_RUN)
    source.seek(offset)
    return Call.from_json(parse_json(source.read(length)))


def _record_batch(calls: list[Call]) -> Any:
    import pyarrow as pa

    columns: dict[str, list[Any]] = {"status": [call.status.word for call in calls]}
    for name in FIELDS:
        values = [getattr(call, name) for call in calls]
        if name in _JSON:
            values = [None if v is None else exact_json(v).decode() for v in values]
        columns[name] = values
    return pa.record_batch(columns, schema=_schema())


def read_outputs(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield batches of *path* as columns by name; JSON fields are parsed.

    Raises:
        DataError: If the file is damaged.
    """
    import pyarrow.parquet as pq

    with reading_parquet(path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS):
            columns = batch.to_pydict()
            for name in _JSON:
                columns[name] = [None if t is None else parse_exact(t) for t in columns[name]]
            yield columns

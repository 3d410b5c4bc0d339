"""Scores as a Parquet file: a row for each case and repeat, a few columns for each metric.

A metric ``m`` has ``m`` (its values) and ``m.status``; ``m.label``, ``m.reason``,
``m.explanation``, ``m.metadata`` and ``m.weight`` only where any cell has one.  Statistics of
corpus metrics lie in ``m#additive`` (a list of numbers a cell) or ``m#rows.NAME``.  Where another
metric is called as one of these columns, `column_names` says what the column is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit._internal.arrow import number_array, numbers_of, text_array
from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.score import Status
from evalkit.evaluation.results.columns import column_names
from evalkit.evaluation.results.folder import writing
from evalkit.scoring.column import Additive, Metric, Rows, ScoreColumn

if TYPE_CHECKING:
    import pyarrow as pa

_SPARSE: Final = {"label": "labels", "reason": "reasons", "explanation": "explanations"}


def write_scores(path: Path, metrics: Sequence[Metric], ids: Any, repeats: int) -> None:
    """Write the scores of *metrics* to *path*, whole or not at all.

    Args:
        path: File to write.
        metrics: Metrics with their columns, one cell for each case and repeat.
        ids: Case ids, an Arrow array of shape ``(n,)``.
        repeats: Repeats of each case.

    Raises:
        JournalError: If the disk is full or the folder cannot be written.
    """
    import pyarrow as pa

    n = len(ids)
    rows = np.repeat(np.arange(n), repeats)
    columns: dict[str, Any] = {
        "id": ids if repeats == 1 else ids.take(number_array(rows)),
        "repeat": number_array(np.tile(np.arange(repeats, dtype=np.int32), n)),
    }
    names = column_names([metric.key for metric in metrics])
    for metric in metrics:
        columns |= _metric_columns(metric, names)
    _write(path, pa.table(columns))


def _metric_columns(metric: Metric, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    import pyarrow as pa

    column, key = metric.column, metric.key
    words = text_array([status.word for status in Status])
    found: dict[str, Any] = {
        key: number_array(column.values, np.isnan(column.values)),
        names[key, "status"]: pa.DictionaryArray.from_arrays(number_array(column.status), words),
    }
    n = len(column)
    for suffix, name in _SPARSE.items():
        sparse: dict[int, str] = getattr(column, name)
        if sparse:
            found[names[key, suffix]] = _texts(sparse, n)
    if column.metadata:
        written = {row: canonical_json(value).decode() for row, value in column.metadata.items()}
        found[names[key, "metadata"]] = _texts(written, n)
    if column.weights is not None:
        found[names[key, "weight"]] = number_array(column.weights)
    return found | _statistics_columns(key, column)


def _texts(sparse: Mapping[int, str], n: int) -> Any:
    cells: list[str | None] = [None] * n
    for row, text in sparse.items():
        cells[row] = text.encode("utf-8", "replace").decode("utf-8")
    return text_array(cells)


def _statistics_columns(key: str, column: ScoreColumn) -> dict[str, Any]:
    statistics = column.statistics
    if isinstance(statistics, Additive):
        return {f"{key}#additive": _matrix(statistics.vectors)}
    if isinstance(statistics, Rows):
        return {f"{key}#rows.{name}": _array(array) for name, array in statistics.columns.items()}
    return {}


def _matrix(array: Any) -> Any:
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(number_array(array.ravel()), array.shape[1])


def _array(array: Any) -> Any:
    if array.ndim == 2:  # noqa: PLR2004
        return _matrix(array)
    if array.dtype == object:  # labels of any kind, written so that they come back as they were
        return text_array([canonical_json(value) for value in array])
    return number_array(array)


def _write(path: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    with writing(path) as file:
        pq.write_table(table, file, compression="zstd", row_group_size=65_536)


def read_scores(path: Path, described: Sequence[Mapping[str, Any]]) -> dict[str, ScoreColumn]:
    """Return the columns of the metrics *described* (as in ``result.json``) from *path*."""
    import pyarrow.parquet as pq

    # Not by `read_table`, which imports Arrow's datasets and, with them, pandas.
    with pq.ParquetFile(path) as file:
        table = file.read()
    names = column_names([str(facts["key"]) for facts in described])
    return {str(facts["key"]): _column(table, facts, names) for facts in described}


def _column(
    table: pa.Table, facts: Mapping[str, Any], names: Mapping[tuple[str, str], str]
) -> ScoreColumn:
    key = str(facts["key"])
    column = ScoreColumn(
        numbers_of(table.column(key).combine_chunks()).astype(np.float64, copy=False),
        _status(table.column(names[key, "status"])),
        binary=bool(facts["binary"]),
    )
    for suffix, name in _SPARSE.items():
        setattr(column, name, _sparse(table, names[key, suffix]))
    metadata = _sparse(table, names[key, "metadata"])
    column.metadata = {row: parse_json(text) for row, text in metadata.items()}
    weight = names[key, "weight"]
    if weight in table.column_names:
        column.weights = numbers_of(table.column(weight).combine_chunks())
    column.statistics = _statistics(table, key)
    return column


def _status(column: pa.ChunkedArray) -> Any:
    """Give the codes of a column of words, shape ``(n,)``, decoded without pyarrow's compute."""
    codes = {status.word: int(status) for status in Status}
    parts = [
        np.array([codes[word] for word in chunk.dictionary.to_pylist()], dtype=np.int8)[
            numbers_of(chunk.indices)
        ]
        for chunk in column.chunks
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int8)


def _sparse(table: pa.Table, name: str) -> dict[int, str]:
    if name not in table.column_names:
        return {}
    cells = table.column(name).to_pylist()
    return {row: text for row, text in enumerate(cells) if text is not None}


def _statistics(table: pa.Table, key: str) -> Additive | Rows | None:
    if f"{key}#additive" in table.column_names:
        return Additive(_back(table.column(f"{key}#additive")))
    prefix = f"{key}#rows."
    names = [name for name in table.column_names if name.startswith(prefix)]
    if not names:
        return None
    return Rows({name.removeprefix(prefix): _back(table.column(name)) for name in names})


def _back(column: Any) -> Any:
    import pyarrow as pa

    whole = column.combine_chunks()
    if pa.types.is_fixed_size_list(whole.type):
        return numbers_of(whole.flatten()).reshape(len(whole), -1)
    if pa.types.is_string(whole.type):
        cells = np.empty(len(whole), dtype=object)
        cells[:] = [parse_json(text) for text in whole.to_pylist()]
        return cells
    return numbers_of(whole)

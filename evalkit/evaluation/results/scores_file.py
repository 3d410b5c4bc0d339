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

from evalkit._internal.arrow import number_array, numbers_of, reading_parquet, text_array
from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.score import Status
from evalkit.evaluation.results.columns import column_names
from evalkit.evaluation.results.folder import writing
from evalkit.scoring.column import SPARSE, Metric, ScoreColumn, column_of, column_parts

if TYPE_CHECKING:
    import pyarrow as pa

_SUFFIXES: Final = {
    "status": "status",
    "weights": "weight",
    "labels": "label",
    "reasons": "reason",
    "explanations": "explanation",
    "metadata": "metadata",
}
"""By the part of a column what its own column is called after the metric."""

Names = Mapping[tuple[str, str], str]


def write_scores(path: Path, metrics: Sequence[Metric], ids: Any, repeats: int) -> None:
    """Write the scores of *metrics*, a cell for each case and repeat, whole or not at all.

    *ids* are those of the cases, an Arrow array of shape ``(n,)``.

    Raises:
        JournalError: If the disk is full or the folder cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = len(ids)
    rows = np.repeat(np.arange(n), repeats)
    columns: dict[str, Any] = {
        "id": ids if repeats == 1 else ids.take(number_array(rows)),
        "repeat": number_array(np.tile(np.arange(repeats, dtype=np.int32), n)),
    }
    names = column_names([metric.key for metric in metrics])
    for metric in metrics:
        columns |= {
            _name(metric.key, part, names): _written(part, content, len(rows))
            for part, content in column_parts(metric.column).items()
        }
    with writing(path) as file:
        pq.write_table(pa.table(columns), file, compression="zstd", row_group_size=65_536)


def _name(key: str, part: str, names: Names) -> str:
    if part in _SUFFIXES:
        return names[key, _SUFFIXES[part]]
    return key if part == "values" else f"{key}#{part}"


def _written(part: str, content: Any, n: int) -> pa.Array:
    import pyarrow as pa

    if part == "values":
        return number_array(content, np.isnan(content))
    if part == "status":
        words = text_array([status.word for status in Status])
        return pa.DictionaryArray.from_arrays(number_array(content), words)
    if part in SPARSE:
        cells: list[str | bytes | None] = [None] * n
        for row, value in content.items():
            cells[row] = value if part != "metadata" else canonical_json(value)
        return text_array(cells)
    if content.ndim == 2:  # noqa: PLR2004
        return pa.FixedSizeListArray.from_arrays(number_array(content.ravel()), content.shape[1])
    if content.dtype == object:  # labels of any kind, written so that they come back as they were
        return text_array([canonical_json(value) for value in content])
    return number_array(content)


def read_scores(path: Path, described: Sequence[Mapping[str, Any]]) -> dict[str, ScoreColumn]:
    """Return the columns of the metrics *described* (as in ``result.json``) from *path*.

    Raises:
        DataError: If the file is damaged.
    """
    import pyarrow.parquet as pq

    # Not by `read_table`, which imports Arrow's datasets and, with them, pandas.
    with reading_parquet(path), pq.ParquetFile(path) as file:
        table = file.read()
    names = column_names([facts["key"] for facts in described])
    columns: dict[str, ScoreColumn] = {}
    for facts in described:
        key, prefix = facts["key"], f"{facts['key']}#"
        statistics = [n.removeprefix(prefix) for n in table.column_names if n.startswith(prefix)]
        places = {part: _name(key, part, names) for part in ("values", *_SUFFIXES, *statistics)}
        parts = {
            part: _read(part, table.column(name))
            for part, name in places.items()
            if name in table.column_names
        }
        columns[key] = column_of(parts, binary=facts["binary"])
    return columns


def _read(part: str, column: pa.ChunkedArray) -> Any:
    import pyarrow as pa

    if part == "status":
        return _status(column)
    if part in SPARSE:
        cells = {row: text for row, text in enumerate(column.to_pylist()) if text is not None}
        if part == "metadata":
            return {row: parse_json(text) for row, text in cells.items()}
        return cells
    whole = column.combine_chunks()
    if pa.types.is_fixed_size_list(whole.type):
        return numbers_of(whole.flatten()).reshape(len(whole), -1)
    if pa.types.is_string(whole.type):
        texts = np.empty(len(whole), dtype=object)
        texts[:] = [parse_json(text) for text in whole.to_pylist()]
        return texts
    numbers = numbers_of(whole)
    return numbers.astype(np.float64, copy=False) if part == "values" else numbers


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

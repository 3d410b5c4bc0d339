"""The cells of a result as CSV and Parquet: a row for each case and repeat."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.report.texts import as_shown
from evalkit.report.writing import whole_file

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation.result import EvaluationResult


def write_csv(result: EvaluationResult, path: Path) -> None:
    """Write the cells of *result* to *path*; mappings and lists become JSON."""
    with whole_file(path) as fresh:
        # Line ends as RFC 4180 has them: with "\n" alone, a lone "\r" would not be quoted.
        flat_table(result).to_csv(fresh, index=False, lineterminator="\r\n", encoding="utf-8")


def write_parquet(result: EvaluationResult, path: Path) -> None:
    """Write the cells of *result* to *path*; mappings and lists become JSON."""
    with whole_file(path) as fresh:
        flat_table(result).to_parquet(fresh, index=False, compression="zstd")


def flat_table(result: EvaluationResult) -> pd.DataFrame:
    """Return `result.table` with every column of one plain type.

    A column that holds anything but texts and numbers is written as JSON where the cell is not a
    text: ``inputs``, ``expectations`` and ``tags`` always, ``outputs`` where a case needs it.
    """
    import pandas as pd

    frame = result.table()
    columns: dict[str, Any] = {}
    for name in frame.columns:
        column: Any = frame[name]
        if column.dtype == object:
            column = pd.array([_text(value) for value in column.tolist()], dtype="string")
        columns[str(name)] = column
    return pd.DataFrame(columns)


def _text(value: Any) -> str | None:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return None if missing else as_shown(value)

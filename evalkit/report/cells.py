"""The cells of a result as CSV and Parquet: a row for each case and repeat."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.surrogates import without_surrogates
from evalkit.report.texts import as_shown
from evalkit.report.writing import whole_file

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation.result import EvaluationResult


_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_csv(result: EvaluationResult, path: Path) -> None:
    """Write the cells of *result* to *path*; mappings and lists become JSON.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, and control
    characters but tabs and line ends become U+FFFD; Parquet has texts as they are.

    References:
        OWASP, *CSV Injection*.
    """
    import pandas as pd

    frame = flat_table(result)
    for name in frame.columns:
        if frame[name].dtype == "string":
            frame[name] = frame[name].map(_no_formula, na_action="ignore")
    frame.columns = pd.Index([_no_formula(name) for name in frame.columns])
    with whole_file(path) as fresh:
        # Line ends as RFC 4180 has them: with "\n" alone, a lone "\r" would not be quoted.
        frame.to_csv(fresh, index=False, lineterminator="\r\n", encoding="utf-8")


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
        if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
            column = pd.array([_text(value) for value in column.tolist()], dtype="string")
        columns[without_surrogates(str(name))] = column
    return pd.DataFrame(columns)


def _no_formula(text: str) -> str:
    """Return *text* so that a spreadsheet opens and shows it; signed numbers stay numbers."""
    text = text if text.isprintable() else _CONTROL.sub("�", text)
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def _text(value: Any) -> str | None:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return None if missing else as_shown(value)

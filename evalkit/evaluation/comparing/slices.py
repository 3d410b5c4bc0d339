"""Differences by tag: where one system is better, and where it only seems so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import UsageError
from evalkit.evaluation.comparing.difference import difference_of
from evalkit.evaluation.comparing.row import Row, adjusted
from evalkit.evaluation.results.result import Result
from evalkit.stats.difference import PairedDifference

if TYPE_CHECKING:
    import pandas as pd


def differences_by(results: Mapping[str, Result], rows: Sequence[Row], tag: str) -> pd.DataFrame:
    """Return the paired difference of each system, metric and value of *tag*, ``b - a``.

    P-values are adjusted by Benjamini and Hochberg's method over all rows of the table.

    Raises:
        UsageError: If no case has the tag.
    """
    import pandas as pd

    cells: list[dict[str, Any]] = []
    # Tags are those of the system that is compared: a baseline file has none.
    values = {
        name: np.array(results[name].tag_values(tag), dtype=object)
        for name in dict.fromkeys(row.b for row in rows)
    }
    for row in rows:
        of_pairs = values[row.b][row.pairs.rows[0]]
        for value in sorted({value for value in of_pairs if value is not None}):
            difference = _of_slice(results, row, np.flatnonzero(of_pairs == value))
            if difference is not None:
                cells.append({tag: value} | _cells(row, difference))
    table = pd.DataFrame(cells)
    if len(table):
        table["p_adjusted"] = adjusted(table["p_value"].tolist(), "benjamini-hochberg")
    return table


def _of_slice(results: Mapping[str, Result], row: Row, places: Any) -> PairedDifference | None:
    try:
        return difference_of(results[row.b], results[row.a], row.pairs.take(places))
    except UsageError:  # no case of this slice has a value in both
        return None


def _cells(row: Row, difference: PairedDifference) -> dict[str, Any]:
    return {
        "a": row.a,
        "b": row.b,
        "metric": row.metric,
        "difference": difference.difference,
        "low": difference.low,
        "high": difference.high,
        "p_value": difference.p_value,
        "n_pairs": difference.n,
    }

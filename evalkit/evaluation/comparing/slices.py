"""Differences by tag: where one system is better, and where it only seems so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import UsageError
from evalkit.evaluation.comparing.pairs import difference_of

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation.comparing.comparison import Comparison, Row
    from evalkit.stats.difference import PairedDifference


def differences_by(comparison: Comparison, tag: str) -> pd.DataFrame:
    """Return the paired difference of each system, metric and value of *tag*, ``b - a``.

    P-values are adjusted by Benjamini and Hochberg's method over all rows of the table.

    Raises:
        UsageError: If no case has the tag.
    """
    import pandas as pd

    from evalkit.evaluation.comparing.comparison import adjusted

    cells: list[dict[str, Any]] = []
    # Tags are those of the system that is compared: a baseline file has none.
    values = {
        name: np.array(comparison[name].tag_values(tag), dtype=object) for name in comparison.others
    }
    for row in comparison.rows:
        of_pairs = values[row.b][row.pairs.rows[0]]
        for value in sorted({value for value in of_pairs if value is not None}):
            found = _of_slice(comparison, row, np.flatnonzero(of_pairs == value))
            if found is not None:
                cells.append({tag: value} | _cells(row, found))
    table = pd.DataFrame(cells)
    if len(table):
        table["p_adjusted"] = adjusted(table["p_value"].tolist(), "benjamini-hochberg")
    return table


def _of_slice(comparison: Comparison, row: Row, places: Any) -> PairedDifference | None:
    try:
        return difference_of(comparison[row.b], comparison[row.a], row.pairs.take(places))
    except UsageError:  # no case of this slice has a value in both
        return None


def _cells(row: Row, found: PairedDifference) -> dict[str, Any]:
    return {
        "a": row.a,
        "b": row.b,
        "metric": row.metric,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p_value": found.p_value,
        "n_pairs": found.n,
    }

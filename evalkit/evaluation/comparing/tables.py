"""What a comparison shows as frames: ranks, differences by tag, and the cases behind them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import UsageError
from evalkit.evaluation.comparing.difference import difference, difference_of
from evalkit.evaluation.comparing.row import Row, adjusted
from evalkit.evaluation.results.result import Result
from evalkit.stats.difference import PairedDifference

if TYPE_CHECKING:
    import pandas as pd


_ALPHA = 0.05
_COLUMNS = ("a", "b", "metric", "difference", "low", "high", "p_value", "n_pairs")


def rank_table(results: Mapping[str, Result], metric: str, *, anyway: bool = False) -> pd.DataFrame:
    """Return each system's value with the best and worst rank that the differences leave open.

    Every two systems are compared, paired, and Holm's method allows for the number of pairs: one
    system ranks below another only where their difference is clear.

    Returns:
        ``system, value, low, high, best_rank, worst_rank``, best value first.

    Raises:
        UsageError: If more or less of the metric is neither better.

    References:
        Holm (1979); Chiang et al. (2024), arXiv 2403.04132, for ranks as intervals.
    """
    import pandas as pd

    names = list(results)
    estimates = {name: results[name][metric] for name in names}
    direction = estimates[names[0]].direction
    if direction == "none":
        raise UsageError(f"{metric} ranks nothing: neither more nor less of it is better.")
    sign = -1.0 if direction == "lower" else 1.0
    pairs = list(itertools.combinations(names, 2))
    differences = [difference(results[a], results[b], metric, anyway=anyway) for a, b in pairs]
    p_values = adjusted([each.p_value for each in differences], "holm")
    better = dict.fromkeys(names, 0)
    worse = dict.fromkeys(names, 0)
    for (a, b), each, p_value in zip(pairs, differences, p_values, strict=True):
        if p_value is not None and p_value < _ALPHA:
            best, other = (a, b) if sign * each.difference > 0 else (b, a)
            worse[best] += 1
            better[other] += 1
    rows = [
        (
            name,
            estimate.value,
            estimate.low,
            estimate.high,
            1 + better[name],
            len(names) - worse[name],
        )
        for name, estimate in estimates.items()
    ]
    order = sorted(rows, key=lambda row: -sign * (row[1] if row[1] is not None else float("-inf")))
    columns = ["system", "value", "low", "high", "best_rank", "worst_rank"]
    return pd.DataFrame(order, columns=columns)


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
            paired = _of_slice(results, row, np.flatnonzero(of_pairs == value))
            if paired is not None:
                cells.append(dataclasses.replace(row, difference=paired).facts(None) | {tag: value})
    table = pd.DataFrame(cells, columns=[tag, *_COLUMNS])
    if len(table):
        table["p_adjusted"] = adjusted(table["p_value"].tolist(), "benjamini-hochberg")
    return table


def _of_slice(results: Mapping[str, Result], row: Row, places: Any) -> PairedDifference | None:
    try:
        return difference_of(results[row.b], results[row.a], row.pairs.take(places))
    except UsageError:  # no case of this slice has a value in both
        return None


def changed_cases(
    row: Row, cases_a: pd.DataFrame, cases_b: pd.DataFrame, limit: int | None, *, better: bool
) -> pd.DataFrame:
    """Return the cases of *row* that got better (or worse), largest change first.

    Args:
        row: A metric of two systems.
        cases_a: ``inputs, expectations, outputs`` of each case of the baseline.
        cases_b: The same of the other system.
        limit: Most cases; ``None`` for all.
        better: Whether those are meant that got better.

    Returns:
        ``id, inputs, expectations, output_a, output_b, value_a, value_b, change``.
    """
    import pandas as pd

    order = row.changed(better=better)[:limit]
    places = [rows[order] for rows in row.pairs.rows]
    value_b, value_a = (values[order] for values in row.pairs.values)
    return pd.DataFrame(
        {
            "id": row.pairs.ids[order],
            "inputs": cases_b["inputs"].to_numpy()[places[0]],
            "expectations": cases_b["expectations"].to_numpy()[places[0]],
            "output_a": cases_a["outputs"].to_numpy()[places[1]],
            "output_b": cases_b["outputs"].to_numpy()[places[0]],
            "value_a": value_a,
            "value_b": value_b,
            "change": value_b - value_a,
        }
    )


def unmatched_cases(ids: Mapping[str, Any], cases: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the cases that only one of two systems has.

    Args:
        ids: Ids of the cases of each system, the baseline first.
        cases: Their ``inputs``.

    Returns:
        ``id, inputs, only_in``, those of the baseline first.
    """
    import pandas as pd

    columns = list(ids.values())
    parts: list[pd.DataFrame] = []
    for name, own, others in zip(ids, columns, columns[::-1], strict=True):
        alone = np.flatnonzero(~np.isin(own.astype(str), others.astype(str)))
        inputs = cases[name]["inputs"].to_numpy()
        parts.append(pd.DataFrame({"id": own[alone], "inputs": inputs[alone], "only_in": name}))
    return pd.concat(parts, ignore_index=True)

"""Ranks of several systems that paired differences leave open."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalkit.errors import UsageError
from evalkit.evaluation.comparing.difference import difference
from evalkit.evaluation.comparing.row import adjusted
from evalkit.evaluation.results.result import Result

if TYPE_CHECKING:
    import pandas as pd

_ALPHA = 0.05


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

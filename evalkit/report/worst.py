"""The cells with the worst values of a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evalkit.entities.score import Status

if TYPE_CHECKING:
    from evalkit.scoring.metric import Metric

SHOWN: Final = 12
"""Cells that a report shows of each metric."""


def worst_cells(metric: Metric, repeats: int = 1, most: int = SHOWN) -> list[int]:
    """Return the worst cell of each of the worst cases, worst first, ties in order.

    There are none where neither direction is better or where every value is the same; a value
    that is the best possible is never among them.

    Args:
        metric: Metric with its scores.
        repeats: Cells of each case.
        most: Cases to return.
    """
    import numpy as np

    column, facts = metric.column, metric.facts
    if facts.direction == "none":
        return []
    found = np.flatnonzero((column.status == Status.OK) & np.isfinite(column.values))
    values = column.values[found]
    best = facts.high if facts.direction == "higher" else facts.low
    if best is not None:
        found, values = found[values != best], values[values != best]
    if not found.size or (found.size > 1 and best is None and np.ptp(values) == 0):
        return []
    badness = values if facts.direction == "higher" else -values
    order = np.argsort(badness, kind="stable")[: most * repeats]
    first: dict[int, int] = {}
    for cell in found[order].tolist():
        first.setdefault(cell // repeats, cell)
    return list(first.values())[:most]

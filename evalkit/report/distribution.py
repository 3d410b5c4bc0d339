"""How the values of a metric are spread over the cells."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from evalkit.entities.score import Status

if TYPE_CHECKING:
    from evalkit.scoring.metric import Metric

_FEW: Final = 11
"""Different values up to which each has a bar of its own."""

_BINS: Final = 24
_MOST_LABELS: Final = 20


def distribution(metric: Metric) -> dict[str, Any] | None:
    """Return the histogram of a metric's cells: bars with their ends and counts.

    Returns:
        ``kind`` (``values``, ``bins`` or ``labels``), ``bars`` (``low, high, count`` each, or
        ``label, count``), and where there are values ``n, mean, median, min, max``; ``None``
        where no cell has a value or label.
    """
    import numpy as np

    column = metric.column
    values = column.values[(column.status == Status.OK) & np.isfinite(column.values)]
    if not values.size:
        return _labels(column.labels) if column.labels else None
    facts = {
        "n": int(values.size),
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "min": float(values.min()),
        "max": float(values.max()),
    }
    different = np.unique(values[:200_000])
    if different.size <= _FEW:
        found, counts = np.unique(values, return_counts=True)
        if found.size <= _FEW:
            bars = [
                {"low": float(v), "high": float(v), "count": int(c)}
                for v, c in zip(found, counts, strict=True)
            ]
            return facts | {"kind": "values", "binary": column.binary, "bars": bars}
    counts, edges = np.histogram(values, bins=_BINS, range=_range(metric, facts))
    bars = [
        {"low": float(edges[i]), "high": float(edges[i + 1]), "count": int(count)}
        for i, count in enumerate(counts)
    ]
    return facts | {"kind": "bins", "bars": bars}


def _range(metric: Metric, facts: dict[str, Any]) -> tuple[float, float]:
    """Return the metric's own range where the values fill a good part of it, else theirs."""
    low, high = facts["min"], facts["max"]
    bounds = metric.facts.bounds
    if bounds is not None and high - low > 0.25 * (bounds[1] - bounds[0]):
        return bounds
    return low, high


def _labels(labels: dict[int, str]) -> dict[str, Any]:
    counted = Counter(labels.values()).most_common(_MOST_LABELS)
    return {
        "kind": "labels",
        "n": len(labels),
        "bars": [{"label": label, "count": count} for label, count in counted],
    }

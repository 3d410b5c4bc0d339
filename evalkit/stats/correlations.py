"""Correlate a metric with human judgement, at a stated level, and compare two metrics at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalkit.stats.arguments import FloatArray, as_group_codes, as_sample
from evalkit.stats.resampling import sum_by_group
from evalkit.stats.roc import midranks

if TYPE_CHECKING:
    import numpy.typing as npt

Kind = Literal["pearson", "spearman", "kendall"]
Level = Literal["sample", "group", "system"]

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation and what it was taken over."""

    value: float | None
    """In [-1, 1]; ``None`` where one side does not vary."""

    kind: Kind
    """Coefficient."""

    level: Level
    """``sample``: over all pairs; ``group``: within each group, averaged; ``system``: over the
    systems' means."""

    n: int
    """Pairs, groups or systems that the value rests on."""


def correlation(
    metric: npt.ArrayLike,
    human: npt.ArrayLike,
    *,
    kind: Kind = "pearson",
    level: Level = "sample",
    groups: npt.ArrayLike | None = None,
) -> Correlation:
    """Return the correlation of a metric with human scores at a level.

    The levels answer different questions and give different numbers: never compare across them.

    Args:
        metric: Scores of the metric, shape ``(n,)``.
        human: Human scores of the same outputs, shape ``(n,)``.
        kind: ``pearson``, ``spearman``, or ``kendall`` (tau-b).
        level: ``sample`` over all pairs; ``group`` within each of *groups* (documents), averaged,
            leaving out those where either side is constant; ``system`` over the means of each of
            *groups* (systems).
        groups: Document or system of each output; needed except at ``sample``.

    Raises:
        ValueError: If lengths differ, values are not finite, or *groups* is missing.

    Examples:
        >>> correlation([1, 2, 3, 4], [1, 3, 2, 4], kind="kendall").value
        0.66666666666666...

    References:
        Kendall (1945) for tau-b; Deutsch, Dror and Roth (2021), TACL 9:1132, for the levels.
    """
    first, second = as_sample(metric, "metric"), as_sample(human, "human")
    if first.size != second.size:
        raise ValueError(f"metric and human must pair up, got {first.size} and {second.size}")
    if level == "sample":
        return Correlation(coefficient(first, second, kind), kind, level, first.size)
    if groups is None:
        raise ValueError(f"level {level!r} needs groups: the document or system of each output")
    codes, n_groups = as_group_codes(groups, first.size)
    if level == "system":
        sums = sum_by_group(np.stack([first, second, np.ones(first.size)], axis=1), codes, n_groups)
        means = sums[:, :2] / sums[:, 2:]
        return Correlation(coefficient(means[:, 0], means[:, 1], kind), kind, level, n_groups)
    order = np.argsort(codes, kind="stable")
    edges = np.flatnonzero(np.diff(codes[order])) + 1
    parts = [coefficient(first[rows], second[rows], kind) for rows in np.split(order, edges)]
    defined = [part for part in parts if part is not None]
    value = float(np.mean(defined)) if defined else None
    return Correlation(value, kind, level, len(defined))


def coefficient(a: FloatArray, b: FloatArray, kind: Kind) -> float | None:
    """Return one correlation coefficient, or ``None`` where a side does not vary.

    Examples:
        >>> coefficient(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 7.0]), "spearman")
        1.0
    """
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:  # noqa: PLR2004
        return None
    if kind == "kendall":
        from scipy.stats import kendalltau

        return float(np.asarray(kendalltau(a, b), dtype=np.float64)[0])
    if kind == "spearman":
        a, b = midranks(a), midranks(b)
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))

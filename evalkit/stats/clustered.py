"""Give intervals for the mean of values that come in groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import (
    FloatArray,
    as_group_codes,
    as_sample,
    as_weights,
    check_bounds,
    check_level,
)
from evalkit.stats.binomial import score_limits
from evalkit.stats.interval import Interval, normal_quantile, t_quantile
from evalkit.stats.mean import effective_size, effective_trials, mean_and_error, moderate
from evalkit.stats.resampling import sum_by_group

if TYPE_CHECKING:
    import numpy.typing as npt

PRIOR_GROUPS = 0.2
"""Pseudo-information that each group answers as one; found by simulation."""

_ENOUGH_SPREAD = 20.0
"""``G m (1 - m)`` from which the t interval covers bounded means as well as Wilson's does."""


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """Describe the mean of grouped values and how far grouping changes its error."""

    mean: float
    """(Weighted) mean over all values."""

    standard_error: float
    """Cluster-robust (CR1) standard error; 0 with one group or no variance between groups."""

    n_groups: int
    """Number of groups."""

    effective_groups: float
    """``(sum of group weights)^2 / sum of their squares``: below *n_groups* for uneven groups."""

    design_effect: float | None
    """Cluster-robust variance over that of independent values, both without small-sample
    corrections; ``None`` without variance between groups."""


def clustered_mean(
    values: npt.ArrayLike, groups: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
) -> ClusteredMean:
    """Return the mean of grouped values with its CR1 standard error.

    The variance is ``G / (G - 1) * sum_g (sum_{i in g} w_i (x_i - m))^2 / (sum w)^2``.

    Args:
        values: Values, shape ``(n,)`` with ``n >= 1``; finite, any unit.
        groups: Group of each value, shape ``(n,)``; any labels.
        weights: Weight of each value.

    Raises:
        ValueError: If *values* is empty or not finite, or the shapes differ.

    Examples:
        >>> found = clustered_mean([1, 1, 0, 0], ["a", "a", "b", "b"])
        >>> found.standard_error, found.n_groups
        (0.5, 2)

    References:
        Miller (2024), arXiv 2411.00640, section 2.2; Cameron and Miller (2015), *Journal of Human
        Resources* 50:317.
    """
    sample, scale = moderate(as_sample(values))
    codes, n_groups = as_group_codes(groups, sample.size)
    load = as_weights(weights, sample.size)
    mean, _ = mean_and_error(sample, load)
    each = np.ones(sample.size) if load is None else load
    parts = np.stack([each, each * (sample - mean)], axis=1)
    sizes, sums = sum_by_group(parts, codes, n_groups).T
    error = _robust_error(sums, float(each.sum()), float(np.abs(sample).max()))
    plain = float((parts[:, 1] ** 2).sum())
    design = float((sums**2).sum()) / plain if error > 0 else None
    groups_worth = float(sizes.sum() ** 2 / (sizes**2).sum())
    return ClusteredMean(mean * scale, error * scale, n_groups, groups_worth, design)


def clustered_interval(
    values: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    level: float = 0.95,
    weights: npt.ArrayLike | None = None,
    bounded: tuple[float, float] = (0.0, 1.0),
) -> Interval:
    """Return a cluster-robust interval for the mean of grouped, bounded values.

    The t interval uses the CR1 error and ``effective groups - 1`` degrees of freedom.  With few
    groups, or a mean near an end, it is Wilson's interval instead, with as many
    trials as its cluster-robust variance is worth: never more than there are values, and as many
    as there are (effective) groups where no variance between groups was seen.  So it cannot
    collapse.

    Arguments are those of `clustered_mean`; *bounded* is the smallest and largest possible value,
    and *level* the confidence level as a fraction in (0, 1).

    Returns:
        An interval with method ``cluster-t`` or ``cluster-wilson``.

    Raises:
        ValueError: If the arguments do not fit.

    Examples:
        >>> found = clustered_interval([1, 1, 1, 1], [1, 1, 2, 2])
        >>> round(found.low, 4), found.method
        (0.3424, 'cluster-wilson')

    References:
        Cameron and Miller (2015); Carter, Schnepel and Steigerwald (2017) for uneven groups;
        Korn and Graubard (1998) and Franco et al. (2019) for rates under a complex design.
    """
    check_level(level)
    sample = as_sample(values)
    cluster = clustered_mean(sample, groups, weights=weights)
    low, high = check_bounds(bounded, sample)
    share = min(1.0, max(0.0, (cluster.mean - low) / (high - low)))
    spread = cluster.effective_groups * share * (1 - share)
    if cluster.standard_error > 0 and spread >= _ENOUGH_SPREAD:
        degrees = max(1.0, cluster.effective_groups - 1)
        reach = t_quantile(level, degrees) * cluster.standard_error
        low, high = max(low, cluster.mean - reach), min(high, cluster.mean + reach)
        return Interval(low, high, "cluster-t", cluster.standard_error)
    size = effective_size(as_weights(weights, sample.size), sample.size)
    trials = clustered_trials(
        share * (1 - share), cluster.standard_error / (high - low), cluster.effective_groups, size
    )
    limits = score_limits(share, trials, normal_quantile(level))
    return Interval(
        low + limits[0] * (high - low),
        low + limits[1] * (high - low),
        "cluster-wilson",
        cluster.standard_error,
    )


def clustered_trials(spread: float, error: float, groups: float, size: float) -> float:
    """Return how many trials a bounded mean of grouped values is worth.

    Never more than there are values, and as many as there are groups without variance.

    Examples:
        >>> clustered_trials(0.25, 0.0, 20, 100)
        20
    """
    if error == 0:
        return min(groups, size)
    return min(size, effective_trials(spread, error, groups, PRIOR_GROUPS))


def rate_trials(
    values: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> float:
    """Return how many independent cases a rate is worth: cases over their design effect.

    Args:
        values: Yes or no, or shares of yes, as numbers in [0, 1], shape ``(n,)`` with ``n >= 1``.
        groups: Group of each value, shape ``(n,)``; ``None`` where they are independent.
        weights: Weight of each value.

    Returns:
        At least 1 and at most *n*.

    Raises:
        ValueError: If *values* is empty or outside [0, 1], or the shapes differ.

    Examples:
        >>> rate_trials([1, 0, 0, 1])
        4.0
        >>> rate_trials([1, 0, 0, 1] * 10, groups=["a", "b", "c", "d"] * 10) < 4
        True

    References:
        Kish (1965), *Survey Sampling*, section 8.2; Korn and Graubard (1998), *Survey Methodology*
        24:193.
    """
    sample = as_sample(values)
    check_bounds((0.0, 1.0), sample)
    size = effective_size(as_weights(weights, sample.size), sample.size)
    if groups is None:
        return size
    cluster = clustered_mean(sample, groups, weights=weights)
    share = min(1.0, max(0.0, cluster.mean))
    spread = share * (1 - share)
    trials = clustered_trials(spread, cluster.standard_error, cluster.effective_groups, size)
    return max(1.0, trials)


def _robust_error(sums: FloatArray, total: float, scale: float) -> float:
    n_groups = sums.size
    squares = float((sums**2).sum())
    if n_groups < 2 or squares <= (1e-14 * scale * total) ** 2:  # noqa: PLR2004
        return 0.0
    return math.sqrt(squares * n_groups / (n_groups - 1)) / total

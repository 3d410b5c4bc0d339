"""Choose the interval of a mean by what is known about its values."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from evalkit.stats.arguments import (
    FloatArray,
    as_group_codes,
    as_values,
    as_weights,
    check_bounds,
    check_level,
)
from evalkit.stats.binomial import clopper_pearson_interval, score_limits, wilson_interval
from evalkit.stats.clustered import clustered_interval, rate_trials
from evalkit.stats.interval import Interval, normal_quantile
from evalkit.stats.mean import (
    effective_size,
    mean_and_error,
    moderate,
    studentised_interval,
    t_interval,
    values_behind,
    wilson_mean_interval,
)
from evalkit.stats.resampling import sum_by_group

if TYPE_CHECKING:
    import numpy.typing as npt

FEW: Final = 10
"""Cases, or groups, below which an unbounded metric has no interval."""

_SYMMETRIC: Final = 50.0
"""`values_behind` a variance from which t holds: twice Cochran's 25, by simulation."""

_LUMPY: Final = 8.0
"""`values_behind` below which a bounded metric takes Wilson's interval: so few values tell as
little of the rest as a rate does."""

_MUCH_SPREAD: Final = 2.0
"""Variance times cases, in squared ranges, from which Wilson's interval is as narrow as others."""

_ALONE: Final = 1.3
"""`values_behind` below which an unbounded metric has no interval: one value made its variance."""

_EXACT: Final = 20.0
"""Trials from which Wilson's interval covers; below, a rate of some cases has the exact one."""

_FEW_LARGE: Final = 6.0
"""`values_behind` below which what is rare, such as a timeout, is seen too seldom to be known."""

_SEEN: Final = 50
"""Cases below which what befalls one in 20 may be unseen (the rule of three says 60)."""

_GROUPED: Final = {
    "t": "cluster-t",
    "bootstrap-t": "cluster-bootstrap-t",
    "wilson-mean": "cluster-wilson",
}
"""Names of the methods for means of groups."""

Range: TypeAlias = tuple[float | None, float | None]
"""Smallest and largest possible value; ``None`` where there is no such end."""


def mean_interval(
    values: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    binary: bool = False,
    bounds: Range | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """Return the interval of a mean, by the method that fits its values.

    Values declared binary take ``wilson``, in groups ``cluster-wilson`` or ``cluster-t``.  Others
    take ``t`` where they are not skewed for their number, else ``bootstrap-t`` with half the tails,
    since a sample seldom shows all of a long one.  It covers from 20 cases on, unless the tail is
    as long as that of lognormal(2), which few cases cannot tell from a shorter one; and no method
    covers what is too rare to be seen in so many cases, within a range or without.  Within finite
    bounds that is ``wilson-mean`` where so few values make up the variance that they tell as
    little of the rest as a rate does, and where it is as narrow; without, one value that makes up
    the variance gives no interval.  Groups count as single values, their means weighted by
    what they hold (``cluster-t`` and so on).  No end lies outside *bounds*.

    Args:
        values: One value a case, shape ``(n,)``; repeats already reduced, missing ones left out.
        groups: Group of each case; cases of one group are not independent.
        weights: Weight of each case in the mean.
        binary: Whether the values were declared yes/no.  Never inferred.
        bounds: Smallest and largest possible value, ``None`` where there is no such end.
        level: Confidence level as a fraction in (0, 1).
        seed: Seed of the bootstrap.

    Returns:
        The interval; ``None`` where an unbounded metric has fewer than 10 cases (or groups), no
        variance, or one value that makes up nearly all of it, and where there are no values.

    Raises:
        ValueError: If values are not finite or outside their bounds, or shapes differ.

    Examples:
        >>> mean_interval([1, 1, 1], binary=True).method
        'wilson'
        >>> mean_interval([3.5, 2.5]) is None
        True

    References:
        Bowyer et al. (2025), arXiv 2503.01747, on small samples; Cochran (1977), section 2.15, on
        skewness; coverage of each choice is printed by ``benchmarks/bench_coverage.py``.
    """
    check_level(level)
    sample = as_values(values)
    load = as_weights(weights, sample.size)
    if sample.size == 0:
        return None
    low, high = (0.0, 1.0) if binary else bounds or (None, None)
    closed = None if low is None or high is None else check_bounds((low, high), sample)
    if binary:
        return _rate(sample, groups, load, level)
    if groups is not None:
        sample, load = group_means(sample, groups, load)
    if closed is None:
        interval = unbounded_interval(sample, load, level=level, seed=seed)
    else:
        interval = _bounded(sample, load, closed, level, seed)
    return None if interval is None else _within(interval, low, high, grouped=groups is not None)


def note_on_mean(
    values: FloatArray,
    *,
    groups: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    bounds: Range = (None, None),
) -> str | None:
    """Return what a reader of the mean must know of what is rare, and of the tail without bounds.

    Examples:
        >>> note_on_mean(np.array([1.0] * 98 + [2.0, 60.0]))
        'one value, or a few, make up the variance: the median or p95 says more than the mean'
        >>> note_on_mean(np.linspace(0.8, 1.0, 30), bounds=(0.0, 1.0))
        'of 30 cases all are near one value: what befalls one in 10 may be unseen'
    """
    load = as_weights(weights, values.size)
    if groups is not None:
        values, load = group_means(values, groups, load)
    behind, (low, high) = values_behind(values, load), bounds
    if values.size < FEW or behind == 0:
        return None
    if low is not None and high is not None:
        if values.size >= _SEEN or np.ptp(values) > (high - low) / 2:
            return None
        return (
            f"of {values.size} cases all are near one value: what befalls one in "
            f"{values.size // 3} may be unseen"
        )
    if behind >= _FEW_LARGE:
        return None
    return "one value, or a few, make up the variance: the median or p95 says more than the mean"


def group_means(
    values: FloatArray, groups: npt.ArrayLike, weights: FloatArray | None = None
) -> tuple[FloatArray, FloatArray | None]:
    """Return the mean of each group and its weight, shape ``(G,)`` each; ``None``: all equal.

    The mean and the cluster-robust (CR1) error of grouped values are those of these means.

    Examples:
        >>> group_means(np.array([1.0, 3.0, 5.0]), ["a", "a", "b"])
        (array([2., 5.]), array([2., 1.]))
    """
    codes, n_groups = as_group_codes(groups, values.size)
    moderated, scale = moderate(values)
    load = np.ones(values.size) if weights is None else weights
    sums, total = sum_by_group(np.stack([load * moderated, load], axis=1), codes, n_groups).T
    counted = total > 0
    return sums[counted] / total[counted] * scale, as_weights(total[counted], int(counted.sum()))


def _within(
    interval: Interval, low: float | None, high: float | None, *, grouped: bool
) -> Interval | None:
    if not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return None  # near the largest float there is no room for one
    return dataclasses.replace(
        interval,
        low=interval.low if low is None else max(low, interval.low),
        high=interval.high if high is None else min(high, interval.high),
        method=_GROUPED[interval.method] if grouped else interval.method,
    )


def _rate(
    sample: FloatArray, groups: npt.ArrayLike | None, weights: FloatArray | None, level: float
) -> Interval:
    if groups is not None:
        return clustered_interval(sample, groups, level=level, weights=weights)
    if weights is None:
        return wilson_interval(float(sample.sum()), sample.size, level=level)
    mean, error = mean_and_error(sample, weights)
    share = min(1.0, max(0.0, mean))
    size = effective_size(weights, sample.size)
    low, high = score_limits(share, size, normal_quantile(level))
    return Interval(low, high, "wilson", error)


def rate_of_part(
    values: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> Interval:
    """Return the interval of a rate over the cases that it is about, however few these are.

    Examples:
        >>> found = rate_of_part([1, 1, 1, 1])
        >>> round(found.low, 3), found.high, found.method
        (0.398, 1.0, 'clopper-pearson')

    References:
        Clopper and Pearson (1934), *Biometrika* 26:404; Korn and Graubard (1998), *Survey
        Methodology* 24:193, for effective trials of weighted and grouped cases.
    """
    sample = as_values(values)
    trials = rate_trials(sample, groups=groups, weights=weights)
    if trials >= _EXACT:
        return _rate(sample, groups, as_weights(weights, sample.size), level)
    mean, error = mean_and_error(sample, as_weights(weights, sample.size))
    right = min(1.0, max(0.0, mean)) * trials
    if abs(right - round(right)) < 1e-9 * trials:
        right = min(float(round(right)), trials)
    interval = clopper_pearson_interval(right, trials, level=level)
    return dataclasses.replace(interval, standard_error=error)


def _bounded(
    sample: FloatArray,
    weights: FloatArray | None,
    bounds: tuple[float, float],
    level: float,
    seed: int,
) -> Interval:
    behind, size = values_behind(sample, weights), effective_size(weights, sample.size)
    _, error = mean_and_error(sample, weights)
    spread = (size * error / (bounds[1] - bounds[0])) ** 2
    if size >= FEW and behind >= (_LUMPY if spread < _MUCH_SPREAD else _SYMMETRIC):
        interval = _skewed(sample, weights, behind, level, seed)
        if interval is not None:
            return interval
    return wilson_mean_interval(sample, bounds=bounds, level=level, weights=weights)


def unbounded_interval(
    sample: FloatArray, weights: FloatArray | None, *, level: float, seed: int
) -> Interval | None:
    """Return the interval of the mean of values without bounds, as `mean_interval` chooses it.

    Examples:
        >>> unbounded_interval(np.arange(40.0), None, level=0.95, seed=0).method
        't'
    """
    behind = values_behind(sample, weights)
    if effective_size(weights, sample.size) < FEW or behind < _ALONE:
        return None
    return _skewed(sample, weights, behind, level, seed)


def _skewed(
    sample: FloatArray, weights: FloatArray | None, behind: float, level: float, seed: int
) -> Interval | None:
    if behind >= _SYMMETRIC:
        return t_interval(sample, level=level, weights=weights)
    moderated, scale = moderate(sample)
    interval = studentised_interval(moderated, level=(1 + level) / 2, seed=seed, weights=weights)
    if interval is None or scale == 1.0:
        return interval
    low, high = interval.low * scale, interval.high * scale
    return Interval(low, high, interval.method, (interval.standard_error or 0.0) * scale)

"""Choose the interval of a mean by what is known about its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.stats.arguments import FloatArray, as_values, as_weights, check_bounds, check_level
from evalkit.stats.binomial import score_limits, wilson_interval
from evalkit.stats.bootstrap import bca_interval
from evalkit.stats.clustered import clustered_interval, clustered_mean
from evalkit.stats.interval import Interval, expanded_level, normal_quantile
from evalkit.stats.mean import (
    SKEWNESS_PRICE,
    effective_size,
    mean_and_error,
    skewness_of_terms,
    studentised_interval,
    t_interval,
    wilson_mean_interval,
)

if TYPE_CHECKING:
    import numpy.typing as npt

_MANY = 200
"""Cases from which the t interval is trusted; below about 200 it is not (arXiv 2503.01747)."""

FEW = 10
"""Cases, or groups, below which an unbounded metric has no interval."""

_ENOUGH_SPREAD = 25.0
"""``n m (1 - m)`` from which t covers a bounded mean: near the ends 200 cases are not enough."""


def mean_interval(
    values: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    binary: bool = False,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """Return the interval of a mean, by the method that fits its values.

    In order: groups, cluster-robust (``cluster-t`` or ``cluster-wilson``); values declared binary,
    ``wilson``; values in finite bounds, ``t`` from 200 cases on where the mean is not near an end,
    else ``wilson-mean``; other values, ``t`` from 200 cases on, below ``bca`` (with Hesterberg's
    expansion for few cases), and at any size
    ``bootstrap-t`` where the sample is too skewed for either (fewer than ``50 * skewness^2``
    cases).

    Args:
        values: One value a case, shape ``(n,)``; repeats already reduced, missing ones left out.
        groups: Group of each case; cases of one group are not independent.
        weights: Weight of each case in the mean.
        binary: Whether the values were declared yes/no.  Never inferred.
        bounds: Smallest and largest possible value, where finite.
        level: Confidence level as a fraction in (0, 1).
        seed: Seed of the bootstrap.

    Returns:
        The interval; ``None`` where an unbounded metric has fewer than 10 cases (or groups) or no
        variance, and where there are no values.

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
    if binary:
        bounds = (0.0, 1.0)
    if bounds is not None:
        check_bounds(bounds, sample)
    if groups is not None:
        return _grouped(sample, groups, load, bounds, level)
    if binary:
        return _binary(sample, load, level)
    if bounds is not None:
        return _bounded(sample, load, bounds, level)
    return unbounded_interval(sample, load, many=_MANY, level=level, seed=seed)


def _grouped(
    sample: FloatArray,
    groups: npt.ArrayLike,
    weights: FloatArray | None,
    bounds: tuple[float, float] | None,
    level: float,
) -> Interval | None:
    if bounds is None:
        cluster = clustered_mean(sample, groups, weights=weights)
        if cluster.n_groups < FEW or cluster.standard_error == 0:
            return None
    return clustered_interval(sample, groups, level=level, weights=weights, bounded=bounds)


def _binary(sample: FloatArray, weights: FloatArray | None, level: float) -> Interval:
    if weights is None:
        return wilson_interval(float(sample.sum()), sample.size, level=level)
    mean, error = mean_and_error(sample, weights)
    share = min(1.0, max(0.0, mean))
    size = effective_size(weights, sample.size)
    low, high = score_limits(share, size, normal_quantile(level))
    return Interval(low, high, "wilson", error)


def _bounded(
    sample: FloatArray, weights: FloatArray | None, bounds: tuple[float, float], level: float
) -> Interval:
    mean, error = mean_and_error(sample, weights)
    low, high = bounds
    share = (mean - low) / (high - low)
    size = effective_size(weights, sample.size)
    if size >= _MANY and error > 0 and size * share * (1 - share) >= _ENOUGH_SPREAD:
        interval = t_interval(sample, level=level, weights=weights)
        return Interval(
            max(low, interval.low), min(high, interval.high), "t", interval.standard_error
        )
    return wilson_mean_interval(sample, bounds=bounds, level=level, weights=weights)


def unbounded_interval(
    sample: FloatArray, weights: FloatArray | None, *, many: int, level: float, seed: int
) -> Interval | None:
    """Return the interval of the mean of values without bounds, as `mean_interval` chooses it.

    From *many* values on t is trusted; below `FEW`, or without variance, there is none.

    Examples:
        >>> import numpy as np
        >>> unbounded_interval(np.arange(40.0), None, many=30, level=0.95, seed=0).method
        't'
    """
    size = effective_size(weights, sample.size)
    mean, error = mean_and_error(sample, weights)
    if size < FEW or error == 0:
        return None
    if size < SKEWNESS_PRICE * skewness_of_terms(sample, weights, mean) ** 2:
        interval = studentised_interval(sample, level=level, seed=seed, weights=weights)
        if interval is not None:
            return interval
    if size >= many:
        return t_interval(sample, level=level, weights=weights)
    return bca_interval(sample, level=expanded_level(level, size), seed=seed, weights=weights)

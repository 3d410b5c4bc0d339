"""Turn bootstrap draws into intervals: percentile and BCa."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, as_sample, as_weights, check_level
from evalkit.stats.interval import Interval
from evalkit.stats.resampling import bootstrap_totals, bootstrap_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Statistic = Callable[[FloatArray], float]


def vary(draws: FloatArray) -> bool:
    """Say whether *draws* differ by more than rounding.

    Examples:
        >>> vary(np.array([0.8, 0.8 + 1e-16])), vary(np.array([0.8, 0.81]))
        (False, True)
    """
    return bool(np.ptp(draws) > 1e-12 * np.abs(draws).max())


def percentile_interval(
    draws: npt.ArrayLike, estimate: float | None = None, *, level: float = 0.95
) -> Interval:
    """Return the percentile interval of bootstrap draws.

    Args:
        draws: The metric in each draw, shape ``(draws,)``; draws where it is undefined are NaN
            and left out.
        estimate: The metric of the whole sample; the interval is widened to hold it where the
            draws are so skewed that it would lie outside.
        level: Confidence level as a fraction in (0, 1).

    Returns:
        The interval, with the draws' standard deviation as standard error.

    Raises:
        ValueError: If fewer than two draws are defined, or *level* is outside (0, 1).

    Examples:
        >>> percentile_interval([1.0, 2.0, 3.0], level=0.5).low
        1.5

    References:
        Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 13.
    """
    defined = _defined(draws)
    tail = (1 - check_level(level)) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    if estimate is not None:
        low, high = min(low, estimate), max(high, estimate)
    return Interval(float(low), float(high), "percentile", float(defined.std(ddof=1)))


def percentile_p_value(draws: npt.ArrayLike) -> float:
    """Return the two-sided p-value of 0 that the percentile interval of *draws* stands for.

    It is twice the smaller share of draws on one side of 0, draws of 0 on both, and never 0.

    Examples:
        >>> percentile_p_value([1.0, 2.0, 3.0]), percentile_p_value([-1.0, 0.0, 1.0])
        (0.5, 1.0)

    References:
        Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, section 15.4.
    """
    defined = _defined(draws)
    rarer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2 * (1 + rarer) / (1 + defined.size))


def bca_from_draws(
    draws: npt.ArrayLike, estimate: float, jackknife: npt.ArrayLike, *, level: float = 0.95
) -> Interval:
    """Return the bias-corrected and accelerated interval from draws and leave-one-out values.

    Arguments are those of `percentile_interval`; *jackknife* is the metric with each case (or each
    group) left out, shape ``(n,)``.

    Returns:
        The interval.  Where the correction is undefined (no jackknife spread, or all draws on
        one side of the estimate) it is the percentile interval, and says so.

    Raises:
        ValueError: If fewer than two draws are defined, or *level* is outside (0, 1).

    Examples:
        >>> values = np.array([1.0, 2.0, 4.0, 9.0])
        >>> left_out = (values.sum() - values) / 3
        >>> means = bootstrap_totals(values[:, None], 2000, seed=0)[:, 0] / 4
        >>> bca_from_draws(means, values.mean(), left_out).method
        'bca'

    References:
        Efron (1987), JASA 82:171; Efron and Tibshirani (1993), chapter 14.
    """
    from scipy.special import ndtr, ndtri

    defined = _defined(draws)
    # Ties, up to rounding, count half: else a discrete metric is taken for a biased one.
    gap, rounding = defined - estimate, 1e-10 * float(defined.std())
    below = float((gap < -rounding).mean() + (np.abs(gap) <= rounding).mean() / 2)
    spread = np.mean(as_sample(jackknife, "jackknife")) - np.asarray(jackknife, dtype=np.float64)
    scale = float(np.abs(spread).max())
    if scale == 0 or not 0 < below < 1:
        return percentile_interval(defined, estimate, level=level)
    spread = spread / scale  # neither squares nor cubes may vanish
    acceleration = float((spread**3).sum()) / (6 * float((spread**2).sum()) ** 1.5)
    bias = float(ndtri(below))
    tail = (1 - check_level(level)) / 2
    z = bias + ndtri(np.array([tail, 1 - tail]))
    shares = ndtr(bias + z / (1 - acceleration * z))
    low, high = np.quantile(defined, shares)
    return Interval(float(low), float(high), "bca", float(defined.std(ddof=1)))


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Statistic | None = None,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int,
    groups: npt.ArrayLike | None = None,
) -> Interval:
    """Return the percentile bootstrap interval of a statistic of *values*, by default the mean.

    Args:
        values: Values, shape ``(n,)`` with ``n >= 1``; finite, any unit.
        statistic: Takes resampled values, shape ``(m,)``; the mean where ``None``.
        level: Confidence level as a fraction in (0, 1).
        resamples: Bootstrap draws.
        seed: Seed of the generator; equal arguments give an equal interval.
        groups: Group of each value, shape ``(n,)``; whole groups are then resampled.

    Raises:
        ValueError: If *values* is empty, not one-dimensional or not finite, or *level* is
            outside (0, 1).

    Examples:
        >>> bootstrap_interval([0.0, 1.0, 1.0, 0.0], seed=7)
        Interval(low=0.0, high=1.0, method='percentile', standard_error=0.2...)

    References:
        Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 13.
    """
    sample = as_sample(values)
    draws = _draw(sample, statistic, resamples, seed, groups)
    estimate = float(sample.mean()) if statistic is None else float(statistic(sample))
    return percentile_interval(draws, estimate, level=level)


def bca_interval(
    values: npt.ArrayLike,
    statistic: Statistic | None = None,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int,
    weights: npt.ArrayLike | None = None,
) -> Interval:
    """Return Efron's BCa bootstrap interval of a statistic of *values*, by default the mean.

    It corrects the percentile interval for bias and skewness.  Below about 10 cases, and for
    extremes, it fails: it knows no value beyond those it saw.

    Arguments are those of `bootstrap_interval`; *weights* make the mean a weighted one, and go
    without *statistic*.

    Raises:
        ValueError: If there are fewer than two values, they are not finite, weights are given
            with a statistic, or *level* is outside (0, 1).

    Examples:
        >>> found = bca_interval([1, 2, 2, 3, 3, 3, 4, 5, 9, 14], seed=0)
        >>> found.low < 4.6 < found.high
        True

    References:
        Efron (1987), JASA 82:171; Efron and Tibshirani (1993), chapter 14.
    """
    sample = as_sample(values)
    if sample.size < 2:  # noqa: PLR2004
        raise ValueError("a BCa interval needs at least two values")
    load = as_weights(weights, sample.size)
    if statistic is None:
        return _mean_bca(sample, load, level, resamples, seed)
    if load is not None:
        raise ValueError("weights apply to the mean; let the statistic weigh its values instead")
    draws = _draw(sample, statistic, resamples, seed, None)
    left_out = [statistic(np.delete(sample, i)) for i in range(sample.size)]
    return bca_from_draws(draws, float(statistic(sample)), left_out, level=level)


def _mean_bca(
    sample: FloatArray, weights: FloatArray | None, level: float, resamples: int, seed: int
) -> Interval:
    load = np.ones(sample.size) if weights is None else weights
    pairs = np.stack([load * sample, load], axis=1)
    totals = bootstrap_totals(pairs, resamples, seed=seed)
    rest = pairs.sum(axis=0) - pairs
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw without weight has no mean
        draws, left_out = totals[:, 0] / totals[:, 1], rest[:, 0] / rest[:, 1]
    estimate = float(pairs[:, 0].sum() / load.sum())
    return bca_from_draws(draws, estimate, left_out[np.isfinite(left_out)], level=level)


def _draw(
    sample: FloatArray,
    statistic: Statistic | None,
    resamples: int,
    seed: int,
    groups: npt.ArrayLike | None,
) -> FloatArray:
    if statistic is None:
        pairs = np.stack([sample, np.ones(sample.size)], axis=1)
        totals = bootstrap_totals(pairs, resamples, seed=seed, groups=groups)
        return np.asarray(totals[:, 0] / totals[:, 1])
    drawn = (
        np.repeat(sample, row.astype(np.intp))
        for part in bootstrap_weights(sample.size, resamples, seed=seed, groups=groups)
        for row in part
    )
    return np.array([statistic(resample) for resample in drawn], dtype=np.float64)


def _defined(draws: npt.ArrayLike) -> FloatArray:
    array = np.asarray(draws, dtype=np.float64)
    defined = array[np.isfinite(array)]
    if array.ndim != 1 or defined.size < 2:  # noqa: PLR2004
        raise ValueError("draws must have shape (draws,) with at least two finite values")
    return defined

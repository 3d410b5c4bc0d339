"""Give intervals for the mean of independent values: Student's t, studentised bootstrap, Wilson.

Everywhere *values* have shape ``(n,)``, are finite and in any unit; *level* is the confidence level
as a fraction in (0, 1).  With *weights*, one a value, a mean is a ratio of two sums, and Kish's
effective sample size takes the place of *n*.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, as_sample, as_weights, check_bounds, check_level
from evalkit.stats.binomial import score_limits
from evalkit.stats.interval import Interval, normal_quantile, t_quantile
from evalkit.stats.resampling import bootstrap_totals

if TYPE_CHECKING:
    import numpy.typing as npt

PRIOR_SPREAD = 0.25
"""Pseudo-information that scores spread as widely as 0 and 1 do; found by simulation."""


def moderate(values: FloatArray) -> tuple[FloatArray, float]:
    """Return *values* whose squares and cubes fit into floats, and what they were divided by.

    Examples:
        >>> moderate(np.array([1.0, 2.0]))
        (array([1., 2.]), 1.0)
        >>> moderate(np.array([4.0, 8.0]) * 2.0**600)[0]
        array([0.5, 1. ])
    """
    peak = float(np.abs(values).max())
    if peak == 0.0 or 2.0**-200 < peak < 2.0**200:
        return values, 1.0
    scale = 2.0 ** math.floor(math.log2(peak))  # a power of two: no digit is lost
    return values / scale, scale


def mean_and_error(values: FloatArray, weights: FloatArray | None = None) -> tuple[float, float]:
    """Return the (weighted) mean and its standard error.

    With weights, the mean is a ratio of two sums, and the error is its linearised one:
    ``n / (n - 1) * sum(w^2 (x - m)^2) / sum(w)^2``.  It is 0 for a single value.

    Examples:
        >>> mean_and_error(np.array([1.0, 2.0, 3.0]))
        (2.0, 0.577...)

    References:
        Miller (2024), *Adding Error Bars to Evals*, arXiv 2411.00640; Cochran (1977), *Sampling
        Techniques*, chapter 6, for the ratio estimator.
    """
    n = values.size
    load = np.ones(n) if weights is None else weights
    values, scale = moderate(values)
    total = float(load.sum())
    mean = float(load @ values) / total
    squares = float(((load * (values - mean)) ** 2).sum())
    noise = float(np.abs(values).max()) * 1e-14  # rounding alone is no variance
    if n == 1 or squares <= (noise * total) ** 2:
        return mean * scale, 0.0
    return mean * scale, math.sqrt(squares * n / (n - 1)) / total * scale


def effective_size(weights: FloatArray | None, n: int) -> float:
    """Return Kish's effective sample size, ``(sum w)^2 / sum w^2``; *n* where weights are equal.

    Examples:
        >>> effective_size(np.array([1.0, 1.0, 2.0]), 3)
        2.6666666666666665

    References:
        Kish (1965), *Survey Sampling*, section 8.2.
    """
    if weights is None:
        return float(n)
    return float(weights.sum() ** 2 / (weights**2).sum())


def values_behind(values: FloatArray, weights: FloatArray | None = None) -> float:
    """Return how many values the variance of a mean rests on: their number over skewness squared.

    It is infinite for symmetric values, and near 1 where one value makes up nearly all of the
    variance.  Weights that stretch a tail count too.

    Examples:
        >>> round(values_behind(np.array([0.0] * 97 + [1.0] * 3)), 1)
        3.3

    References:
        Cochran (1977), *Sampling Techniques*, section 2.15: t holds from 25 times skewness
        squared on.
    """
    mean, error = mean_and_error(values, weights)
    if error == 0:
        return 0.0
    off = values / 2 - mean / 2 if weights is None else weights * (values / 2 - mean / 2)
    off, _ = moderate(off)
    skewness = float((off**3).mean() / (off**2).mean() ** 1.5)
    return effective_size(weights, values.size) / max(skewness**2, 1e-12)


def t_interval(
    values: npt.ArrayLike, *, level: float = 0.95, weights: npt.ArrayLike | None = None
) -> Interval:
    """Return Student's t interval for the mean.

    Raises:
        ValueError: If there are fewer than two values, they are not finite, or *level* is
            outside (0, 1).

    Examples:
        >>> found = t_interval([1, 2, 3, 4, 5])
        >>> round(found.low, 3), round(found.high, 3)
        (1.037, 4.963)

    References:
        Student (1908), *Biometrika* 6:1; Miller (2024), arXiv 2411.00640.
    """
    sample = as_sample(values)
    load = as_weights(weights, sample.size)
    if sample.size < 2:  # noqa: PLR2004
        raise ValueError("a t interval needs at least two values")
    mean, error = mean_and_error(sample, load)
    degrees = max(1.0, effective_size(load, sample.size) - 1)
    reach = t_quantile(level, degrees) * error
    return Interval(mean - reach, mean + reach, "t", error)


def wilson_mean_interval(
    values: npt.ArrayLike,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
    weights: npt.ArrayLike | None = None,
) -> Interval:
    """Return Wilson's interval at the mean of bounded scores.

    Scores in [0, 1] with mean m have a variance of at most ``m (1 - m)``, that of a rate, so
    Wilson's interval with *n* trials is safe and never collapses; but it is twice too wide for
    scores that gather in the middle, or for means of repeats.  The number of trials is therefore
    raised by ``(n m (1 - m) + k) / (n s^2 + k)``, with s^2 the variance seen and k = 1/4: without
    variance it is *n*, and evidence of less spread counts as it builds up at both ends.

    Raises:
        ValueError: If *values* is empty, not finite or outside *bounds*.

    Examples:
        >>> found = wilson_mean_interval([1.0, 1.0, 1.0])
        >>> round(found.low, 4), found.high
        (0.4385, 1.0)

    References:
        Wilson (1927), JASA 22:209, for k to infinity; the shrinkage was chosen by simulation
        (``benchmarks/bench_coverage.py``).
    """
    sample = as_sample(values)
    low, high = check_bounds(bounds, sample)
    load = as_weights(weights, sample.size)
    mean, error = mean_and_error(sample, load)
    size = effective_size(load, sample.size)
    share = min(1.0, max(0.0, (mean - low) / (high - low)))
    trials = effective_trials(share * (1 - share), error / (high - low), size, PRIOR_SPREAD)
    limits = score_limits(share, max(size, trials), normal_quantile(level))
    return Interval(
        low + limits[0] * (high - low), low + limits[1] * (high - low), "wilson-mean", error
    )


def effective_trials(spread: float, error: float, units: float, prior: float) -> float:
    """Return how many trials a bounded mean is worth, given its standard error.

    That is ``spread / error^2``, shrunk to *units*.

    Args:
        spread: Variance of one trial at this mean, such as ``m (1 - m)``.
        error: Standard error of the mean, in the same scale.
        units: Independent values (or groups) behind the mean.
        prior: Pseudo-information that the units are trials; 0 for no shrinkage.

    Examples:
        >>> round(effective_trials(0.25, 0.05, 25, prior=0.0))
        100
        >>> effective_trials(0.0, 0.0, 25, prior=0.5)
        25.0
    """
    return units * (units * spread + prior) / (units * units * error * error + prior)


def studentised_interval(
    values: npt.ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int,
    weights: npt.ArrayLike | None = None,
) -> Interval | None:
    """Return the bootstrap-t interval for a mean, the best of the usual ones for skewed values.

    Its ends stay within what was seen: beyond the largest value a sample says nothing.

    Returns:
        The interval, or ``None`` where too many draws have no variance to divide by, as when
        nearly all values are equal.

    Raises:
        ValueError: If *values* is empty or not finite, or *level* is outside (0, 1).

    Examples:
        >>> found = studentised_interval([1, 1, 2, 2, 3, 3, 4, 5, 9, 30], seed=0)
        >>> found.high - 6 > 6 - found.low
        True

    References:
        Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, section 12.5; Hall
        (1988), *Annals of Statistics* 16:927.
    """
    sample = as_sample(values)
    given = as_weights(weights, sample.size)
    mean, error = mean_and_error(sample, given)
    tail = (1 - check_level(level)) / 2
    if error == 0:
        return None
    load = np.ones(sample.size) if given is None else given
    off = sample - mean  # centred, so that squares do not cancel
    terms = np.stack([load, load * off, load**2, load**2 * off, (load * off) ** 2], axis=1)
    weight, first, w2, w2x, w2x2 = bootstrap_totals(terms, resamples, seed=seed).T
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = first / weight
        squares = np.maximum(0.0, w2x2 - 2 * shift * w2x + shift**2 * w2)
        scale = float(np.sqrt(sample.size / (sample.size - 1)))
        # What rounding leaves of a draw without spread is no spread.
        squares[squares <= 1e-12 * float((load * off).max() ** 2)] = 0.0
        ratio = shift / (scale * np.sqrt(squares) / weight)
    ratio = ratio[~np.isnan(ratio)]
    # "lower" and "higher" never interpolate between an infinity and a number.
    below = float(np.quantile(ratio, tail, method="lower"))
    above = float(np.quantile(ratio, 1 - tail, method="higher"))
    if not math.isfinite(below) or not math.isfinite(above):
        return None
    low, high = mean - above * error, mean - below * error
    return Interval(
        max(low, float(sample.min())), min(high, float(sample.max())), "bootstrap-t", error
    )

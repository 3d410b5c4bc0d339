"""Give intervals for a rate: Wilson, Clopper-Pearson and Jeffreys."""

from __future__ import annotations

import math

from evalkit.stats.arguments import check_level
from evalkit.stats.interval import Interval, normal_quantile


def wilson_interval(successes: float, n: float, *, level: float = 0.95) -> Interval:
    """Return Wilson's score interval for a rate.

    It never collapses: none of three gives an upper limit of 0.56, not 0.  *successes* may be
    fractional: for scores bounded in [0, 1] their sum takes its place, which is safe because
    their variance is at most that of a rate with the same mean.

    Args:
        successes: Number of successes, or sum of scores, in [0, n].
        n: Number of trials, positive; fractional where it is an effective sample size.
        level: Confidence level as a fraction in (0, 1).

    Returns:
        The interval inside [0, 1]; its standard error is the plain ``sqrt(p (1 - p) / n)``.

    Raises:
        ValueError: If *n* is not positive, *successes* is outside [0, n] or *level* outside (0, 1).

    Examples:
        >>> found = wilson_interval(81, 263)
        >>> round(found.low, 4), round(found.high, 4)
        (0.2553, 0.3662)

    References:
        Wilson (1927), JASA 22:209; Newcombe (1998), *Statistics in Medicine* 17:857, method 3.
    """
    _check_counts(successes, n)
    p = successes / n
    low, high = score_limits(p, n, normal_quantile(level))
    return Interval(low, high, "wilson", math.sqrt(p * (1 - p) / n))


def score_limits(p: float, n: float, z: float) -> tuple[float, float]:
    """Return Wilson's limits for a mean *p* in [0, 1], *n* (effective) trials and quantile *z*.

    Exact at the ends: the lower limit at 0 is 0 and the upper limit at 1 is 1.

    Examples:
        >>> score_limits(0.0, 20, 1.96)
        (0.0, 0.16113...)
    """
    z2 = z * z
    centre = p + z2 / (2 * n)
    reach = z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    scale = 1 + z2 / n
    low = 0.0 if p == 0 else max(0.0, (centre - reach) / scale)
    high = 1.0 if p == 1 else min(1.0, (centre + reach) / scale)
    return min(low, p), max(high, p)


def clopper_pearson_interval(successes: float, n: float, *, level: float = 0.95) -> Interval:
    """Return the Clopper-Pearson ("exact") interval for a rate.

    It never covers less than *level*, and often covers more: use it for guarantees.

    Args:
        successes: Number of successes in [0, n].
        n: Number of trials, positive.
        level: Confidence level as a fraction in (0, 1).

    Raises:
        ValueError: If *n* is not positive, *successes* is outside [0, n] or *level* outside (0, 1).

    Examples:
        >>> found = clopper_pearson_interval(81, 263)
        >>> round(found.low, 4), round(found.high, 4)
        (0.2527, 0.3676)

    References:
        Clopper and Pearson (1934), *Biometrika* 26:404.
    """
    from scipy.special import betaincinv

    _check_counts(successes, n)
    tail = (1 - check_level(level)) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    p = successes / n
    return Interval(low, high, "clopper-pearson", math.sqrt(p * (1 - p) / n))


def unpaired_difference_interval(
    first: float, n_first: float, second: float, n_second: float, *, level: float = 0.95
) -> Interval:
    """Return Newcombe's interval for the difference of two rates on different cases.

    Pair where you can: `tango_interval` is for two systems on the same cases.

    Args:
        first: Successes of the first sample, in [0, n_first].
        n_first: Its number of trials, positive.
        second: Successes of the second sample, in [0, n_second].
        n_second: Its number of trials, positive.
        level: Confidence level as a fraction in (0, 1).

    Raises:
        ValueError: If a number is out of its range.

    Examples:
        >>> found = unpaired_difference_interval(56, 70, 48, 80)
        >>> round(found.low, 4), round(found.high, 4)
        (0.0524, 0.3339)

    References:
        Newcombe (1998), *Statistics in Medicine* 17:873, method 10.
    """
    a = wilson_interval(first, n_first, level=level)
    b = wilson_interval(second, n_second, level=level)
    p, q = first / n_first, second / n_second
    low = p - q - math.hypot(p - a.low, b.high - q)
    high = p - q + math.hypot(a.high - p, q - b.low)
    error = math.sqrt(p * (1 - p) / n_first + q * (1 - q) / n_second)
    return Interval(low, high, "newcombe", error)


def _check_counts(successes: float, n: float) -> None:
    if not n > 0:
        raise ValueError(f"n must be positive, got {n}")
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie in [0, {n}], got {successes}")

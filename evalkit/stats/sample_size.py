"""Tell how many cases a simple study needs: two rates, a t test, the width of an interval."""

from __future__ import annotations

import math

from evalkit.stats.binomial import score_limits
from evalkit.stats.interval import normal_quantile


def detection_quantile(alpha: float, power: float) -> float:
    """Return how many standard errors a difference must be for a two-sided test to find it.

    Args:
        alpha: Two-sided level of the test, in (0, 1).
        power: Wanted chance of finding it, in (alpha, 1).

    Raises:
        ValueError: If an argument is out of its range.

    Examples:
        >>> round(detection_quantile(0.05, 0.8), 3)
        2.802
    """
    from scipy.special import ndtri

    if not 0 < alpha < 1 or not alpha < power < 1:
        raise ValueError(f"0 < alpha < power < 1 must hold, got {alpha} and {power}")
    return normal_quantile(1 - alpha) + float(ndtri(power))


def cases_to_detect_unpaired_rates(
    first: float, second: float, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return how many cases each of two separate samples needs to tell their rates apart.

    Args:
        first: Rate of the first, in [0, 1].
        second: Rate of the second, in [0, 1], another than *first*.
        alpha: Two-sided level of the test.
        power: Wanted chance of finding it, in (0, 1).

    Raises:
        ValueError: If an argument is out of its range.

    Examples:
        >>> round(cases_to_detect_unpaired_rates(0.60, 0.65), 1)
        1470.1

    References:
        Cohen (1988), *Statistical Power Analysis*, chapter 6 (arcsine effect size h).
    """
    if not (0 <= first <= 1 and 0 <= second <= 1) or first == second:
        raise ValueError("rates must differ and lie in [0, 1]")
    effect = 2 * (math.asin(math.sqrt(first)) - math.asin(math.sqrt(second)))
    return 2 * (detection_quantile(alpha, power) / effect) ** 2


def t_test_size(
    effect: float, *, samples: int = 1, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return how many values (in each sample) a two-sided t test needs, by the noncentral t.

    Args:
        effect: Cohen's d, difference over standard deviation; not 0.
        samples: 1 for one sample or pairs, 2 for two equal samples.
        alpha: Two-sided level of the test.
        power: Wanted chance of finding it, in (alpha, 1).

    Raises:
        ValueError: If an argument is out of its range.

    Examples:
        >>> round(t_test_size(0.2), 2)
        198.15

    References:
        Cohen (1988), chapter 2.
    """
    from scipy.special import nctdtr, stdtrit

    if samples not in {1, 2} or effect == 0:
        raise ValueError("samples must be 1 or 2, and effect not 0")
    z = detection_quantile(alpha, power)

    def reached(n: float) -> float:
        degrees = samples * (n - 1)
        bound = float(stdtrit(degrees, 1 - alpha / 2))
        shift = abs(effect) * math.sqrt(n / samples)
        return float(1 - nctdtr(degrees, shift, bound) + nctdtr(degrees, shift, -bound))

    low, high = 1.0 + 1e-6, max(4.0, 4 * samples * (z / effect) ** 2)
    while reached(high) < power:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) < power else (low, middle)
    return high


def cases_for_half_width(half_width: float, rate: float, *, level: float = 0.95) -> int:
    """Return the fewest cases with which Wilson's interval of a rate is as narrow as wanted.

    Args:
        half_width: Wanted half of the interval's width, in (0, 0.5).
        rate: Expected rate, in [0, 1].
        level: Confidence level as a fraction in (0, 1).

    Raises:
        ValueError: If an argument is out of its range.

    Examples:
        >>> cases_for_half_width(0.05, 0.85)
        196
    """
    if not 0 < half_width < 0.5 or not 0 <= rate <= 1:  # noqa: PLR2004
        raise ValueError("half_width must lie in (0, 0.5) and rate in [0, 1]")
    z = normal_quantile(level)

    def wide(n: int) -> bool:
        low, high = score_limits(rate, n, z)
        return high - low > 2 * half_width

    high = 1
    while wide(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high

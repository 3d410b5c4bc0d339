"""Plan an evaluation: how many cases and repeats find a given difference, and what n can find."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.stats.binomial import score_limits
from evalkit.stats.interval import normal_quantile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedVariance:
    """The variances behind a paired difference, from a pilot or from assumptions."""

    between: float
    """Variance over cases of the difference of the two systems' true means on a case."""

    within_a: float = 0.0
    """Variance of the first system's repeats on a case."""

    within_b: float = 0.0
    """Variance of the second system's repeats on a case."""

    design_effect: float = 1.0
    """How much groups inflate the variance of the mean; 1 for independent cases."""

    def of_case(self, repeats_a: int = 1, repeats_b: int | None = None) -> float:
        """Return the variance that one case adds, its repeats averaged.

        Examples:
            >>> PairedVariance(between=0.1, within_a=0.2).of_case(2)
            0.2
        """
        second = repeats_a if repeats_b is None else repeats_b
        if min(repeats_a, second) < 1:
            raise ValueError("repeats must be at least 1")
        noise = self.within_a / repeats_a + self.within_b / second
        return (self.between + noise) * self.design_effect


def pilot_variance(a: npt.ArrayLike, b: npt.ArrayLike) -> PairedVariance:
    """Estimate the variances of a paired difference from a pilot.

    Args:
        a: Scores of the first system, shape ``(n,)`` or ``(n, K_a)`` with repeats.
        b: Scores of the second on the same cases, shape ``(n,)`` or ``(n, K_b)``.

    Returns:
        Variances; where a system has one repeat its noise cannot be told apart and stays in
        `between`.

    Raises:
        ValueError: If there are fewer than two cases or the cases do not match.

    Examples:
        >>> pilot_variance([1, 0, 1, 1], [0, 0, 1, 1]).between
        0.25

    References:
        Miller (2024), arXiv 2411.00640, section 5.
    """
    first, second = _matrix(a), _matrix(b)
    if first.shape[0] != second.shape[0] or first.shape[0] < 2:  # noqa: PLR2004
        raise ValueError(f"a pilot needs two matching cases, got {first.shape} and {second.shape}")
    noise = [
        float(scores.var(axis=1, ddof=1).mean()) if scores.shape[1] > 1 else 0.0
        for scores in (first, second)
    ]
    seen = float((first.mean(axis=1) - second.mean(axis=1)).var(ddof=1))
    explained = noise[0] / first.shape[1] + noise[1] / second.shape[1]
    return PairedVariance(between=max(0.0, seen - explained), within_a=noise[0], within_b=noise[1])


def detection_quantile(alpha: float, power: float) -> float:
    """Return how many standard errors a difference must be for a two-sided test to find it.

    *alpha* is the test's level, in (0, 1), and *power* the wanted chance, in (alpha, 1).

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


def cases_to_detect(
    difference: float,
    variance: PairedVariance,
    *,
    repeats: int = 1,
    alpha: float = 0.05,
    power: float = 0.8,
) -> float:
    """Return how many cases a two-sided paired test needs to find a difference.

    Args:
        difference: True difference to find; not 0.
        variance: Variances of the difference.
        repeats: Repeats of each case by each system.
        alpha: Two-sided level of the test.
        power: Wanted chance of finding it, in (0, 1).

    Returns:
        The number, not rounded; round it up.

    Raises:
        ValueError: If an argument is out of its range.

    Examples:
        >>> round(cases_to_detect(0.03, PairedVariance(between=1 / 9)))
        969

    References:
        Miller (2024), arXiv 2411.00640, section 5, equation for n.
    """
    if difference == 0:
        raise ValueError("no number of cases finds a difference of 0")
    return detection_quantile(alpha, power) ** 2 * variance.of_case(repeats) / difference**2


def detectable_difference(
    n: float, variance: PairedVariance, *, repeats: int = 1, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the smallest true difference that *n* cases find with the wanted power.

    Args:
        n: Number of cases.
        variance: Variances of the difference.
        repeats: Repeats of each case by each system.
        alpha: Two-sided level of the test.
        power: Wanted chance of finding it, in (0, 1).

    Raises:
        ValueError: If an argument is out of its range.

    Examples:
        >>> found = detectable_difference(969, PairedVariance(between=1 / 9))
        >>> round(found, 3)
        0.03

    References:
        Miller (2024), arXiv 2411.00640, section 5.
    """
    if not n > 0:
        raise ValueError(f"n must be positive, got {n}")
    return detection_quantile(alpha, power) * math.sqrt(variance.of_case(repeats) / n)


def power_to_detect(difference: float, standard_error: float, *, alpha: float = 0.05) -> float:
    """Return the chance that a two-sided z test finds a true difference.

    Args:
        difference: True difference.
        standard_error: Standard error of the estimated difference, positive.
        alpha: Two-sided level of the test.

    Raises:
        ValueError: If the standard error is not positive or *alpha* outside (0, 1).

    Examples:
        >>> round(power_to_detect(2.8, 1.0), 2)
        0.8
    """
    from scipy.special import ndtr

    if not standard_error > 0:
        raise ValueError(f"standard_error must be positive, got {standard_error}")
    z = normal_quantile(1 - alpha)
    shift = abs(difference) / standard_error
    return float(ndtr(shift - z) + ndtr(-shift - z))


def cases_to_detect_rates(
    difference: float, discordance: float, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return how many cases McNemar's test needs to find a difference of two rates.

    Args:
        difference: True difference of the rates, not 0, at most *discordance* in size.
        discordance: Share of cases that exactly one of the systems has right, in (0, 1].
        alpha: Two-sided level of the test.
        power: Wanted chance of finding it, in (0, 1).

    Raises:
        ValueError: If an argument is out of its range.

    Examples:
        >>> round(cases_to_detect_rates(0.05, 0.25), 1)
        782.5

    References:
        Connor (1987), *Biometrics* 43:207.
    """
    if not 0 < abs(difference) <= discordance <= 1:
        raise ValueError("0 < |difference| <= discordance <= 1 must hold")
    from scipy.special import ndtri

    detection_quantile(alpha, power)
    z_power = float(ndtri(power))
    spread = math.sqrt(discordance - difference**2)
    root = normal_quantile(1 - alpha) * math.sqrt(discordance) + z_power * spread
    return root**2 / difference**2


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


def _matrix(scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    import numpy as np

    array = np.asarray(scores, dtype=np.float64)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not np.isfinite(array).all():  # noqa: PLR2004
        raise ValueError("scores must be finite, of shape (n,) or (n, K)")
    return array

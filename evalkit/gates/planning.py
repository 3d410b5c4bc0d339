"""How many more cases would settle a gate that could not be decided."""

from __future__ import annotations

import math
from typing import Final

from evalkit._internal.words import percent, plural
from evalkit.entities.estimate import Estimate
from evalkit.stats.interval import normal_quantile
from evalkit.stats.power import PairedVariance, cases_to_detect

POWER: Final = 0.8
_ENDLESS: Final = 1_000
"""Times as many cases as there are, from which a number would only mislead."""


def more_cases(
    distance: float,
    standard_error: float,
    n: int,
    *,
    level: float,
    power: float = POWER,
    reach: float = 0.0,
) -> int | None:
    """Return how many more cases settle a gate, if what was measured is the truth.

    Args:
        distance: From the value measured to the threshold.
        standard_error: Of the value.
        n: Cases behind it, or groups of them.
        level: Confidence level of the gate's two-sided interval.
        power: Wanted chance that the whole interval lies on one side.
        reach: From the value measured to the interval's end beyond the threshold, which must
            come nearer than the threshold, however small the standard error.

    Returns:
        The number, rounded to two digits; ``None`` where the value is so close to the threshold
        that no sensible number would do.

    Examples:
        >>> more_cases(0.05, 0.05, 100, level=0.95)
        690

    References:
        Miller (2024), arXiv 2411.00640, section 5.
    """
    if not standard_error > 0 or n < 1 or abs(distance) < standard_error / _ENDLESS:
        return None
    variance = PairedVariance(between=standard_error**2 * n)
    wanted = cases_to_detect(distance, variance, alpha=1 - level, power=power)
    wanted = max(wanted, n * (reach / distance) ** 2)
    more = wanted - n
    if wanted > _ENDLESS * n:
        return None
    return rounded(max(1.0, more))


def rounded(count: float) -> int:
    """Return *count* rounded up to two digits.

    Examples:
        >>> rounded(1234.2), rounded(7.1)
        (1300, 8)
    """
    step = int(10 ** max(0, math.floor(math.log10(count)) - 1))
    return math.ceil(count / step) * step


def hint(more: int | None, n_groups: int | None = None) -> str:
    """Say how many more cases it takes, or groups where cases are grouped.

    Examples:
        >>> hint(1300), hint(1, n_groups=2)
        ('about 1,300 more cases for 80 % power', 'about 1 more group for 80 % power')
    """
    unit = "case" if n_groups is None else "group"
    if more is None:
        return f"too close to the threshold for any sensible number of {unit}s"
    return f"about {plural(more, f'more {unit}')} for {percent(POWER)} power"


def more_for(estimate: Estimate, threshold: float) -> int | None:
    """Return how many more cases settle ``estimate op threshold``; `more_cases` explains."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    error = error_of(estimate.standard_error, estimate.low, estimate.high, estimate.level)
    distance = estimate.value - threshold
    return more_cases(
        distance,
        error,
        estimate.n_groups or estimate.n_scored,
        level=estimate.level,
        reach=estimate.value - estimate.low if distance > 0 else estimate.high - estimate.value,
    )


def error_of(standard_error: float | None, low: float, high: float, level: float) -> float:
    """Return a standard error; where none was seen, the one that the interval's width implies."""
    if standard_error is not None and standard_error > 0:
        return standard_error
    return (high - low) / (2 * normal_quantile(level))

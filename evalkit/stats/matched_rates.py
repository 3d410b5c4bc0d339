"""Compare two rates on the same cases: McNemar's tests, Tango's and Newcombe's intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evalkit.stats.interval import Interval, normal_quantile

_HALVINGS = 200


@dataclass(frozen=True, slots=True)
class McNemar:
    """P-values of McNemar's test in three forms; all two-sided."""

    exact: float
    """Exact conditional p-value; never too small, often much too large."""

    mid_p: float
    """Mid-p value: the recommended one, close to its level and rarely above."""

    chi_squared: float
    """Statistic ``(b - c)^2 / (b + c)``, without continuity correction; 0 without discordance."""

    asymptotic: float
    """P-value of `chi_squared` on one degree of freedom."""


def mcnemar(b: int, c: int) -> McNemar:
    """Test whether two systems are right equally often on the same cases.

    Only the cases where they differ speak.

    Args:
        b: Cases that the first has right and the second wrong.
        c: Cases that the first has wrong and the second right.

    Raises:
        ValueError: If a count is negative.

    Examples:
        >>> found = mcnemar(12, 2)
        >>> round(found.exact, 6), round(found.mid_p, 7)
        (0.012939, 0.0073853)

    References:
        McNemar (1947), *Psychometrika* 12:153; Fagerland, Lydersen and Laake (2013), *BMC Medical
        Research Methodology* 13:91, for the mid-p.
    """
    from scipy.special import bdtr, chdtrc

    if b < 0 or c < 0:
        raise ValueError(f"counts must not be negative, got {b} and {c}")
    if b == c:
        return McNemar(1.0, 1.0, 0.0, 1.0)
    low, total = min(b, c), b + c
    at_most = float(bdtr(low, total, 0.5))
    below = float(bdtr(low - 1, total, 0.5)) if low > 0 else 0.0
    squared = (b - c) ** 2 / total
    return McNemar(min(1.0, 2 * at_most), at_most + below, squared, float(chdtrc(1, squared)))


def tango_interval(b: float, c: float, n: float, *, level: float = 0.95) -> Interval:
    """Return Tango's score interval for the difference of two rates on the same cases.

    It holds its level in small samples and never collapses: without any discordance it is
    ``+- z^2 / (n + z^2)``.

    Args:
        b: Cases that only the first has right; may be fractional, as `wilson_interval` says.
        c: Cases that only the second has right.
        n: All cases.
        level: Confidence level as a fraction in (0, 1).

    Returns:
        The interval of ``(b - c) / n`` inside [-1, 1].

    Raises:
        ValueError: If counts are negative or exceed *n*, or *level* is outside (0, 1).

    Examples:
        >>> found = tango_interval(209, 152, 1319)
        >>> round(found.low, 5), round(found.high, 5)
        (0.01505, 0.07146)

    References:
        Tango (1998), *Statistics in Medicine* 17:891.
    """
    slack = 1e-9 * n
    if not n > 0 or min(b, c) < 0 or b + c > n + slack:
        raise ValueError(f"b and c must be counts within n, got {b}, {c} and {n}")
    low, high = tango_limits(b / n, c / n, n, normal_quantile(level))
    first, second = b / n, c / n
    error = math.sqrt(max(0.0, first + second - (first - second) ** 2) / n)
    return Interval(low, high, "tango", error)


def tango_limits(first: float, second: float, n: float, z: float) -> tuple[float, float]:
    """Return Tango's limits for shares of discordant cases, *n* (effective) cases and quantile *z*.

    Examples:
        >>> low, high = tango_limits(0.0, 0.0, 100, 2.0)
        >>> round(low, 4), round(high, 4)
        (-0.0385, 0.0385)
    """
    high = _upper(first, second, n, z)
    low = -_upper(second, first, n, z)
    return low, high


def score_p_value(first: float, second: float, n: float) -> float:
    """Return the two-sided p-value of equal rates, by the score test that Tango's limits invert.

    Arguments are those of `tango_limits`; it is McNemar's asymptotic test.

    Examples:
        >>> round(score_p_value(12 / 100, 2 / 100, 100), 4), score_p_value(0.0, 0.0, 100)
        (0.0075, 1.0)
    """
    from scipy.special import ndtr

    if first == second:
        return 1.0
    return float(2 * ndtr(-abs(first - second) * math.sqrt(n / (first + second))))


def _upper(first: float, second: float, n: float, z: float) -> float:
    """Find the largest difference that the score test does not reject, by bisection."""
    estimate = first - second
    inside, outside = estimate, 1.0
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        if _rejects(middle, first, second, n, z):
            outside = middle
        else:
            inside = middle
    return inside


def _rejects(theta: float, first: float, second: float, n: float, z: float) -> bool:
    # Restricted maximum likelihood of the second's share, given the difference theta.
    linear = -first - second + (2 - first + second) * theta
    constant = -second * theta * (1 - theta)
    share = (math.sqrt(max(0.0, linear * linear - 8 * constant)) - linear) / 4
    variance = max(0.0, 2 * share + theta * (1 - theta)) / n
    return (first - second - theta) ** 2 > z * z * variance

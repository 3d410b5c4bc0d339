"""Hold a confidence interval, and the quantiles that build one."""

from __future__ import annotations

from dataclasses import dataclass, field

from evalkit.stats.arguments import check_level


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval and how it was made.

    Examples:
        >>> Interval(0.2, 0.4, "wilson").width
        0.2
    """

    low: float
    """Lower limit, in the unit of the values."""

    high: float
    """Upper limit, in the unit of the values."""

    method: str
    """How the limits were found, such as ``wilson``, ``t``, ``bca`` or ``cluster-t``."""

    standard_error: float | None = None
    """Estimated standard deviation of the estimate; ``None`` where the method has none."""

    note: str | None = field(default=None, repr=False)
    """What a reader must know beside it."""

    @property
    def width(self) -> float:
        """Return the distance between the limits."""
        return self.high - self.low

    def __contains__(self, value: float) -> bool:
        """Return whether *value* lies between the limits, both included."""
        return self.low <= value <= self.high


def normal_quantile(level: float) -> float:
    """Return the two-sided standard normal quantile of a confidence level.

    Examples:
        >>> round(normal_quantile(0.95), 6)
        1.959964
    """
    from statistics import NormalDist  # start-up: scipy takes 20 times as long to import

    return -NormalDist().inv_cdf((1 - check_level(level)) / 2)


def expanded_level(level: float, n: float) -> float:
    """Return the level whose normal quantile is wide enough for a bootstrap of *n* values.

    A bootstrap distribution is too narrow by ``sqrt((n - 1) / n)`` and knows no Student tails: some
    points of coverage below 50 values.

    Examples:
        >>> round(expanded_level(0.95, 20), 4)
        0.9682

    References:
        Hesterberg (2015), *The American Statistician* 69:371 (expanded percentile interval).
    """
    from scipy.special import ndtr

    reach = t_quantile(level, max(1.0, n - 1)) * (n / (n - 1)) ** 0.5
    return float(min(2 * ndtr(reach) - 1, 1 - 1e-12))


def t_quantile(level: float, degrees: float) -> float:
    """Return the two-sided Student quantile of a confidence level.

    Args:
        level: Confidence level in (0, 1).
        degrees: Degrees of freedom, positive, not necessarily whole.

    Examples:
        >>> round(t_quantile(0.95, 9), 6)
        2.262157
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + check_level(level) / 2))

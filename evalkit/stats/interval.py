"""Hold a confidence interval, and the quantiles that build one."""

from __future__ import annotations

from dataclasses import dataclass

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
    from scipy.special import ndtri

    return float(ndtri(0.5 + check_level(level) / 2))


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

"""What a comparison of two systems on the same cases comes to."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.stats.arguments import check_level
from evalkit.stats.power import power_to_detect


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The difference of two systems on the same cases."""

    difference: float
    """Mean of the first minus mean of the second."""

    low: float | None
    """Lower limit; ``None`` where there are too few pairs or there is no variance."""

    high: float | None
    """Upper limit."""

    level: float
    """Confidence level of the limits."""

    method: str | None
    """``tango``, ``tango-mean``, ``t``, ``bootstrap-t``, ``cluster-t``, ``cluster-bootstrap-t``,
    ``cluster-tango``, ``delong``, ``jackknife``, ``square-and-add``, ``paired-bootstrap``, or
    ``None`` without limits."""

    p_value: float | None
    """Two-sided p-value of no difference."""

    effect_size: float | None
    """Cohen's d of the pairs, difference over its standard deviation; ``None`` without one."""

    correlation: float | None
    """Pearson correlation of the two systems over cases; ``None`` where one does not vary."""

    n: int
    """Number of pairs."""

    n_groups: int | None
    """Number of groups; ``None`` where the pairs are independent."""

    standard_error: float | None
    """Standard error of the difference; ``None`` for a single pair."""

    smallest_detectable: float | None
    """True difference that this many pairs would find significant in 80 % of repetitions."""

    test: str | None
    """``mcnemar-mid-p``, ``t``, ``score``, ``wald``, ``cluster-t``, ``sign-flip``, ``delong``,
    ``jackknife``, ``paired-bootstrap`` or ``approximate-randomization``."""

    @property
    def is_clear(self) -> bool:
        """Whether interval and p-value both say that there is a difference.

        Nothing may be called better where this is false, in words, colours or gates alike.
        """
        if self.low is None or self.high is None or self.p_value is None:
            return False
        return not self.low <= 0.0 <= self.high and self.p_value < 1 - self.level

    @property
    def power(self) -> float | None:
        """Chance that this many pairs find a true difference of the measured size, in [0, 1].

        It is another form of the p-value, no evidence of its own: plan by `smallest_detectable`.
        ``None`` without a standard error.

        Examples:
            >>> from evalkit.stats.paired import paired_difference
            >>> found = paired_difference([1, 1, 0, 1] * 20, [0, 1, 0, 1] * 20, binary=True)
            >>> round(found.power, 2)
            1.0

        References:
            Hoenig and Heisey (2001), *The American Statistician* 55:19.
        """
        if not self.standard_error:
            return None
        return power_to_detect(self.difference, self.standard_error, alpha=1 - self.level)


def agreeing(
    low: float, high: float, p_value: float, *, otherwise: float = 0.0, level: float = 0.95
) -> tuple[float, float, float]:
    """Return limits and p-value of a difference such that they never contradict each other.

    Where two good methods disagree on whether there is a difference, the one that does not see it
    counts: limits whose test is not significant are widened to 0, and a p-value whose interval
    holds 0 is raised to *otherwise*, the p-value of the interval's own method, or to the level.

    Examples:
        >>> agreeing(0.002, 0.142, 0.0625)
        (0.0, 0.142, 0.0625)
        >>> agreeing(-0.085, 0.0002, 0.039, otherwise=0.051)
        (-0.085, 0.0002, 0.051)
    """
    alpha = 1 - check_level(level)
    if low <= 0.0 <= high:
        return low, high, p_value if p_value >= alpha else max(otherwise, alpha)
    if p_value < alpha:
        return low, high, p_value
    return min(low, 0.0), max(high, 0.0), p_value

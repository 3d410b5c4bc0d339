"""What a comparison of two systems on the same cases comes to."""

from __future__ import annotations

from dataclasses import dataclass

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
    """``tango``, ``tango-mean``, ``t``, ``bca``, ``bootstrap-t``, ``cluster-t``,
    ``cluster-tango``, or ``None`` without limits."""

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
    """``mcnemar-mid-p``, ``t``, ``cluster-t`` or ``sign-flip``."""

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

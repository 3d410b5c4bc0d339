"""Distribution-free interval for a quantile, from order statistics."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evalkit.stats.interval import Interval


def quantile_interval(
    values: npt.ArrayLike, share: float, *, level: float = 0.95
) -> Interval | None:
    """Return an interval for a quantile that holds whatever the distribution is.

    The number of values below the quantile is binomial, so two order statistics enclose it with at
    least the wanted probability.  For few values and an extreme quantile no such pair exists.

    Args:
        values: Shape ``(n,)``; finite, any unit.
        share: Share of the distribution below the quantile, in (0, 1); 0.5 is the median.
        level: Confidence level as a fraction in (0, 1).

    Returns:
        The interval, method ``order``; ``None`` where *n* is too small.

    Raises:
        ValueError: If *share* or *level* is outside (0, 1).

    Examples:
        >>> found = quantile_interval(range(100), 0.5)
        >>> found.low, found.high
        (39.0, 60.0)
        >>> quantile_interval([1.0, 2.0, 3.0], 0.95) is None
        True

    References:
        David and Nagaraja (2003), *Order Statistics*, section 7.1.
    """
    from scipy.stats import binom

    if not (0.0 < share < 1.0 and 0.0 < level < 1.0):
        raise ValueError(f"share and level must be in (0, 1), got {share} and {level}")
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    tail = (1.0 - level) / 2.0
    low = int(binom.ppf(tail, n, share))
    high = int(binom.ppf(1.0 - tail, n, share)) + 1
    if low < 1 or high > n:
        return None
    return Interval(float(ordered[low - 1]), float(ordered[high - 1]), "order")

"""Quantiles of weighted values, and intervals that hold whatever the distribution is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, as_sample, as_weights, check_level
from evalkit.stats.clustered import rate_trials
from evalkit.stats.interval import Interval

if TYPE_CHECKING:
    import numpy.typing as npt


def weighted_quantile(
    values: npt.ArrayLike, share: float, weights: npt.ArrayLike | None = None
) -> float:
    """Return the value below which a *share* of the weight lies.

    With weights it is the smallest value at which the weight of it and of all smaller ones
    reaches the share, so a case of weight 2 counts as two equal cases.  Without, or where all
    weights are equal, neighbours are interpolated (type 7).

    Args:
        values: Shape ``(n,)`` with ``n >= 1``; finite, any unit.
        share: Share of the weight below, in (0, 1); 0.5 is the median.
        weights: Weight of each value, shape ``(n,)``, at least 0 and not all 0.

    Raises:
        ValueError: If *values* is empty or not finite, or a share or weight is out of range.

    Examples:
        >>> weighted_quantile([1.0, 2.0, 3.0, 4.0], 0.5)
        2.5
        >>> weighted_quantile([1.0, 2.0, 3.0, 4.0], 0.5, weights=[1, 1, 1, 5])
        4.0

    References:
        Hyndman and Fan (1996), *The American Statistician* 50:361, definitions 1 and 7.
    """
    _check_share(share)
    sample = as_sample(values)
    load = as_weights(weights, sample.size)
    if load is None:
        return float(np.quantile(sample, share))
    return _reaching(sample, load, [share])[0]


def _reaching(values: FloatArray, weights: FloatArray | None, shares: list[float]) -> list[float]:
    """Return the smallest values at which the weight of all up to them reaches each share."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(np.ones(values.size) if weights is None else weights[order])
    # Sums of equal parts may miss the share by their rounding.
    wanted = np.array(shares) * reached[-1] * (1 - 1e-12)
    places = np.minimum(np.searchsorted(reached, wanted), values.size - 1)
    return [float(value) for value in values[order][places]]


def quantile_interval(
    values: npt.ArrayLike,
    share: float,
    *,
    level: float = 0.95,
    weights: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
) -> Interval | None:
    """Return an interval for a quantile that holds whatever the distribution is.

    The number of values below the quantile is binomial, so two order statistics enclose it with at
    least the wanted probability.  For few values and an extreme quantile no such pair exists.

    With weights or groups the count is that of as many values as the share below the quantile is
    worth (Woodruff): the order statistics are those of their weights.

    Args:
        values: Shape ``(n,)``; finite, any unit.
        share: Share of the distribution below the quantile, in (0, 1); 0.5 is the median.
        level: Confidence level as a fraction in (0, 1).
        weights: Weight of each value, shape ``(n,)``; ``None`` means 1 each.
        groups: Group of each value, shape ``(n,)``; ``None`` where values are independent.

    Returns:
        The interval, method ``order`` or ``woodruff``; ``None`` where there are too few values,
        or groups, for it.

    Raises:
        ValueError: If *share* or *level* is outside (0, 1).

    Examples:
        >>> found = quantile_interval(range(100), 0.5)
        >>> found.low, found.high
        (39.0, 60.0)
        >>> quantile_interval([1.0, 2.0, 3.0], 0.95) is None
        True

    References:
        David and Nagaraja (2003), *Order Statistics*, section 7.1; Woodruff (1952), JASA 47:635;
        Korn and Graubard (1998), *Survey Methodology* 24:193, for the effective number of values.
    """
    _check_share(share)
    check_level(level)
    array = np.asarray(values, dtype=np.float64)
    codes = None if groups is None else np.asarray(groups)
    load = as_weights(weights, array.size)
    if load is not None:
        counted = load > 0
        array, load = array[counted], load[counted]
        codes = None if codes is None else codes[counted]
    size = array.size
    if size and not (load is None and codes is None):
        below = array <= weighted_quantile(array, share, load)
        size = math.floor(rate_trials(below, groups=codes, weights=load) + 1e-9)
    places = _places(size, share, level) if size else None
    if places is None:
        return None
    low, high = _reaching(array, load, [place / size for place in places])
    return Interval(low, high, "order" if load is None and codes is None else "woodruff")


def _check_share(share: float) -> None:
    if not (math.isfinite(share) and 0.0 < share < 1.0):
        raise ValueError(f"share must be in (0, 1), got {share}")


def _places(n: int, share: float, level: float) -> tuple[int, int] | None:
    """Return the places, from 1, of the order statistics around the quantile of *n* values."""
    from scipy.stats import binom

    tail = (1.0 - level) / 2.0
    low = int(binom.ppf(tail, n, share))
    high = int(binom.ppf(1.0 - tail, n, share)) + 1
    return None if low < 1 or high > n else (low, high)

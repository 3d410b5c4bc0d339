"""Quantiles of weighted values, and intervals that hold whatever the distribution is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from evalkit.stats.arguments import FloatArray, as_sample, as_weights
from evalkit.stats.bootstrap import percentile_interval
from evalkit.stats.interval import Interval
from evalkit.stats.resampling import bootstrap_weights

if TYPE_CHECKING:
    import numpy.typing as npt

_RESAMPLES: Final = 1000
_FEWEST_GROUPS: Final = 10
"""The least that a bootstrap can speak from."""


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
    order = np.argsort(sample, kind="stable")
    return float(sample[order][_reaching(load[order][None, :], share)][0])


def _reaching(weights: FloatArray, share: float) -> npt.NDArray[np.intp]:
    """Return where each row's running sum, of shape ``(draws, n)``, first reaches its share."""
    reached = np.cumsum(weights, axis=1)
    total = reached[:, -1:]
    # Sums of equal parts may miss the share by their rounding.
    return np.asarray(np.argmax(reached >= share * total * (1 - 1e-12), axis=1))


def quantile_interval(
    values: npt.ArrayLike,
    share: float,
    *,
    level: float = 0.95,
    weights: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Interval | None:
    """Return an interval for a quantile that holds whatever the distribution is.

    The number of values below the quantile is binomial, so two order statistics enclose it with at
    least the wanted probability.  For few values and an extreme quantile no such pair exists.

    Weights and groups break that count: with them it is the percentile interval of a bootstrap that
    draws values, or whole groups.

    Args:
        values: Shape ``(n,)``; finite, any unit.
        share: Share of the distribution below the quantile, in (0, 1); 0.5 is the median.
        level: Confidence level as a fraction in (0, 1).
        weights: Weight of each value, shape ``(n,)``; ``None`` means 1 each.
        groups: Group of each value, shape ``(n,)``; ``None`` where values are independent.
        seed: Seed of the bootstrap.

    Returns:
        The interval, method ``order`` or ``percentile``; ``None`` where there are too few values,
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
        David and Nagaraja (2003), *Order Statistics*, section 7.1; Cameron, Gelbach and Miller
        (2008) for resampling whole clusters.
    """
    _check_share(share)
    if not 0.0 < level < 1.0:
        raise ValueError(f"share and level must be in (0, 1), got {share} and {level}")
    array = np.asarray(values, dtype=np.float64)
    codes = None if groups is None else np.asarray(groups)
    load = as_weights(weights, array.size)
    if load is not None:
        counted = load > 0
        array, load = array[counted], load[counted]
        codes = None if codes is None else codes[counted]
    units = array.size if codes is None else len(np.unique(codes))
    places = _places(units, share, level)
    if places is None:
        return None
    if load is None and codes is None:
        ordered = np.sort(array)
        return Interval(float(ordered[places[0] - 1]), float(ordered[places[1] - 1]), "order")
    if units < _FEWEST_GROUPS:
        return None
    return _resampled(array, share, level, load, codes, seed)


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


def _resampled(  # noqa: PLR0917
    values: FloatArray,
    share: float,
    level: float,
    weights: FloatArray | None,
    groups: npt.NDArray[np.generic] | None,
    seed: int,
) -> Interval:
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    codes = None if groups is None else groups[order]
    load = 1.0 if weights is None else weights[order]
    draws = [
        ordered[_reaching(counts * load, share)]
        for counts in bootstrap_weights(values.size, _RESAMPLES, seed=seed, groups=codes)
    ]
    estimate = weighted_quantile(values, share, weights)
    return percentile_interval(np.concatenate(draws), estimate, level=level)

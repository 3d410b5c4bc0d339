"""Compare two systems on the same cases: difference, interval, p-value and what it could detect."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import (
    FloatArray,
    as_group_codes,
    as_sample,
    as_weights,
    check_bounds,
    check_level,
)
from evalkit.stats.clustered import clustered_mean
from evalkit.stats.difference import PairedDifference
from evalkit.stats.interval import Interval, normal_quantile
from evalkit.stats.mean import mean_and_error
from evalkit.stats.pairs import Pairs

if TYPE_CHECKING:
    import numpy.typing as npt

_POWER = 0.8


def paired_difference(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    binary: bool = False,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> PairedDifference:
    """Compare two systems' scores on the same cases.

    Rates take Tango's interval and McNemar's mid-p.  Bounded scores take the paired t interval and
    test where at least 30 pairs hold enough discordance, else Tango's interval at their mean and
    a sign-flip test.  Unbounded ones take t from 30 pairs on, BCa from 10, the studentised
    bootstrap where they are too skewed, with a sign-flip test beside the bootstraps.  Groups make
    all of it cluster-robust.

    Args:
        a: Scores of the first system, shape ``(n,)`` with ``n >= 1``.
        b: Scores of the second on the same cases in the same order, shape ``(n,)``.
        groups: Group of each case; cases of one group are not independent.
        weights: Weight of each case in both means.
        binary: Whether the scores were declared yes/no.
        bounds: Smallest and largest possible score, where finite.
        level: Confidence level as a fraction in (0, 1).
        seed: Seed of the bootstrap and of random sign flips.

    Raises:
        ValueError: If the shapes differ, there are no pairs, or a score is not finite or outside
            its bounds.

    Examples:
        >>> found = paired_difference([1, 1, 1, 0, 1], [0, 1, 0, 0, 1], binary=True)
        >>> found.difference, found.test
        (0.4, 'mcnemar-mid-p')

    References:
        Miller (2024), arXiv 2411.00640, section 4.2; Tango (1998); Fagerland et al. (2013).
    """
    check_level(level)
    first, second = as_sample(a, "a"), as_sample(b, "b")
    if first.size != second.size:
        raise ValueError(f"a and b must pair up, got {first.size} and {second.size} scores")
    if binary:
        bounds = (0.0, 1.0)
    width = None
    if bounds is not None:
        low, high = check_bounds(bounds, first)
        check_bounds(bounds, second)
        width = high - low
    load = as_weights(weights, first.size)
    pairs = Pairs(first - second, load, width, level, seed)
    mean, error = mean_and_error(pairs.d, load)
    n_groups = None
    if groups is not None:
        codes, n_groups = as_group_codes(groups, first.size)
        cluster = clustered_mean(pairs.d, codes, weights=load)
        error = cluster.standard_error
        interval, test, p_value = pairs.clustered(codes, cluster)
    elif binary and load is None:
        interval, test, p_value = pairs.rates()
    else:
        interval, test, p_value = pairs.means()
    deviation = float(np.sqrt(np.cov(pairs.d, aweights=load))) if first.size > 1 else 0.0
    return PairedDifference(
        difference=mean,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        level=level,
        method=None if interval is None else interval.method,
        p_value=p_value,
        effect_size=mean / deviation if error > 0 and deviation > 0 else None,
        correlation=_correlation(first, second, load),
        n=first.size,
        n_groups=n_groups,
        standard_error=error if first.size > 1 else None,
        smallest_detectable=_detectable(error, interval, level),
        test=test,
    )


def _correlation(a: FloatArray, b: FloatArray, weights: FloatArray | None) -> float | None:
    if a.size < 2:  # noqa: PLR2004
        return None
    covariance = np.cov(a, b, aweights=weights)
    scale = math.sqrt(covariance[0, 0] * covariance[1, 1])
    if not scale > 1e-12 * max(1e-300, float(np.abs(a).max() * np.abs(b).max())):
        return None
    return float(np.clip(covariance[0, 1] / scale, -1.0, 1.0))


def _detectable(error: float, interval: Interval | None, level: float) -> float | None:
    from scipy.special import ndtri

    z = normal_quantile(level)
    if error == 0:
        # Without variance seen, the interval's half-width says what could still hide.
        if interval is None:
            return None
        error = interval.width / (2 * z)
    return (z + float(ndtri(_POWER))) * error

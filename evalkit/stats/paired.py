"""Compare two systems on the same cases: difference, interval, p-value and what it could detect."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from evalkit.stats.arguments import (
    FloatArray,
    as_group_codes,
    as_sample,
    as_weights,
    check_bounds,
    check_level,
)
from evalkit.stats.clustered import (
    ClusteredMean,
    clustered_interval,
    clustered_mean,
    clustered_trials,
)
from evalkit.stats.difference import PairedDifference
from evalkit.stats.interval import Interval, normal_quantile
from evalkit.stats.intervals import FEW, unbounded_interval
from evalkit.stats.matched_rates import mcnemar, tango_interval, tango_limits
from evalkit.stats.mean import (
    PRIOR_SPREAD,
    effective_size,
    effective_trials,
    mean_and_error,
    t_interval,
)
from evalkit.stats.randomization import sign_flip_test

if TYPE_CHECKING:
    import numpy.typing as npt

_POWER = 0.8

_MANY = 30
"""Pairs from which the paired t interval is trusted for differences that are not skewed."""

_ENOUGH_SPREAD = 25.0
"""Discordance (in pairs, or groups) from which t covers a bounded difference."""

Verdict: TypeAlias = tuple[Interval | None, str, float]
"""Interval, name of the test, p-value."""


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Differences of pairs and what is known about them; each method gives interval, test, p."""

    d: FloatArray
    """First minus second, shape ``(n,)``."""

    weights: FloatArray | None
    """Weight of each pair; ``None`` where all are equal."""

    width: float | None
    """Largest possible difference; ``None`` where scores are unbounded."""

    level: float
    """Confidence level in (0, 1)."""

    seed: int
    """Seed of bootstrap and sign flips."""

    def rates(self) -> Verdict:
        """Take Tango's interval and McNemar's mid-p of yes/no scores."""
        if not np.isin(self.d, (-1.0, 0.0, 1.0)).all():
            raise ValueError("binary scores must be 0 or 1; reduce repeats before declaring them")
        b, c = int((self.d > 0).sum()), int((self.d < 0).sum())
        interval = tango_interval(b, c, self.d.size, level=self.level)
        return interval, "mcnemar-mid-p", mcnemar(b, c).mid_p

    def means(self) -> Verdict:
        """Take the interval of a mean difference, and a t or sign-flip test."""
        mean, error = mean_and_error(self.d, self.weights)
        size = effective_size(self.weights, self.d.size)
        interval: Interval | None
        if self.width is None:
            interval = unbounded_interval(self.d, self.weights, level=self.level, seed=self.seed)
        elif size >= _MANY and error > 0 and size * self._spread(self.width) >= _ENOUGH_SPREAD:
            interval = _clip(t_interval(self.d, level=self.level, weights=self.weights), self.width)
        else:
            spread = self._spread(self.width)
            trials = max(size, effective_trials(spread, error / self.width, size, PRIOR_SPREAD))
            interval = self._tango(self.width, trials, "tango-mean", error)
        if interval is not None and interval.method == "t":
            return interval, "t", _t_p_value(mean, error, size - 1)
        return interval, "sign-flip", sign_flip_test(self._signed(), seed=self.seed)

    def clustered(self, codes: npt.NDArray[np.int64], cluster: ClusteredMean) -> Verdict:
        """Take a cluster-robust interval, and a t test or flips of whole groups."""
        error, groups = cluster.standard_error, cluster.effective_groups
        interval: Interval | None = None
        if self.width is None:
            if cluster.n_groups >= FEW and error > 0:
                interval = self._robust(codes)
        elif error > 0 and groups * self._spread(self.width) >= _ENOUGH_SPREAD:
            interval = _clip(self._robust(codes), self.width)
        else:
            size = effective_size(self.weights, self.d.size)
            trials = clustered_trials(self._spread(self.width), error / self.width, groups, size)
            interval = self._tango(self.width, trials, "cluster-tango", error)
        if interval is not None and interval.method == "cluster-t":
            return interval, "cluster-t", _t_p_value(cluster.mean, error, groups - 1)
        p_value = sign_flip_test(self._signed(), seed=self.seed, groups=codes)
        return interval, "sign-flip", p_value

    def _robust(self, codes: npt.NDArray[np.int64]) -> Interval:
        return clustered_interval(self.d, codes, level=self.level, weights=self.weights)

    def _signed(self) -> FloatArray:
        return self.d if self.weights is None else self.d * self.weights

    def _spread(self, width: float) -> float:
        """Return the variance of a pair if its scores were yes/no, in *width* squared."""
        scaled = self.d / width
        gain = float(np.average(np.abs(scaled), weights=self.weights))
        return max(0.0, gain - float(np.average(scaled, weights=self.weights)) ** 2)

    def _tango(self, width: float, trials: float, method: str, error: float) -> Interval:
        # A difference in [-1, 1] varies at most as a yes/no pair with equal gains and losses does.
        scaled = self.d / width
        gains = float(np.average(np.maximum(scaled, 0.0), weights=self.weights))
        losses = float(np.average(np.maximum(-scaled, 0.0), weights=self.weights))
        low, high = tango_limits(gains, losses, trials, normal_quantile(self.level))
        return Interval(low * width, high * width, method, error)


def _clip(interval: Interval, width: float) -> Interval:
    low, high = max(-width, interval.low), min(width, interval.high)
    return Interval(low, high, interval.method, interval.standard_error)


def _t_p_value(mean: float, error: float, degrees: float) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(max(1.0, degrees), -abs(mean) / error))


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
    pairs = _Pairs(first - second, load, width, level, seed)
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

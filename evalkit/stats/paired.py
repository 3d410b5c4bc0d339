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
from evalkit.stats.clustered import ClusteredMean, clustered_mean, clustered_trials
from evalkit.stats.difference import PairedDifference, agreeing
from evalkit.stats.interval import Interval, normal_quantile
from evalkit.stats.intervals import FEW, group_means, unbounded_interval
from evalkit.stats.matched_rates import mcnemar, score_p_value, tango_interval, tango_limits
from evalkit.stats.mean import (
    PRIOR_SPREAD,
    effective_size,
    effective_trials,
    mean_and_error,
    moderate,
    t_interval,
)
from evalkit.stats.randomization import sign_flip_test
from evalkit.stats.resampling import sum_by_group

if TYPE_CHECKING:
    import numpy.typing as npt

_POWER = 0.8

_MANY = 20
"""Pairs (or groups) from which t can cover a bounded difference."""

_TIE = 1e-12
"""Share of the largest difference up to which one is rounding."""

_ONE_SIDED = 0.3
"""Share of the rarer sign below which differences may be skewed; by simulation."""

_LEAST_CARRIERS = 2.5
"""Pairs (or groups) on which the spread of bounded differences must rest, for t to cover."""

_CARRIERS_OF_TIES = 8.0
"""How many more it takes where all pairs tie: rare differences are seen too late."""

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
    """Seed of sign flips."""

    def rates(self) -> Verdict:
        """Take Tango's interval and McNemar's mid-p of yes/no scores."""
        if not np.isin(self.d, (-1.0, 0.0, 1.0)).all():
            raise ValueError("binary scores must be 0 or 1; reduce repeats before declaring them")
        n, b, c = self.d.size, int((self.d > 0).sum()), int((self.d < 0).sum())
        interval = tango_interval(b, c, n, level=self.level)
        low, high, p_value = agreeing(
            interval.low,
            interval.high,
            mcnemar(b, c).mid_p,
            otherwise=score_p_value(b / n, c / n, n),
            level=self.level,
        )
        interval = Interval(low, high, interval.method, interval.standard_error)
        return interval, "mcnemar-mid-p", p_value

    def means(self) -> Verdict:
        """Take t, or of bounded scores that spread too little the score test, for a mean."""
        if self.width is None:
            return self._unbounded(self.d, self.weights)
        mean, error = mean_and_error(self.d, self.weights)
        size = effective_size(self.weights, self.d.size)
        if error > 0 and self.spreads(self._signed(), mean, size):
            return self._t(self.d, self.weights)
        spread = self._spread(self.width)
        trials = max(size, effective_trials(spread, error / self.width, size, PRIOR_SPREAD))
        return self._tango(trials, "tango-mean", error, size)

    def clustered(self, codes: npt.NDArray[np.int64], cluster: ClusteredMean) -> Verdict:
        """Take a cluster-robust interval and its test: those of the means of groups."""
        d, weights = group_means(self.d, codes, self.weights)
        if self.width is None:
            return self._unbounded(d, weights, codes)
        error, groups = cluster.standard_error, cluster.effective_groups
        sums = sum_by_group(self._signed()[:, None], codes, cluster.n_groups)[:, 0]
        if error > 0 and self.spreads(sums, float(sums.mean()), groups):
            return self._t(d, weights, "cluster-")
        size = effective_size(self.weights, self.d.size)
        trials = clustered_trials(self._spread(self.width), error / self.width, groups, size)
        return self._tango(trials, "cluster-tango", error, cluster.n_groups, codes)

    def _t(
        self, d: FloatArray, weights: FloatArray | None, prefix: str = ""
    ) -> tuple[Interval, str, float]:
        interval = t_interval(d, level=self.level, weights=weights)
        low, high, error = interval.low, interval.high, interval.standard_error or 0.0
        if self.width is not None:
            low, high = max(-self.width, low), min(self.width, high)
        degrees = effective_size(weights, d.size) - 1
        p_value = _t_p_value(mean_and_error(d, weights)[0], error, degrees)
        return Interval(low, high, f"{prefix}t", error), f"{prefix}t", p_value

    def _unbounded(
        self, d: FloatArray, weights: FloatArray | None, groups: npt.NDArray[np.int64] | None = None
    ) -> Verdict:
        """Take t for differences, or for their means of groups, which have no range.

        Where nearly all have one sign, as when one system costs a tenth more, they are as skewed
        as the scores are: then the limits hold those of a skewed mean too.
        """
        _, error = mean_and_error(d, weights)
        if effective_size(weights, d.size) < FEW or error == 0:
            return None, "sign-flip", self._sign_flips(groups)
        prefix = "" if groups is None else "cluster-"
        interval, test, p_value = self._t(d, weights, prefix)
        signs = np.sign(d[np.abs(d) > _TIE * np.abs(d).max()])
        if 1 - abs(signs.mean()) >= 2 * _ONE_SIDED:
            return interval, test, p_value
        skewed = unbounded_interval(d, weights, level=self.level, seed=self.seed)
        if skewed is None:
            return None, "sign-flip", self._sign_flips(groups)
        low, high = min(interval.low, skewed.low), max(interval.high, skewed.high)
        low, high, p_value = agreeing(low, high, p_value, level=self.level)
        return Interval(low, high, prefix + skewed.method, error), test, p_value

    @staticmethod
    def spreads(terms: FloatArray, centre: float, size: float) -> bool:
        """Say whether enough pairs (or groups) differ for t to cover a bounded difference.

        The spread must rest on several of them: ``(sum e^2)^2 / sum e^4``, which is a third of
        normal differences, and about the number of those that are not 0 where most are.
        """
        if size < _MANY:
            return False
        off = terms - centre
        off = off / np.abs(off).max()
        carriers = float((off**2).sum() ** 2 / (off**4).sum())
        ties = float((np.abs(terms) <= _TIE * np.abs(terms).max()).mean())
        return carriers >= _LEAST_CARRIERS + _CARRIERS_OF_TIES * ties

    def _signed(self) -> FloatArray:
        return self.d if self.weights is None else self.d * self.weights

    def _spread(self, width: float) -> float:
        """Return the variance of a pair if its scores were yes/no, in *width* squared."""
        scaled = self.d / width
        gain = float(np.average(np.abs(scaled), weights=self.weights))
        return max(0.0, gain - float(np.average(scaled, weights=self.weights)) ** 2)

    def _tango(
        self,
        trials: float,
        method: str,
        error: float,
        units: float,
        groups: npt.NDArray[np.int64] | None = None,
    ) -> Verdict:
        # A difference in [-1, 1] varies at most as a yes/no pair with equal gains and losses does.
        assert self.width is not None  # noqa: S101  only bounded scores come here
        scaled = self.d / self.width
        gains = float(np.average(np.maximum(scaled, 0.0), weights=self.weights))
        losses = float(np.average(np.maximum(-scaled, 0.0), weights=self.weights))
        limits = tango_limits(gains, losses, trials, normal_quantile(self.level))
        test, p_value = "score", score_p_value(gains, losses, trials)
        otherwise = p_value
        if units < _MANY:  # the score test is one of large samples, this one is exact
            test, p_value = "sign-flip", self._sign_flips(groups)
        low, high, p_value = agreeing(*limits, p_value, otherwise=otherwise, level=self.level)
        return Interval(low * self.width, high * self.width, method, error), test, p_value

    def _sign_flips(self, groups: npt.NDArray[np.int64] | None = None) -> float:
        return sign_flip_test(self._signed(), seed=self.seed, groups=groups)


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

    Rates take Tango's interval and McNemar's mid-p.  Other scores take the paired t interval and
    test: differences of pairs are near symmetric however skewed the scores are.  Unbounded ones
    that nearly all have one sign are not: their limits hold those of `mean_interval` too.  Bounded
    ones of
    fewer than 20 pairs, or whose spread rests on too few of them, take Tango's interval at their
    mean and its score test (below 20 pairs sign flips), so that equal systems never differ by
    nothing.  Groups make all of it cluster-robust.  Unbounded ones of fewer than 10 pairs (or
    groups) have no interval, and the p-value of sign flips.

    Interval and p-value never contradict each other: the interval excludes 0 if and only if the
    p-value is below ``1 - level``.

    Args:
        a: Scores of the first system, shape ``(n,)`` with ``n >= 1``.
        b: Scores of the second on the same cases in the same order, shape ``(n,)``.
        groups: Group of each case; cases of one group are not independent.
        weights: Weight of each case in both means.
        binary: Whether the scores were declared yes/no.
        bounds: Smallest and largest possible score, where finite.
        level: Confidence level as a fraction in (0, 1).
        seed: Seed of random sign flips.

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
    parts, scale = moderate(pairs.d)
    deviation = float(np.sqrt(np.cov(parts, aweights=load))) * scale if first.size > 1 else 0.0
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


def share_difference(
    gains: float,
    losses: float,
    influence: FloatArray,
    units: float,
    *,
    level: float = 0.95,
    method: str = "jackknife",
) -> tuple[Interval, float]:
    """Return interval and p-value of the difference of two numbers in [0, 1], as of two areas.

    The normal one where the difference rests on enough of 20 units or more, else Tango's and its
    score test, with as many trials as the error tells, but shrunk to two a unit: equal systems of
    few never differ by nothing.

    Args:
        gains: Mean of what the first has more, over the units that both numbers are means of.
        losses: Mean of what it has less.
        influence: What each case, or group, adds to the error; the root of the sum of squares.
        units: Cases, or groups, that either number rests on.
        level: Confidence level as a fraction in (0, 1).
        method: Name of the variance that *influence* makes.

    Examples:
        >>> interval, p_value = share_difference(0.0, 0.0, np.zeros(50), 4.0)
        >>> round(interval.high, 2), p_value
        (0.32, 1.0)
    """
    from scipy.special import ndtr

    z, value, error = normal_quantile(level), gains - losses, float(np.linalg.norm(influence))
    if error > 0 and _Pairs.spreads(influence, 0.0, units):
        low, high = max(-1.0, value - z * error), min(1.0, value + z * error)
        p_value = float(2 * ndtr(-abs(value) / error))
    else:
        spread = max(0.0, gains + losses - value**2)
        trials = max(units, effective_trials(spread, error, 2 * units, PRIOR_SPREAD))
        low, high = tango_limits(gains, losses, trials, z)
        p_value, method = score_p_value(gains, losses, trials), "tango-mean"
    low, high, p_value = agreeing(low, high, p_value, level=level)
    return Interval(low, high, method, error), p_value


def _correlation(a: FloatArray, b: FloatArray, weights: FloatArray | None) -> float | None:
    if a.size < 2:  # noqa: PLR2004
        return None
    a, b = moderate(a)[0], moderate(b)[0]
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

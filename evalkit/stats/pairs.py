"""Choose interval and test for the differences of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from evalkit.stats.arguments import FloatArray
from evalkit.stats.bootstrap import bca_interval
from evalkit.stats.clustered import ClusteredMean, clustered_interval, clustered_trials
from evalkit.stats.interval import Interval, expanded_level, normal_quantile
from evalkit.stats.matched_rates import mcnemar, tango_interval, tango_limits
from evalkit.stats.mean import (
    PRIOR_SPREAD,
    SKEWNESS_PRICE,
    effective_size,
    effective_trials,
    mean_and_error,
    skewness_of_terms,
    studentised_interval,
    t_interval,
)
from evalkit.stats.randomization import sign_flip_test

if TYPE_CHECKING:
    import numpy.typing as npt

_MANY = 30
"""Pairs from which the paired t interval is trusted for differences that are not skewed."""

_FEW = 10
"""Pairs, or groups, below which an unbounded difference has no interval."""

_ENOUGH_SPREAD = 25.0
"""Discordance (in pairs, or groups) from which t covers a bounded difference."""

Verdict: TypeAlias = tuple[Interval | None, str, float]
"""Interval, name of the test, p-value."""


@dataclass(frozen=True, slots=True)
class Pairs:
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
            interval = self._unbounded(mean, error, size)
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
            if cluster.n_groups >= _FEW and error > 0:
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

    def _unbounded(self, mean: float, error: float, size: float) -> Interval | None:
        d, weights, level, seed = self.d, self.weights, self.level, self.seed
        if size < _FEW or error == 0:
            return None
        if size < SKEWNESS_PRICE * skewness_of_terms(d, weights, mean) ** 2:
            interval = studentised_interval(d, level=level, seed=seed, weights=weights)
            if interval is not None:
                return interval
        if size >= _MANY:
            return t_interval(d, level=level, weights=weights)
        wider = expanded_level(level, size)
        return bca_interval(d, level=wider, seed=seed, weights=weights)

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

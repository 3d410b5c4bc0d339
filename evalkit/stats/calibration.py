"""Judge stated probabilities: Brier score, log loss, calibration error, reliability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalkit.stats.arguments import FloatArray, as_sample, as_weights, check_level
from evalkit.stats.clustered import clustered_mean
from evalkit.stats.interval import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

Binning = Literal["equal-width", "equal-mass"]

FEWEST_OUTCOMES = 10
"""Outcomes of either kind below which the noise of a bin is not known."""

_DRAWS = 1000
_SCALES = np.linspace(0.0, 3.0, 25)
"""How far the gaps that were seen are stretched or shrunk to find which of them fit."""

_SURE = 2.0
"""Standard errors from which a bin's gap is taken for more than noise."""


@dataclass(frozen=True, slots=True)
class ReliabilityDiagram:
    """The rows of a reliability diagram and what they sum to."""

    confidence: FloatArray
    """Mean stated probability in each bin that is not empty."""

    frequency: FloatArray
    """Share of outcomes in each."""

    counts: FloatArray
    """Cases in each."""

    calibration_error: float
    """Expected calibration error: mean gap, weighted by cases."""

    largest_gap: float
    """Largest gap of a bin."""

    reliability: float
    """Murphy's reliability term; smaller is better."""

    resolution: float
    """Murphy's resolution term; larger is better."""

    uncertainty: float
    """Variance of the outcome.  ``reliability - resolution + uncertainty`` is the Brier score up
    to the variance of probabilities within bins."""


def reliability_diagram(
    probabilities: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    *,
    bins: int = 15,
    binning: Binning = "equal-width",
) -> ReliabilityDiagram:
    """Return the reliability diagram of stated probabilities, with its summaries.

    The calibration error of few cases is biased upwards: see `debiased_calibration_error`.

    Args:
        probabilities: Stated chances of the outcome, in [0, 1], shape ``(n,)``.
        outcomes: What happened, 0 or 1, shape ``(n,)``.
        bins: Number of bins, at least 1.
        binning: Bins of equal width, or with equally many cases.

    Raises:
        ValueError: If shapes differ or a value is out of range.

    Examples:
        >>> found = reliability_diagram([0.9, 0.9, 0.1, 0.1], [1, 1, 0, 1])
        >>> round(found.calibration_error, 3)
        0.25

    References:
        Murphy (1973); Naeini, Cooper and Hauskrecht (2015) and Guo et al. (2017) for the expected
        calibration error.
    """
    p, y = _pair(probabilities, outcomes)
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    codes = _bin(p, bins, binning)
    counts = np.bincount(codes, minlength=bins).astype(np.float64)
    full = counts > 0
    counts = counts[full]
    confidence = np.bincount(codes, weights=p, minlength=bins)[full] / counts
    frequency = np.bincount(codes, weights=y, minlength=bins)[full] / counts
    share, gap, base = counts / p.size, np.abs(frequency - confidence), float(y.mean())
    return ReliabilityDiagram(
        confidence,
        frequency,
        counts,
        calibration_error=float(share @ gap),
        largest_gap=float(gap.max()),
        reliability=float(share @ gap**2),
        resolution=float(share @ (frequency - base) ** 2),
        uncertainty=base * (1 - base),
    )


def expected_calibration_error(
    probabilities: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    *,
    bins: int = 15,
    binning: Binning = "equal-width",
) -> float:
    """Return the expected calibration error, the mean gap between confidence and frequency.

    Args:
        probabilities: Stated chances of the outcome, in [0, 1], shape ``(n,)``.
        outcomes: What happened, 0 or 1, shape ``(n,)``.
        bins: Number of bins, at least 1.
        binning: Bins of equal width, or with equally many cases.

    Raises:
        ValueError: If shapes differ or a value is out of range.

    Examples:
        >>> round(expected_calibration_error([0.8, 0.8], [1, 1]), 3)
        0.2

    References:
        Guo et al. (2017), *On Calibration of Modern Neural Networks*, ICML.
    """
    return reliability_diagram(
        probabilities, outcomes, bins=bins, binning=binning
    ).calibration_error


@dataclass(frozen=True, slots=True)
class DebiasedError:
    """What an expected calibration error comes to without the noise of its bins."""

    value: float
    """Median-unbiased estimate of the error, in [0, 1]."""

    interval: Interval
    """Limits of the true error, widened to hold the plain value, method ``inverted-noise``."""


def debiased_calibration_error(
    excess: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    bins: npt.ArrayLike,
    *,
    level: float = 0.95,
    weights: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    seed: int = 0,
) -> DebiasedError | None:
    """Return the calibration error without what noise adds to it, and its interval.

    Noise makes gaps where there are none, so the plain error of few cases lies above the truth.
    The limits are the true errors at which the plain one would still be as small, or as large, as
    it is: gaps in proportion to those seen, for the lower limit also gaps in those bins alone where
    they are more than noise, since noise adds most where nothing else is, and for the upper limit
    also the same gap in all bins, to which noise adds least.

    Args:
        excess: Outcome, 0 or 1, less stated probability, shape ``(n,)``.
        probabilities: Stated probabilities in [0, 1], shape ``(n,)``.
        bins: Bin of each case, whole numbers from 0, shape ``(n,)``.
        level: Confidence level as a fraction in (0, 1).
        weights: Weight of each case.
        groups: Group of each case; cases of one group are not independent.
        seed: Seed of the noise.

    Returns:
        ``None`` where fewer than ten cases have the outcome, or have it not.

    Raises:
        ValueError: If shapes differ, or *level* is outside (0, 1).

    Examples:
        >>> p = np.linspace(0.02, 0.98, 200)
        >>> y = (np.arange(200) * 37 % 200 / 200 < p).astype(float)
        >>> found = debiased_calibration_error(y - p, p, (p * 15).astype(int))
        >>> found.interval.low, bool(found.value < 0.03)
        (0.0, True)

    References:
        Kumar, Liang and Ma (2019), *Verified Uncertainty Calibration*, NeurIPS, for the bias;
        Bröcker and Smith (2007), *Weather and Forecasting* 22:651, for resampling at given gaps;
        coverage is printed by ``benchmarks/bench_coverage.py``.
    """
    gap, p = as_sample(excess, "excess"), as_sample(probabilities, "probabilities")
    given = as_weights(weights, gap.size)
    load = np.ones(gap.size) if given is None else given
    happened = (gap + p)[load > 0] > 0.5  # noqa: PLR2004  0 or 1, up to rounding
    if min(happened.sum(), (~happened).sum()) < FEWEST_OUTCOMES:
        return None
    codes = np.unique(np.asarray(bins), return_inverse=True)[1].reshape(-1)
    weight = np.bincount(codes, load)
    full = weight > 0
    sizes = weight[full] ** 2 / np.bincount(codes, load**2)[full]
    if groups is not None:
        design = clustered_mean(gap, groups, weights=given).design_effect
        sizes /= max(1.0, design or 1.0)
    stated = np.bincount(codes, load * p)[full] / weight[full]
    seen = np.bincount(codes, load * gap)[full] / weight[full]
    noise = _Noise(stated, sizes, weight[full] / weight.sum(), (1 - check_level(level)) / 2, seed)
    value = float(abs(seen) @ noise.share)
    low, middle, high = noise.errors_at(seen, value)
    sure = np.abs(seen) > _SURE * noise.errors(stated + seen)
    if sure.any():
        low = min(low, noise.errors_at(seen * sure, value)[0])
    alike = np.full_like(seen, math.copysign(value, float(seen @ noise.share)))
    high = max(high, noise.errors_at(alike, value)[2])
    limits = Interval(min(low, value), max(high, value), "inverted-noise")
    return DebiasedError(middle, limits)


@dataclass(frozen=True, slots=True)
class _Noise:
    """What chance adds to the gaps of bins."""

    stated: FloatArray
    sizes: FloatArray
    share: FloatArray
    tail: float
    seed: int

    def errors(self, frequency: FloatArray) -> FloatArray:
        """Return the standard error of each bin's frequency; half a case each way keeps it up."""
        smooth = (np.clip(frequency, 0.0, 1.0) * self.sizes + 0.5) / (self.sizes + 1)
        return np.asarray(np.sqrt(smooth * (1 - smooth) / self.sizes))

    def errors_at(self, gaps: FloatArray, value: float) -> tuple[float, float, float]:
        """Return the true errors, of gaps like these, at which *value* is high, middling, low."""
        drawn = np.random.default_rng(self.seed).normal(size=(_DRAWS, self.stated.size))
        rows = []
        for scale in _SCALES:
            true = np.clip(self.stated + scale * gaps, 0.0, 1.0) - self.stated
            plain = abs(true + drawn * self.errors(self.stated + true)) @ self.share
            quantiles = np.quantile(plain, [1 - self.tail, 0.5, self.tail])
            rows.append([*quantiles, float(abs(true) @ self.share)])
        table = np.maximum.accumulate(np.array(rows), axis=0)
        low, middle, high = (float(np.interp(value, table[:, i], table[:, 3])) for i in range(3))
        return low, middle, high


def _bin(p: FloatArray, bins: int, binning: Binning) -> npt.NDArray[np.int64]:
    if binning == "equal-width":
        # Bins are [low, high), the last with its end; rounding moves no edge into the bin below.
        return np.minimum(np.floor(p * bins + 1e-9), bins - 1).astype(np.int64)
    codes = np.empty(p.size, dtype=np.int64)
    codes[np.argsort(p, kind="stable")] = np.arange(p.size) * bins // p.size
    return codes


def _pair(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    p, y = as_sample(probabilities, "probabilities"), as_sample(outcomes, "outcomes")
    if p.shape != y.shape:
        raise ValueError(f"probabilities and outcomes must pair up, got {p.size} and {y.size}")
    if ((p < 0) | (p > 1)).any():
        raise ValueError("probabilities must lie in [0, 1]")
    if not np.isin(y, (0.0, 1.0)).all():
        raise ValueError("outcomes must be 0 or 1")
    return p, y

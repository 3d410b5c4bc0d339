"""Judge stated probabilities: Brier score, log loss, calibration error, reliability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalkit.stats.arguments import FloatArray, as_sample

if TYPE_CHECKING:
    import numpy.typing as npt

Binning = Literal["equal-width", "equal-mass"]


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

    The calibration error of few cases is biased upwards: noise is no calibration.

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

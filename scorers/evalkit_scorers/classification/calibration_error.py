"""Expected calibration error: how far stated probabilities are from how often they come true."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from evalkit.plugin import CaseBatch, MetricFacts, Rows, ScoreColumn
from evalkit_scorers.arrays import ArrayLike, FloatArray, IntArray
from evalkit_scorers.classification.confusion import quotient
from evalkit_scorers.classification.probabilities import ClassProbabilities
from evalkit_scorers.classification.probability_metric import ProbabilityMetric
from evalkit_scorers.metric import RowsMetric

if TYPE_CHECKING:
    from evalkit.plugin import Interval

ROUNDING: Final = 1e-9
"""Share of a bin by which a probability may miss the edge that it stands for."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Cases sorted into bins of their stated probability."""

    edges: FloatArray
    """Edges of the bins, shape ``(bins + 1,)``; a bin holds its lower edge, not its upper."""

    bin: IntArray
    """Bin of each case, shape ``(n,)``."""

    excess: FloatArray
    """What happened less what was stated, shape ``(n,)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationError(ProbabilityMetric, RowsMetric):
    """Score all cases together with the expected calibration error, in [0, 1]; 0 is the best.

    The gap between mean probability and frequency in each bin, averaged over cases.  Of two
    classes it is about the positive one; of more about the class held most probable.  It is
    biased upward where bins hold few cases: the interval is of the true error, and its note says
    how much is left without that.  Compare systems on the same cases only.  The artifact
    ``reliability`` is the table behind a reliability diagram.

    Examples:
        >>> round(CalibrationError().value([1, 1, 1, 0, 0], [0.75, 0.75, 0.75, 0.75, 0.75]), 6)
        0.15

    References:
        Naeini, Cooper and Hauskrecht (2015), AAAI; Guo et al. (2017), ICML.  The table is that of
        scikit-learn's ``calibration_curve``, but for probabilities right on an edge, which it
        puts into the bin below.
    """

    name: str = "classification.calibration_error"
    bins: int = 15
    """Number of bins, at least 1."""

    strategy: Literal["uniform", "quantile"] = "uniform"
    """Bins of equal width, or of equally many cases."""

    facts = MetricFacts(direction="lower", low=0.0, high=1.0)

    def __post_init__(self) -> None:
        ProbabilityMetric.__post_init__(self)
        if self.bins < 1:
            raise ValueError(f"bins must be at least 1, got {self.bins}")
        if self.strategy not in {"uniform", "quantile"}:
            raise ValueError(f"strategy must be uniform or quantile, got {self.strategy!r}")

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return a column without values whose statistics are confidence and outcome."""
        forecasts, _, column = self.read(batch)
        pairs = [
            (np.nan, np.nan) if stated is None else _confidence(stated) for stated in forecasts
        ]
        numbers = np.array(pairs, dtype=np.float64).reshape(len(pairs), 2)
        column.statistics = Rows(
            {"confidence": numbers[:, 0].copy(), "outcome": numbers[:, 1].copy()}
        )
        return column

    def prepared(self, rows: Rows) -> Reliability:
        """Return the cases sorted into bins."""
        confidence = rows.columns["confidence"]
        edges = np.linspace(0.0, 1.0, self.bins + 1)
        if self.strategy == "quantile":
            edges = np.percentile(confidence, edges * 100)
            place = np.searchsorted(edges[1:-1], confidence, side="right")
        else:  # a hair above, so that 0.6 of 5 bins lies on its edge in spite of rounding
            place = np.minimum((confidence * self.bins + ROUNDING).astype(np.int64), self.bins - 1)
        return Reliability(edges, place, rows.columns["outcome"] - confidence)

    def of_weights(self, prepared: Reliability, weights: FloatArray) -> FloatArray:
        gaps = np.stack([self._sums(prepared, row * prepared.excess) for row in weights])
        return quotient(abs(gaps).sum(axis=1), weights.sum(axis=1))

    def _sums(self, reliability: Reliability, values: FloatArray) -> FloatArray:
        return np.bincount(reliability.bin, values, self.bins).astype(np.float64)

    def interval(
        self,
        rows: Rows,
        *,
        weights: FloatArray | None = None,
        groups: ArrayLike | None = None,
        level: float = 0.95,
        seed: int = 0,
    ) -> Interval | None:
        """Return the limits of the true error, and what is left of it without noise.

        ``None`` with too few outcomes of either kind to tell calibration from noise.
        """
        from evalkit.plugin import debiased_calibration_error  # start-up: statistics

        reliability = self.prepared(rows)
        debiased = debiased_calibration_error(
            reliability.excess,
            rows.columns["confidence"],
            reliability.bin,
            weights=weights,
            groups=groups,
            level=level,
            seed=seed,
        )
        if debiased is None:
            return None
        note = f"debiased: {debiased.value:.3g}; the noise of {self.bins} bins adds the rest"
        return dataclasses.replace(debiased.interval, note=note)

    def draws(
        self,
        rows: Rows,
        weights: FloatArray | None,
        resamples: int,
        seed: int,
        groups: ArrayLike | None = None,
    ) -> FloatArray:
        """Return undefined draws: each adds its own noise to the error, and none is near it."""
        del rows, weights, seed, groups
        return np.full(resamples, np.nan)

    def artifacts(self, rows: Rows, weights: FloatArray | None, /) -> Mapping[str, Any]:
        """Return for each bin with cases its edges, weight, mean probability and frequency."""
        if not len(rows):
            return {"reliability": []}
        load = np.ones(len(rows)) if weights is None else weights
        reliability = self.prepared(rows)
        weight = self._sums(reliability, load)
        stated = quotient(self._sums(reliability, load * rows.columns["confidence"]), weight)
        happened = quotient(self._sums(reliability, load * rows.columns["outcome"]), weight)
        return {
            "reliability": [
                {
                    "low": float(reliability.edges[i]),
                    "high": float(reliability.edges[i + 1]),
                    "weight": float(weight[i]),
                    "probability": float(stated[i]),
                    "frequency": float(happened[i]),
                }
                for i in np.flatnonzero(weight).tolist()
            ]
        }


def _confidence(stated: ClassProbabilities) -> tuple[float, float]:
    if stated.positive >= 0:
        return stated.of_positive, stated.event
    best = max(range(len(stated.shares)), key=stated.shares.__getitem__)
    return stated.shares[best], float(best == stated.right)

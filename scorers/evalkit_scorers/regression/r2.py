"""R², the coefficient of determination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from evalkit.plugin import CaseBatch, MetricFacts, Rows, ScoreColumn
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.metric import RowsMetric
from evalkit_scorers.regression.errors import number_pairs

ROUNDING: Final = 1e-12
"""Share of a sum of squares below which what is left of it is rounding."""

TINY: Final = 1e-300
"""Smallest divisor, for draws without weight."""


class Moments(NamedTuple):
    """What R² sums over, shape ``(n,)`` each."""

    centred: FloatArray
    """Targets less their plain mean, so that squares keep their digits."""

    squares: FloatArray
    """Squared errors."""


def r2(
    target: FloatArray,
    output: FloatArray,
    weights: FloatArray | None = None,
    *,
    force_finite: bool = True,
) -> float:
    """Return R², the share of the targets' variance that outputs explain; NaN below two cases.

    Args:
        target: Right answers, shape ``(n,)``.
        output: Predictions, shape ``(n,)``.
        weights: Weight of each case, shape ``(n,)``; cases of weight 0 count as absent.
        force_finite: Where all targets are equal return 1 if every output is right, else 0;
            otherwise NaN.

    Examples:
        >>> import numpy as np
        >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]))
        0.5

    References:
        scikit-learn, ``sklearn.metrics.r2_score``.
    """
    load = np.ones(len(target)) if weights is None else weights
    present = load > 0
    target, output, load = target[present], output[present], load[present]
    if len(target) < 2:  # noqa: PLR2004
        return float("nan")
    if target.min() == target.max():
        return float((target == output).all()) if force_finite else float("nan")
    spread = float((load * (target - np.average(target, weights=load)) ** 2).sum())
    return 1 - float((load * (target - output) ** 2).sum()) / spread


@dataclass(frozen=True, slots=True, kw_only=True)
class R2(RowsMetric):
    """Score all cases together with R²: the share of the targets' variance that is explained.

    1 is perfect, 0 is as good as always answering the mean target; worse is negative without
    bound.  Fewer than two cases have none.  Its statistics are kept by row rather than summed: a
    variance from sums of squares would lose its digits where targets are far from 0.

    Examples:
        >>> R2().value([1, 2, 3], [1, 2, 2])
        0.5

    References:
        scikit-learn, ``sklearn.metrics.r2_score``.
    """

    name: str = "regression.r2"
    force_finite: bool = True
    """Where all targets are equal: 1 if every output is right, else 0; otherwise no value."""

    facts = MetricFacts(high=1.0, best_for_identity=True)

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return a column without values whose statistics are the pairs of numbers."""
        pairs = number_pairs(batch)
        column = pairs.scored(lambda target, output: (output - target) ** 2 + target**2)
        column.values = np.full(len(batch), np.nan)
        column.statistics = Rows({"target": pairs.target, "output": pairs.output})
        return column

    def compute(self, rows: Rows, weights: FloatArray | None, /) -> float:
        """Return R² of all cases; NaN where it is undefined or there are none."""
        target, output = rows.columns["target"], rows.columns["output"]
        return r2(target, output, weights, force_finite=self.force_finite)

    def prepared(self, rows: Rows) -> Moments:
        target, output = rows.columns["target"], rows.columns["output"]
        return Moments(target - target.mean(), (target - output) ** 2)

    def of_weights(self, prepared: Moments, weights: FloatArray) -> FloatArray:
        """Return R² for each weighting; NaN where the targets that it draws are all equal."""
        total = np.maximum(weights.sum(axis=1), TINY)
        squares = weights @ prepared.centred**2
        spread = squares - (weights @ prepared.centred) ** 2 / total
        defined = spread > ROUNDING * squares
        return 1 - (weights @ prepared.squares) / np.where(defined, spread, np.nan)

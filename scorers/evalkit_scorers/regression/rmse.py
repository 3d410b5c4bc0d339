"""Root mean squared error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalkit.plugin import Additive, CaseBatch, ScoreColumn, Status
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.metric import ReferenceMetric
from evalkit_scorers.regression.error_metric import AN_ERROR, absolute_error, number_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Rmse(ReferenceMetric):
    """Score all cases together with the root of the mean squared error, in the target's unit.

    Each cell is the case's absolute error, which is its own root mean squared error.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs=o, expectations={"target": 0}) for o in (1, 7)]
        >>> column = Rmse().score_batch(CaseBatch.of(cases))
        >>> float(Rmse().compute(column.statistics.vectors.sum(axis=0)))
        5.0

    References:
        scikit-learn, ``sklearn.metrics.root_mean_squared_error``.
    """

    name: str = "regression.rmse"

    corpus: ClassVar[str] = "additive"
    facts = AN_ERROR

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the absolute errors; their statistics are 1 and the squared error."""
        column = number_pairs(batch).scored(absolute_error)
        with np.errstate(over="ignore"):
            squares = column.values**2
        for row in np.flatnonzero(np.isinf(squares)).tolist():
            column.fail(row, "scorer_error", "The squared error is too large for a number.")
        scored = column.status == Status.OK
        vectors = np.stack([scored.astype(np.float64), np.where(scored, squares, 0.0)], axis=1)
        column.statistics = Additive(vectors)
        return column

    def compute(self, totals: FloatArray, /) -> FloatArray:
        """Return the metric of summed statistics: shape ``(..., 2)`` in, ``(...)`` out."""
        cases, squares = totals[..., 0], totals[..., 1]
        mean = np.divide(squares, cases, out=np.full_like(squares, np.nan), where=cases > 0)
        return np.asarray(np.sqrt(mean))

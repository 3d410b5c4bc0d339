"""What every metric of errors shares: reading two numbers a case, and the error of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalkit.plugin import CaseBatch, MetricFacts, Rows, ScoreColumn
from evalkit_scorers.arrays import FloatArray, IntArray
from evalkit_scorers.metric import ReferenceMetric, RowsMetric
from evalkit_scorers.regression.reading import number_pairs

AN_ERROR = MetricFacts(direction="lower", low=0.0, best_for_identity=True)
"""At least 0, the lower the better, 0 for outputs equal to their targets."""


def absolute_error(target: FloatArray, output: FloatArray) -> FloatArray:
    """Return how far outputs are from targets, shape ``(n,)`` each.

    Examples:
        >>> import numpy as np
        >>> absolute_error(np.array([2.0, 2.0]), np.array([1.0, 4.0]))
        array([1., 2.])
    """
    return abs(output - target)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMetric(ReferenceMetric):
    """A metric that is the mean of each case's own loss."""

    facts = AN_ERROR

    def loss(self, target: FloatArray, output: FloatArray) -> FloatArray:
        """Return the loss of each case, shape ``(n,)``."""
        raise NotImplementedError

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the loss of each case; skipped without output or target."""
        return number_pairs(batch).scored(self.loss)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRowsMetric(RowsMetric):
    """A metric of all absolute errors together; each cell is the case's absolute error."""

    facts = AN_ERROR
    largest_first: ClassVar[bool] = False
    """In which order `of_weights` gets the errors."""

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the absolute error of each case, kept as statistics too."""
        column = number_pairs(batch).scored(absolute_error)
        column.statistics = Rows({"error": column.values.copy()})
        return column

    def order(self, rows: Rows) -> IntArray:
        errors = rows.columns["error"]
        return np.argsort(-errors if self.largest_first else errors, kind="stable")

    def prepared(self, rows: Rows) -> FloatArray:
        return rows.columns["error"]

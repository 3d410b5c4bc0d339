"""Targets and outputs as numbers, and what metrics of their errors share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalkit.plugin import CaseBatch, MetricFacts, Rows, ScoreColumn, Status, targets
from evalkit_scorers.arrays import FloatArray, IntArray
from evalkit_scorers.metric import ReferenceMetric, RowsMetric


@dataclass(frozen=True, slots=True)
class NumberPairs:
    """Target and output of each case as numbers, and which cases have both."""

    target: FloatArray
    """Shape ``(n,)``; NaN where the cell is not OK."""

    output: FloatArray
    """Shape ``(n,)``; NaN where the cell is not OK."""

    column: ScoreColumn
    """NaN values; status OK where both are numbers, skipped or failed elsewhere."""

    def scored(self, cell: Callable[[FloatArray, FloatArray], FloatArray]) -> ScoreColumn:
        """Return the column with the values ``cell(target, output)``, shape ``(n,)``.

        A value too large for a number is a failure with the reason ``scorer_error``.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            values = cell(self.target, self.output)
        column = self.column
        column.values = values
        for row in np.flatnonzero((column.status == Status.OK) & ~np.isfinite(values)).tolist():
            column.fail(row, "scorer_error", "The result is too large for a number.")
        return column


def number_pairs(batch: CaseBatch) -> NumberPairs:
    """Return targets and outputs of *batch*, each case read by itself.

    A text that spells a number is that number.  A case without output or target is skipped; an
    output that is no finite number fails with the reason ``invalid_response``, since no error
    can be measured.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs=o, expectations={"target": 2}) for o in (1.5, " 2 ", "two", None)]
        >>> pairs = number_pairs(CaseBatch.of(cases))
        >>> pairs.output.tolist(), pairs.column.status.tolist()
        ([1.5, 2.0, nan, nan], [0, 0, 2, 1])
    """
    given, wanted = batch.outputs, targets(batch)
    outputs = np.array([_number(value) for value in given], dtype=np.float64)
    goals = np.array([_number(value) for value in wanted], dtype=np.float64)
    column = ScoreColumn(np.full(len(batch), np.nan), np.zeros(len(batch), dtype=np.int8))
    for row in np.flatnonzero(~(np.isfinite(outputs) & np.isfinite(goals))).tolist():
        if given[row] is None or wanted[row] is None:
            column.status[row] = Status.SKIPPED
        elif not math.isfinite(goals[row]):
            column.fail(row, "scorer_error", f"The target {_short(wanted[row])} is not a number.")
        else:
            column.fail(
                row, "invalid_response", f"The output {_short(given[row])} is not a number."
            )
        outputs[row] = goals[row] = np.nan
    return NumberPairs(goals, outputs, column)


def _number(value: Any) -> float:
    """Return *value* as a float; NaN where it is none."""
    if type(value) is float:
        return value
    value = value.item() if hasattr(value, "item") and not isinstance(value, str) else value
    if not isinstance(value, (int, float, str)) or (isinstance(value, str) and "_" in value):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004


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

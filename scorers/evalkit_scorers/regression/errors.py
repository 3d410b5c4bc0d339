"""Metrics of errors: of each case, their mean root, and those of all cases together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np

from evalkit.plugin import (
    Additive,
    CaseBatch,
    Means,
    MetricFacts,
    Rows,
    ScoreColumn,
    Status,
    targets,
)
from evalkit_scorers.arrays import FloatArray, IntArray
from evalkit_scorers.metric import ReferenceMetric, RowsMetric
from evalkit_scorers.unwrapped import unwrapped


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

    A text that spells a number is that number, an array of one number too.  A case without output
    or target is skipped; an output that is no finite number fails with the reason
    ``invalid_response``, since no error can be measured.

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
    value = unwrapped(value)
    if not isinstance(value, (int, float, str, Decimal)) or (
        isinstance(value, str) and "_" in value
    ):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mae(ErrorMetric):
    """Score each case with the absolute error; the mean is the mean absolute error.

    In the unit of the target.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> cases = [Case(outputs=o, expectations={"target": 2}) for o in (1, 4, None)]
        >>> Mae().score_batch(CaseBatch.of(cases)).values.tolist()
        [1.0, 2.0, nan]

    References:
        scikit-learn, ``sklearn.metrics.mean_absolute_error``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.regression.mae:Mae"
    name: str = "regression.mae"

    def loss(self, target: FloatArray, output: FloatArray) -> FloatArray:
        return absolute_error(target, output)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mse(ErrorMetric):
    """Score each case with the squared error; the mean is the mean squared error.

    In the square of the target's unit.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> cases = [Case(outputs=o, expectations={"target": 2}) for o in (1, 4)]
        >>> Mse().score_batch(CaseBatch.of(cases)).values.tolist()
        [1.0, 4.0]

    References:
        scikit-learn, ``sklearn.metrics.mean_squared_error``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.regression.mse:Mse"
    name: str = "regression.mse"

    def loss(self, target: FloatArray, output: FloatArray) -> FloatArray:
        return (output - target) ** 2


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

    signed_as: ClassVar[str] = "evalkit_scorers.regression.rmse:Rmse"
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

    def means(self, statistics: Additive, /) -> Means:
        """Return the mean of squares, whose root it is."""
        squares = statistics.vectors[:, 1]
        return Means([np.arange(len(squares))], [squares], binary=False, metric=math.sqrt)

    def compute(self, totals: FloatArray, /) -> FloatArray:
        """Return the metric of summed statistics: shape ``(..., 2)`` in, ``(...)`` out."""
        cases, squares = totals[..., 0], totals[..., 1]
        mean = np.divide(squares, cases, out=np.full_like(squares, np.nan), where=cases > 0)
        return np.asarray(np.sqrt(mean))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mape(ErrorMetric):
    """Score each case with the error relative to its target, as a fraction: 0.1 is 10 %.

    A target of 0 counts as the smallest relative step of a float, 2.2e-16, so that any error there
    is huge: prefer another metric where targets may be 0.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> cases = [Case(outputs=o, expectations={"target": 4}) for o in (3, 4)]
        >>> Mape().score_batch(CaseBatch.of(cases)).values.tolist()
        [0.25, 0.0]

    References:
        scikit-learn, ``sklearn.metrics.mean_absolute_percentage_error``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.regression.mape:Mape"
    name: str = "regression.mape"

    def loss(self, target: FloatArray, output: FloatArray) -> FloatArray:
        return absolute_error(target, output) / np.maximum(abs(target), np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileLoss(ErrorMetric):
    """Score each case with the pinball loss, which a forecast of that quantile makes smallest.

    Too low a forecast costs `alpha` a unit, too high a one ``1 - alpha``.  In the target's unit.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> cases = [Case(outputs=o, expectations={"target": 10}) for o in (8, 12)]
        >>> QuantileLoss(alpha=0.75).score_batch(CaseBatch.of(cases)).values.tolist()
        [1.5, 0.5]

    References:
        Koenker and Bassett (1978), *Econometrica* 46:33; scikit-learn,
        ``sklearn.metrics.mean_pinball_loss``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.regression.quantile_loss:QuantileLoss"
    name: str = "regression.quantile_loss"
    alpha: float = 0.5
    """Quantile that the outputs forecast, in [0, 1]; 0.5 is the median."""

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha must lie in [0, 1], got {self.alpha}")

    def loss(self, target: FloatArray, output: FloatArray) -> FloatArray:
        above = target - output
        return np.maximum(self.alpha * above, (self.alpha - 1) * above)


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianAe(ErrorRowsMetric):
    """Score all cases together with the median of the absolute errors, in the target's unit.

    Each cell is the case's absolute error.  With weights it is the weighted median; where half of
    the weight lies on either side, the mean of the two middle errors.

    Examples:
        >>> MedianAe().value([0, 0, 0], [1, 2, 9])
        2.0

    References:
        scikit-learn, ``sklearn.metrics.median_absolute_error``; Hyndman and Fan (1996), *The
        American Statistician* 50:361, for the weighted median.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.regression.median_ae:MedianAe"
    name: str = "regression.median_ae"

    def of_weights(self, prepared: FloatArray, weights: FloatArray) -> FloatArray:
        share = np.cumsum(weights, axis=1)
        half = share[:, -1:] / 2
        middle = (share >= half).argmax(axis=1)
        reached = np.take_along_axis(share, middle[:, None], axis=1)
        later = share > reached
        following = np.where(later.any(axis=1), later.argmax(axis=1), middle)
        even = (reached - half)[:, 0] <= np.finfo(np.float64).eps
        mean = prepared[middle] / 2 + prepared[following] / 2
        median = np.where(even, mean, prepared[middle])
        return np.where(half[:, 0] > 0, median, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxError(ErrorRowsMetric):
    """Score all cases together with the largest absolute error, in the target's unit.

    Each cell is the case's absolute error.  It has no interval: no sample knows of larger ones.

    Examples:
        >>> MaxError().value([0, 0, 0], [1, -9, 2])
        9.0

    References:
        scikit-learn, ``sklearn.metrics.max_error``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.regression.max_error:MaxError"
    name: str = "regression.max_error"

    largest_first: ClassVar[bool] = True

    def of_weights(self, prepared: FloatArray, weights: FloatArray) -> FloatArray:
        present = weights > 0
        return np.where(present.any(axis=1), prepared[present.argmax(axis=1)], np.nan)

    def means(self, rows: Rows, /) -> Means:
        """Return none: it is made of no means, and no draw lies above the largest error seen."""
        del rows
        return Means([], [], [])

    def note(self, rows: Rows, weights: FloatArray | None = None, /) -> str:
        """Say what more cases would do."""
        del rows, weights
        return "the largest error seen, which more cases can only raise"

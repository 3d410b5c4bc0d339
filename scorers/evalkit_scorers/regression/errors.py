"""Metrics of errors: of each case, their mean root, and those of all cases together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalkit.plugin import Additive, CaseBatch, ScoreColumn, Status
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.metric import ReferenceMetric
from evalkit_scorers.regression.error_metric import (
    AN_ERROR,
    ErrorMetric,
    ErrorRowsMetric,
    absolute_error,
    number_pairs,
)


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

    Each cell is the case's absolute error.  A bootstrap knows no error above the largest seen, so
    the upper end of this metric's interval is the value itself: read it as a lower bound.

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

"""Mean squared error."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.regression.error_metric import ErrorMetric


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

    name: str = "regression.mse"

    def loss(self, target: FloatArray, output: FloatArray) -> FloatArray:
        return (output - target) ** 2

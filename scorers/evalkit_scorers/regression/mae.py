"""Mean absolute error."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.regression.error_metric import ErrorMetric, absolute_error


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

    name: str = "regression.mae"

    def loss(self, target: FloatArray, output: FloatArray) -> FloatArray:
        return absolute_error(target, output)

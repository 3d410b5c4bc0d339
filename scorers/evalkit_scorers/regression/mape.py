"""Mean absolute percentage error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.regression.error_metric import ErrorMetric, absolute_error


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

    name: str = "regression.mape"

    def loss(self, target: FloatArray, output: FloatArray) -> FloatArray:
        return absolute_error(target, output) / np.maximum(abs(target), np.finfo(np.float64).eps)

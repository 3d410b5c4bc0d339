"""Maximum error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.regression.error_metric import ErrorRowsMetric


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

    name: str = "regression.max_error"

    largest_first: ClassVar[bool] = True

    def of_weights(self, prepared: FloatArray, weights: FloatArray) -> FloatArray:
        present = weights > 0
        return np.where(present.any(axis=1), prepared[present.argmax(axis=1)], np.nan)

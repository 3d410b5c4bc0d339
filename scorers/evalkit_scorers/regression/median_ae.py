"""Median absolute error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.regression.error_metric import ErrorRowsMetric


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

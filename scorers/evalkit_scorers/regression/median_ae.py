"""Median absolute error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.plugin import Rows
from evalkit_scorers.regression.error_metric import ErrorRowsMetric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianAe(ErrorRowsMetric):
    """Score all cases together with the median of the absolute errors, in the target's unit.

    Each cell is the case's absolute error.  With weights it is the weighted median; where half of
    the weight lies on either side, the mean of the two middle errors.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> cases = [Case(outputs=o, expectations={"target": 0}) for o in (1, 2, 9)]
        >>> MedianAe().compute(MedianAe().score_batch(CaseBatch.of(cases)).statistics, None)
        2.0

    References:
        scikit-learn, ``sklearn.metrics.median_absolute_error``; Hyndman and Fan (1996), *The
        American Statistician* 50:361, for the weighted median.
    """

    name: str = "regression.median_ae"

    def order(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return the order of the errors, smallest first."""
        import numpy as np

        return np.argsort(rows.columns["error"], kind="stable")

    def prepared(self, rows: Rows) -> FloatArray:
        """Return the errors, smallest first."""
        return rows.columns["error"]

    def of_weights(self, prepared: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the weighted median for each weighting."""
        import numpy as np

        share = np.cumsum(weights, axis=1)
        half = share[:, -1:] / 2
        middle = (share >= half).argmax(axis=1)
        reached = np.take_along_axis(share, middle[:, None], axis=1)
        later = share > reached
        following = np.where(later.any(axis=1), later.argmax(axis=1), middle)
        even = (reached - half)[:, 0] <= np.finfo(np.float64).eps
        mean = prepared[middle] / 2 + prepared[following] / 2
        found = np.where(even, mean, prepared[middle])
        return np.where(half[:, 0] > 0, found, np.nan)

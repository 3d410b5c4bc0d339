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

    def prepared(self, rows: Rows) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Return the errors, smallest first, and their order."""
        import numpy as np

        errors = rows.columns["error"]
        order = np.argsort(errors, kind="stable")
        return errors[order], order

    def of_weights(
        self, prepared: tuple[FloatArray, npt.NDArray[np.int64]], weights: FloatArray
    ) -> FloatArray:
        """Return the weighted median for each weighting."""
        import numpy as np

        errors, order = prepared
        share = np.cumsum(weights[:, order], axis=1)
        half = share[:, -1:] / 2
        middle = (share >= half).argmax(axis=1)
        reached = np.take_along_axis(share, middle[:, None], axis=1)
        later = share > reached
        following = np.where(later.any(axis=1), later.argmax(axis=1), middle)
        even = (reached - half)[:, 0] <= np.finfo(np.float64).eps
        mean = errors[middle] / 2 + errors[following] / 2
        found = np.where(even, mean, errors[middle])
        return np.where(half[:, 0] > 0, found, np.nan)

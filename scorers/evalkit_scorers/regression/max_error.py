"""Maximum error."""

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
class MaxError(ErrorRowsMetric):
    """Score all cases together with the largest absolute error, in the target's unit.

    Each cell is the case's absolute error.  A bootstrap knows no error above the largest seen, so
    the upper end of this metric's interval is the value itself: read it as a lower bound.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> cases = [Case(outputs=o, expectations={"target": 0}) for o in (1, -9, 2)]
        >>> MaxError().compute(MaxError().score_batch(CaseBatch.of(cases)).statistics, None)
        9.0

    References:
        scikit-learn, ``sklearn.metrics.max_error``.
    """

    name: str = "regression.max_error"

    def order(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return the order of the errors, largest first."""
        import numpy as np

        return np.argsort(-rows.columns["error"], kind="stable")

    def prepared(self, rows: Rows) -> FloatArray:
        """Return the errors, largest first."""
        return rows.columns["error"]

    def of_weights(self, prepared: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the largest error that has weight, for each weighting."""
        import numpy as np

        present = weights > 0
        return np.where(present.any(axis=1), prepared[present.argmax(axis=1)], np.nan)

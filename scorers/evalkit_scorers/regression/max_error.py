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

    def prepared(self, rows: Rows) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Return the errors, largest first, and their order."""
        import numpy as np

        errors = rows.columns["error"]
        order = np.argsort(-errors, kind="stable")
        return errors[order], order

    def of_weights(
        self, prepared: tuple[FloatArray, npt.NDArray[np.int64]], weights: FloatArray
    ) -> FloatArray:
        """Return the largest error that has weight, for each weighting."""
        import numpy as np

        errors, order = prepared
        present = weights[:, order] > 0
        return np.where(present.any(axis=1), errors[present.argmax(axis=1)], np.nan)

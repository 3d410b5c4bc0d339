"""Average precision: the area under the precision-recall curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit_scorers.classification.ranked import Ranked, average_precision
from evalkit_scorers.classification.ranking_metric import RankingMetric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragePrecision(RankingMetric):
    """Score all cases together with the average precision of the positive class, in [0, 1].

    Without a positive case it is undefined.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> pairs = [(0, 0.1), (0, 0.4), (1, 0.35), (1, 0.8)]
        >>> cases = [Case(outputs=o, expectations={"target": t}) for t, o in pairs]
        >>> metric = AveragePrecision()
        >>> round(metric.compute(metric.score_batch(CaseBatch.of(cases)).statistics, None), 4)
        0.8333

    References:
        scikit-learn, ``sklearn.metrics.average_precision_score``.
    """

    name: str = "classification.average_precision"

    def area(self, ranked: Ranked, weights: FloatArray) -> FloatArray:
        """Return the average precision of one class."""
        return average_precision(ranked, weights)

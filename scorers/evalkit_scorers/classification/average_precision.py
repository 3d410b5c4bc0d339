"""Average precision: the area under the precision-recall curve."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.ranked import Ranked, average_precision
from evalkit_scorers.classification.ranking_metric import RankingMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragePrecision(RankingMetric):
    """Score all cases together with the average precision of the positive class, in [0, 1].

    Without a positive case it is undefined.

    Examples:
        >>> round(AveragePrecision().value([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
        0.8333

    References:
        scikit-learn, ``sklearn.metrics.average_precision_score``.
    """

    name: str = "classification.average_precision"

    def area(self, ranked: Ranked, weights: FloatArray) -> FloatArray:
        return average_precision(ranked, weights)

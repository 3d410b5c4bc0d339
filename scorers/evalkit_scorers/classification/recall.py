"""Recall: how many of the cases with a label are found."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.averaging import AveragedMetric
from evalkit_scorers.classification.confusion import ClassSums


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(AveragedMetric):
    """Score all cases together with recall: of the cases with a label, the share that is found.

    Parameters and the default average are those of `AveragedMetric`.

    Examples:
        >>> Recall().value([1, 1, 0], [1, 0, 0])
        0.5

    References:
        scikit-learn, ``sklearn.metrics.recall_score``.
    """

    name: str = "classification.recall"

    def quotients(self, sums: ClassSums) -> tuple[FloatArray, FloatArray]:
        return sums.right, sums.target

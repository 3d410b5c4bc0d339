"""Precision: how many of the answers with a label are right."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.averaging import AveragedMetric
from evalkit_scorers.classification.confusion import ClassSums


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision(AveragedMetric):
    """Score all cases together with precision: of the answers with a label, the share right.

    Parameters and the default average are those of `AveragedMetric`.

    Examples:
        >>> Precision().value([1, 0, 1], [1, 1, 0])
        0.5

    References:
        scikit-learn, ``sklearn.metrics.precision_score``.
    """

    name: str = "classification.precision"

    def quotients(self, sums: ClassSums) -> tuple[FloatArray, FloatArray]:
        return sums.right, sums.output

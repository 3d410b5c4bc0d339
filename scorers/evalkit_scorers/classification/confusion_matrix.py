"""The confusion matrix as a scorer of its own."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.plugin import MetricFacts
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.confusion import ConfusionCells, quotient
from evalkit_scorers.classification.label_metric import LabelMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionMatrix(LabelMetric):
    """Keep the confusion matrix of targets and outputs as an artifact.

    A matrix is no number: the estimate is the share on its diagonal, which is the accuracy.  The
    other metrics of labels keep the same artifact.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> pairs = [("a", "a"), ("a", "b"), ("b", "b")]
        >>> cases = [Case(outputs=o, expectations={"target": t}) for t, o in pairs]
        >>> rows = ConfusionMatrix().score_batch(CaseBatch.of(cases)).statistics
        >>> ConfusionMatrix().artifacts(rows, None)
        {'confusion_matrix': {'labels': ['a', 'b'], 'matrix': [[1.0, 1.0], [0.0, 1.0]]}}

    References:
        scikit-learn, ``sklearn.metrics.confusion_matrix``.
    """

    name: str = "classification.confusion_matrix"

    facts = MetricFacts(low=0.0, high=1.0, best_for_identity=True)

    def of_weights(self, prepared: ConfusionCells, weights: FloatArray) -> FloatArray:
        return quotient(prepared.sums(weights).right.sum(axis=1), weights.sum(axis=1))

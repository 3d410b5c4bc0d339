"""F1: the harmonic mean of precision and recall."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.averaging import AveragedMetric
from evalkit_scorers.classification.confusion import ClassSums


@dataclass(frozen=True, slots=True, kw_only=True)
class F1(AveragedMetric):
    """Score all cases together with F1, the harmonic mean of precision and recall, in [0, 1].

    Parameters and the default average are those of `AveragedMetric`.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> pairs = [("yes", "yes"), ("no", "yes"), ("no", "no")]
        >>> cases = [Case(outputs=o, expectations={"target": t}) for t, o in pairs]
        >>> rows = F1().score_batch(CaseBatch.of(cases)).statistics
        >>> F1().compute(rows, None), F1().note(rows)
        (0.6666666666666666, "binary, positive label 'yes'")

    References:
        van Rijsbergen (1979), *Information Retrieval*; scikit-learn, ``sklearn.metrics.f1_score``.
    """

    name: str = "classification.f1"

    def quotients(self, sums: ClassSums) -> tuple[FloatArray, FloatArray]:
        return 2 * sums.right, sums.target + sums.output

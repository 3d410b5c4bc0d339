"""Recall: how many of the cases with a label are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.plugin import MetricFacts
from evalkit_scorers.classification.averaging import AveragedMetric
from evalkit_scorers.classification.confusion import ClassSums

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(AveragedMetric):
    """Score all cases together with recall: of the cases with a label, the share that is found.

    Parameters and the default average are those of `AveragedMetric`.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> pairs = [(1, 1), (1, 0), (0, 0)]
        >>> cases = [Case(outputs=o, expectations={"target": t}) for t, o in pairs]
        >>> Recall().compute(Recall().score_batch(CaseBatch.of(cases)).statistics, None)
        0.5

    References:
        scikit-learn, ``sklearn.metrics.recall_score``.
    """

    name: str = "classification.recall"

    facts = MetricFacts(low=0.0, high=1.0)

    def quotients(self, sums: ClassSums) -> tuple[FloatArray, FloatArray]:
        """Return the right ones over all targets of each class."""
        return sums.right, sums.target

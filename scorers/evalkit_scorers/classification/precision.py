"""Precision: how many of the answers with a label are right."""

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
class Precision(AveragedMetric):
    """Score all cases together with precision: of the answers with a label, the share right.

    Parameters and the default average are those of `AveragedMetric`.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> pairs = [(1, 1), (0, 1), (1, 0)]
        >>> cases = [Case(outputs=o, expectations={"target": t}) for t, o in pairs]
        >>> Precision().compute(Precision().score_batch(CaseBatch.of(cases)).statistics, None)
        0.5

    References:
        scikit-learn, ``sklearn.metrics.precision_score``.
    """

    name: str = "classification.precision"

    facts = MetricFacts(low=0.0, high=1.0)

    def quotients(self, sums: ClassSums) -> tuple[FloatArray, FloatArray]:
        """Return the right ones over all outputs of each class."""
        return sums.right, sums.output

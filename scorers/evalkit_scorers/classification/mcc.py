"""Matthews correlation coefficient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.plugin import MetricFacts
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.confusion import ConfusionCells, quotient
from evalkit_scorers.classification.label_metric import LabelMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class Mcc(LabelMetric):
    """Score all cases together with Matthews' correlation of targets and outputs, in [-1, 1].

    1 is perfect and 0 no better than chance; for more than two labels it is Gorodkin's R_K.
    Where targets or outputs hold only one label it is 0, as in scikit-learn.

    Examples:
        >>> round(Mcc().value([1, 1, 1, 0], [1, 1, 0, 1]), 4)
        -0.3333

    References:
        Matthews (1975), *Biochimica et Biophysica Acta* 405:442; Gorodkin (2004), *Computational
        Biology and Chemistry* 28:367; scikit-learn, ``sklearn.metrics.matthews_corrcoef``.
    """

    name: str = "classification.mcc"

    facts = MetricFacts(low=-1.0, high=1.0)

    def of_weights(self, prepared: ConfusionCells, weights: FloatArray) -> FloatArray:
        sums = prepared.sums(weights)
        total = weights.sum(axis=1)
        both = sums.right.sum(axis=1) * total - (sums.target * sums.output).sum(axis=1)
        spread = [
            np.where((part > 0).sum(axis=1) > 1, total**2 - (part**2).sum(axis=1), 0.0)
            for part in (sums.target, sums.output)
        ]
        scale = np.sqrt(spread[0]) * np.sqrt(spread[1])
        correlation = quotient(both, scale, 0.0)
        return np.where(total > 0, np.clip(correlation, -1.0, 1.0), np.nan)

"""Balanced accuracy: accuracy that a frequent class cannot carry alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.plugin import MetricFacts
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.averaging import mean_of_classes
from evalkit_scorers.classification.confusion import ConfusionCells, quotient
from evalkit_scorers.classification.label_metric import LabelMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancedAccuracy(LabelMetric):
    """Score all cases together with the mean over the targets' labels of the share found.

    Examples:
        >>> BalancedAccuracy().value(["a", "a", "a", "b"], ["a", "a", "b", "a"])
        0.3333333333333333

    References:
        Brodersen et al. (2010), ICPR; scikit-learn, ``sklearn.metrics.balanced_accuracy_score``.
    """

    name: str = "classification.balanced_accuracy"
    adjusted: bool = False
    """Rescale so that guessing one label always gives 0, and perfection 1."""

    @property
    def facts(self) -> MetricFacts:
        """In [0, 1]; adjusted values reach down to -1 with two labels."""
        low = -1.0 if self.adjusted else 0.0
        return MetricFacts(low=low, high=1.0, best_for_identity=True)

    def of_weights(self, prepared: ConfusionCells, weights: FloatArray) -> FloatArray:
        sums = prepared.sums(weights)
        mean = mean_of_classes(quotient(sums.right, sums.target))
        if not self.adjusted:
            return mean
        classes = (sums.target > 0).sum(axis=1)
        chance = 1 / np.where(classes > 1, classes, np.nan)  # undefined with one class
        return np.asarray((mean - chance) / (1 - chance))

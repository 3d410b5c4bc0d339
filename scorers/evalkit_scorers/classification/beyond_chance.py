"""Metrics of labels that chance cannot raise: balanced accuracy, Cohen's kappa, Matthews'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evalkit.plugin import Means, MetricFacts, Rows
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.averaging import mean_of_classes
from evalkit_scorers.classification.confusion import ConfusionCells, quotient
from evalkit_scorers.classification.label_metric import LabelMetric, rates_of
from evalkit_scorers.classification.labels import label_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancedAccuracy(LabelMetric):
    """Score all cases together with the mean over the targets' labels of the share found.

    Examples:
        >>> BalancedAccuracy().value(["a", "a", "a", "b"], ["a", "a", "b", "a"])
        0.3333333333333333

    References:
        Brodersen et al. (2010), ICPR; scikit-learn, ``sklearn.metrics.balanced_accuracy_score``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.classification.balanced_accuracy:BalancedAccuracy"
    name: str = "classification.balanced_accuracy"
    adjusted: bool = False
    """Rescale so that guessing one label always gives 0, and perfection 1."""

    @property
    def facts(self) -> MetricFacts:
        """In [0, 1]; adjusted values reach down to -1 with two labels."""
        low = -1.0 if self.adjusted else 0.0
        return MetricFacts(low=low, high=1.0, best_for_identity=True)

    def means(self, rows: Rows, /) -> Means:
        """Return the recall of each label that the targets have; none where that is one only."""
        cells = ConfusionCells.of(rows)
        present = sorted(set(cells.target.tolist()))
        if len(present) == 1:
            return Means([], [], [])
        share = 1 / len(present)
        if self.adjusted:
            share /= 1 - share  # chance is at the same share of the way to 1
        return Means(*rates_of(cells, present, by="target"), [share] * len(present))

    def of_weights(self, prepared: ConfusionCells, weights: FloatArray) -> FloatArray:
        sums = prepared.sums(weights)
        mean = mean_of_classes(quotient(sums.right, sums.target))
        if not self.adjusted:
            return mean
        classes = (sums.target > 0).sum(axis=1)
        chance = 1 / np.where(classes > 1, classes, np.nan)  # undefined with one class
        return np.asarray((mean - chance) / (1 - chance))


@dataclass(frozen=True, slots=True, kw_only=True)
class CohenKappa(LabelMetric):
    """Score all cases together with Cohen's kappa: agreement beyond what chance would give.

    1 is full agreement, 0 that of chance.  Undefined where one label is all there is.

    Examples:
        >>> CohenKappa().value([1, 1, 0, 0], [1, 1, 0, 1])
        0.5

    References:
        Cohen (1960), *Educational and Psychological Measurement* 20:37; Cohen (1968),
        *Psychological Bulletin* 70:213, for weights; scikit-learn,
        ``sklearn.metrics.cohen_kappa_score``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.classification.cohen_kappa:CohenKappa"
    name: str = "classification.cohen_kappa"
    weights: Literal["linear", "quadratic"] | None = None
    """How much worse distant labels are, by their place in the order; all alike if ``None``."""

    labels: Any = None
    """List of the labels in order; cases with others are left out.  ``None`` sorts those seen."""

    facts = MetricFacts(low=-1.0, high=1.0, best_for_identity=True)

    def __post_init__(self) -> None:
        if self.weights not in {None, "linear", "quadratic"}:
            raise ValueError(f"weights must be linear, quadratic or None, got {self.weights!r}")
        label_keys(self.labels)

    def of_weights(self, prepared: ConfusionCells, weights: FloatArray) -> FloatArray:
        listed = label_keys(self.labels)
        if listed is not None:
            place = {key: number for number, key in enumerate(listed)}
            codes = np.array([place.get(key, -1) for key in prepared.labels], dtype=np.int64)
            target, output = codes[prepared.target], codes[prepared.output]
            kept = (target >= 0) & (output >= 0)
            prepared = ConfusionCells(listed, target[kept], output[kept], prepared.cell)
            weights = weights[:, kept]
        sums = prepared.sums(weights)
        total = weights.sum(axis=1)
        observed = (weights * self._distance(prepared)).sum(axis=1) * total
        expected = self._expected(sums.target, sums.output)
        defined = ((sums.target + sums.output) > 0).sum(axis=1) > 1
        return 1 - quotient(observed, np.where(defined, expected, 0.0))

    def _distance(self, cells: ConfusionCells) -> FloatArray:
        apart = abs(cells.target - cells.output).astype(float)
        if self.weights is None:
            return (apart > 0).astype(float)
        return apart if self.weights == "linear" else apart**2

    def _expected(self, target: FloatArray, output: FloatArray) -> FloatArray:
        """Return the sum of distance times both totals over pairs of labels, without a table."""
        all_targets, all_outputs = target.sum(axis=1), output.sum(axis=1)
        if self.weights is None:
            return np.asarray(all_targets * all_outputs - (target * output).sum(axis=1))
        if self.weights == "linear":
            below, under = np.cumsum(target, axis=1)[:, :-1], np.cumsum(output, axis=1)[:, :-1]
            over = below * (all_outputs[:, None] - under) + under * (all_targets[:, None] - below)
            return np.asarray(over.sum(axis=1))
        place = np.arange(target.shape[1], dtype=np.float64)
        squares = (target @ place**2) * all_outputs + (output @ place**2) * all_targets
        return np.asarray(squares - 2 * (target @ place) * (output @ place))


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

    signed_as: ClassVar[str] = "evalkit_scorers.classification.mcc:Mcc"
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

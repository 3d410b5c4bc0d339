"""What every corpus metric of labels shares, accuracy, and the confusion matrix."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np

from evalkit.plugin import CaseBatch, Means, MetricFacts, Rows, ScoreColumn, Status
from evalkit_scorers.arrays import ArrayLike, FloatArray, IntArray
from evalkit_scorers.classification.confusion import (
    ConfusionCells,
    by_class,
    quotient,
    smoothed_draws,
)
from evalkit_scorers.classification.labels import NOT_A_LABEL, shown
from evalkit_scorers.classification.reading import label_pairs
from evalkit_scorers.metric import YES_OR_NO, RowsMetric

MOST_LABELS: Final = 50
"""Labels in an artifact; the rest, rarest first, are put together."""

ONE_LABEL: Final = "the targets hold one label only"
"""What is to be known of a metric that is about the telling apart of labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMetric(RowsMetric):
    """A metric of the confusion table of targets and outputs.

    Its weightings are counts of the table's cells: draws resample cells, not cases.  A metric that
    is made of rates has their interval (`means`), not that of draws.
    """

    parse_text: bool = False
    """Read texts that spell a number or truth value as that (``"1"`` then equals 1)."""

    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations", "class_label"})

    @abstractmethod
    def of_weights(self, prepared: ConfusionCells, weights: FloatArray) -> FloatArray:
        """Return the metric of each table: ``(d, C)`` in, ``(d,)`` out, NaN where undefined."""

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return a column without values whose statistics are the pairs of labels."""
        pairs = label_pairs(batch, parse_text=self.parse_text)
        pairs.column.statistics = pairs.rows()
        return pairs.column

    def note(self, rows: Rows, weights: FloatArray | None = None, /) -> str | None:
        """Return what is to be known where the targets hold one label only."""
        del weights
        return ONE_LABEL if len(set(rows.columns["target"].tolist())) == 1 else None

    def prepared(self, rows: Rows) -> ConfusionCells:
        return ConfusionCells.of(rows)

    def whole(self, prepared: ConfusionCells, weights: FloatArray) -> FloatArray:
        """Return the weight in each cell: ``(d, n)`` in, ``(d, C)`` out."""
        return by_class(weights, prepared.cell, len(prepared.target))

    def draws(
        self,
        rows: Rows,
        weights: FloatArray | None,
        resamples: int,
        seed: int,
        groups: ArrayLike | None = None,
    ) -> FloatArray:
        """Return the metric in each of `smoothed_draws`, shape ``(resamples,)``.

        NaN where the targets hold one label only: nothing says how the others are found.
        """
        cells = ConfusionCells.of(rows)
        if len(set(cells.target.tolist())) == 1:
            return np.full(resamples, np.nan)
        parts = smoothed_draws(cells, weights, resamples=resamples, seed=seed, groups=groups)
        cells = cells.mistakable()
        return np.concatenate([self.of_weights(cells, part) for part in parts])

    def artifacts(self, rows: Rows, weights: FloatArray | None, /) -> Mapping[str, Any]:
        """Return the confusion matrix: rows are targets, columns outputs."""
        return {"confusion_matrix": confusion_matrix(rows, weights)}


def confusion_matrix(rows: Rows, weights: FloatArray | None = None) -> dict[str, Any]:
    """Return the confusion matrix with its labels, ready for JSON.

    Beyond 50 labels the rarest are put together as ``(others)``.

    Examples:
        >>> import numpy as np
        >>> pairs = {"target": ["1", "0", "1"], "output": ["1", "1", "1"]}
        >>> rows = Rows({name: np.array(keys, dtype=object) for name, keys in pairs.items()})
        >>> confusion_matrix(rows)
        {'labels': ['0', '1'], 'matrix': [[0.0, 1.0], [0.0, 2.0]]}

    References:
        scikit-learn, ``sklearn.metrics.confusion_matrix``.
    """
    cells = ConfusionCells.of(rows)
    counts = cells.counts(weights)
    sums = cells.sums(counts)
    names = ["(no label)" if key == NOT_A_LABEL else shown(key) for key in cells.labels]
    place = np.arange(len(names))
    if len(names) > MOST_LABELS:
        kept = np.sort(np.argsort(-(sums.target + sums.output)[0], kind="stable")[:MOST_LABELS])
        place = np.full(len(names), MOST_LABELS)
        place[kept] = np.arange(MOST_LABELS)
        names = [*(names[label] for label in kept), "(others)"]
    matrix = np.zeros((len(names), len(names)))
    np.add.at(matrix, (place[cells.target], place[cells.output]), counts[0])
    return {"labels": names, "matrix": matrix.tolist()}


def accuracy_of(cells: ConfusionCells) -> Means:
    """Return whether each case is right, which accuracy is the mean of."""
    right = (cells.target == cells.output)[cells.cell].astype(np.float64)
    return Means([np.arange(len(right))], [right])


def rates_of(
    cells: ConfusionCells, numbers: Sequence[int], *, by: Literal["target", "output"]
) -> tuple[list[IntArray], list[FloatArray]]:
    """Return the cases that have each label as target (or output), and which of them are right.

    Examples:
        >>> pairs = {"target": ["1", "0", "1"], "output": ["1", "1", "0"]}
        >>> rows = Rows({name: np.array(keys, dtype=object) for name, keys in pairs.items()})
        >>> cases, values = rates_of(ConfusionCells.of(rows), [1], by="target")
        >>> cases[0].tolist(), values[0].tolist()
        ([0, 2], [1.0, 0.0])
    """
    label = getattr(cells, by)[cells.cell]
    right = (cells.target == cells.output)[cells.cell].astype(np.float64)
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(len(cells.labels) + 1))
    cases = [
        order[starts[i] : starts[i + 1]] if i < len(cells.labels) else order[:0] for i in numbers
    ]
    return cases, [right[some] for some in cases]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Say of each case whether output and target are the same label.

    Its mean equals ``accuracy_score``.  An output that is no known label is wrong, not missing.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs=o, expectations={"target": "cat"}) for o in ("cat", "dog", None)]
        >>> Accuracy().score_batch(CaseBatch.of(cases)).values.tolist()
        [1.0, 0.0, nan]

    References:
        scikit-learn, ``sklearn.metrics.accuracy_score``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.classification.accuracy:Accuracy"
    name: str = "classification.accuracy"
    parse_text: bool = False
    """Read texts that spell a number or truth value as that (``"1"`` then equals 1)."""

    facts = YES_OR_NO
    requires: ClassVar[frozenset[str]] = LabelMetric.requires

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return 1 where the labels are equal, 0 where they differ."""
        pairs = label_pairs(batch, parse_text=self.parse_text)
        right = [got == wanted for got, wanted in zip(pairs.output, pairs.target, strict=True)]
        column = pairs.column
        column.values = np.where(column.status == Status.OK, right, np.nan)
        column.binary = True
        return column


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

    signed_as: ClassVar[str] = "evalkit_scorers.classification.confusion_matrix:ConfusionMatrix"
    name: str = "classification.confusion_matrix"

    facts = MetricFacts(low=0.0, high=1.0, best_for_identity=True)

    def means(self, rows: Rows, /) -> Means:
        """Return the one rate that it is, over all cases."""
        return accuracy_of(ConfusionCells.of(rows))

    def of_weights(self, prepared: ConfusionCells, weights: FloatArray) -> FloatArray:
        return quotient(prepared.sums(weights).right.sum(axis=1), weights.sum(axis=1))

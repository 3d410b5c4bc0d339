"""Precision, recall and F1 of each class, and the ways to average them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, get_args

import numpy as np

from evalkit.plugin import Means, Rows
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.classification.confusion import ClassSums, ConfusionCells, quotient
from evalkit_scorers.classification.label_metric import (
    MOST_LABELS,
    LabelMetric,
    accuracy_of,
    confusion_matrix,
    rates_of,
)
from evalkit_scorers.classification.labels import (
    label_key,
    label_keys,
    listed_labels,
    missing_label,
    positive_label,
    shown,
)
from evalkit_scorers.metric import SHARE

Average = Literal["binary", "macro", "micro", "weighted"]
AVERAGES: Final = get_args(Average)


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragedMetric(LabelMetric):
    """A quotient of each class, averaged over classes.

    Without `average` it is that of the positive class (``binary``) where the targets hold at most
    two labels (or `labels` lists two) and it is clear which is positive (`pos_label`, or 0/1,
    -1/1, no/yes, false/true, negative/positive), and else the mean over classes (``macro``):
    `note` says which.
    """

    average: Average | None = None
    """``binary``, ``macro``, ``micro`` or ``weighted`` as in scikit-learn; ``None`` chooses."""

    pos_label: Any = None
    """The positive label of ``binary``; any label, so that this gives one class's own value."""

    labels: Any = None
    """List of the labels to average over; ``None`` means all that occur in targets or outputs."""

    zero_division: float | None = 0.0
    """Value of 0/0 in a class: 0, 1, or ``None`` to leave that class out.  With 0 or ``None`` the
    ``binary`` average of 0/0 has no value: no case is what it is about."""

    facts = SHARE
    by: ClassVar[Literal["target", "output"]]
    """Whose label makes a case count for a class."""

    nothing: ClassVar[str]
    """Why there is no value where the quotient is 0/0."""

    def __post_init__(self) -> None:
        if self.average is not None and self.average not in AVERAGES:
            raise ValueError(f"average must be one of {', '.join(AVERAGES)}, got {self.average!r}")
        if self.zero_division not in {0, 1, None}:
            raise ValueError(f"zero_division must be 0, 1 or None, got {self.zero_division!r}")
        label_keys(self.labels)

    def quotients(self, sums: ClassSums) -> tuple[FloatArray, FloatArray]:
        """Return numerator and denominator of each class, shape ``(d, K)`` each."""
        return sums.right, getattr(sums, self.by)

    def means(self, rows: Rows, /) -> Means | None:
        """Return the rates over the cases that have each averaged label as target, or output.

        ``None`` where it is made of none; none of several where the targets hold one label only.
        """
        cells = ConfusionCells.of(rows)
        average, positive = self.resolved(cells)
        listed = label_keys(self.labels)
        if listed is None and (average == "micro" or (average, self.by) == ("weighted", "target")):
            return accuracy_of(cells)
        if average == "binary" and positive is not None:
            return Means(*rates_of(cells, cells.numbers([positive]).tolist(), by=self.by))
        if average != "macro" or self.zero_division is None:
            return None
        numbers = cells.numbers(listed or cells.labels).tolist()
        if len(numbers) > 1 and len(set(cells.target.tolist())) == 1:
            return Means([], [], [])
        return Means(*rates_of(cells, numbers, by=self.by), [1 / len(numbers)] * len(numbers))

    def note(self, rows: Rows, weights: FloatArray | None = None, /) -> str | None:
        """Return which average the number is, and of which class, or why there is none."""
        if not len(rows):
            return None
        cells = ConfusionCells.of(rows)
        average, positive = self.resolved(cells)
        if average != "binary":
            one = LabelMetric.note(self, rows) if average == "macro" else None
            return f"{average}; {one}" if one else average
        if positive is None:
            return "undefined: average='binary' needs pos_label here"
        labels, named = cells.labels, listed_labels([positive])
        if self._lacks(positive, labels):
            return (
                f"undefined: no target and no output is the positive label {named}; "
                f"the labels are {listed_labels(labels)}"
            )
        note = f"binary, positive label {named}"
        sums = cells.sums(cells.counts(weights))
        counted = self.quotients(sums)[1][0]
        place = cells.numbers([positive])[0]
        some = place < len(counted) and counted[place] > 0
        return note if some else f"undefined: {self.nothing} ({note})"

    def _lacks(self, positive: str, labels: Sequence[str]) -> bool:
        """Say whether the label that a user named is none of those that occur."""
        return self.pos_label is not None and positive not in labels

    def check_targets(self, targets: Iterable[Any], /) -> str | None:
        """Say before the run that no case has the positive label; ``None`` where all is well."""
        return missing_label(self.pos_label, targets) if not self.parse_text else None

    def resolved(self, cells: ConfusionCells) -> tuple[Average, str | None]:
        """Return the average that applies and, for ``binary``, the positive label."""
        if self.average not in {None, "binary"}:
            return self.average or "macro", None
        positive = label_key(self.pos_label)
        if positive is None:
            expected = label_keys(self.labels) or [
                cells.labels[i] for i in set(cells.target.tolist())
            ]
            positive = positive_label(expected, cells.labels)
        if self.average is None and positive is None:
            return "macro", None
        return "binary", positive

    def artifacts(self, rows: Rows, weights: FloatArray | None, /) -> Mapping[str, Any]:
        """Return the confusion matrix, and precision, recall, F1 and weight of each label."""
        return {
            "confusion_matrix": confusion_matrix(rows, weights),
            "by_label": by_label(rows, weights),
        }

    def of_weights(self, prepared: ConfusionCells, weights: FloatArray) -> FloatArray:
        average, positive = self.resolved(prepared)
        if average == "binary" and (positive is None or self._lacks(positive, prepared.labels)):
            return np.full(len(weights), np.nan)
        listed = label_keys(self.labels) if average != "binary" else (positive or "",)
        sums = prepared.sums(weights)
        if listed is not None:
            # One empty class at the end, for listed labels that never occur.
            padded = (np.pad(part, ((0, 0), (0, 1))) for part in sums)
            sums = ClassSums(*(part[:, prepared.numbers(listed)] for part in padded))
        present = (sums.target + sums.output) > 0
        if average == "micro":
            sums = ClassSums(*(part.sum(axis=1, keepdims=True) for part in sums))
        zero = self.zero_division or (np.nan if average == "binary" else self.zero_division)
        zero = np.nan if zero is None else zero
        each = quotient(*self.quotients(sums), zero)
        if average in {"macro", "weighted"} and listed is None:
            each[~present] = np.nan
        return mean_of_classes(each, sums.target if average == "weighted" else None)


def by_label(rows: Rows, weights: FloatArray | None = None) -> list[dict[str, Any]]:
    """Return precision, recall and F1 of each label, ready for JSON; ``None`` for 0/0.

    The heaviest 50 labels of the targets, in order of weight.

    Examples:
        >>> import numpy as np
        >>> pairs = {"target": ["1", "1"], "output": ["1", "1"]}
        >>> rows = Rows({name: np.array(keys, dtype=object) for name, keys in pairs.items()})
        >>> by_label(rows)
        [{'label': '1', 'precision': 1.0, 'recall': 1.0, 'f1': 1.0, 'weight': 2.0}]
    """
    cells = ConfusionCells.of(rows)
    right, output, target = (part[0] for part in cells.sums(cells.counts(weights)))
    order = np.argsort(-target, kind="stable")[:MOST_LABELS].tolist()
    return [
        {
            "label": shown(cells.labels[i]),
            "precision": float(right[i] / output[i]) if output[i] else None,
            "recall": float(right[i] / target[i]) if target[i] else None,
            "f1": float(2 * right[i] / (output[i] + target[i])) if output[i] + target[i] else None,
            "weight": float(target[i]),
        }
        for i in order
    ]


def mean_of_classes(each: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Return the mean over classes that have a value, ``(d, K)`` in, ``(d,)`` out.

    Where the weights are all 0 the mean is unweighted, as in scikit-learn.

    Examples:
        >>> import numpy as np
        >>> mean_of_classes(np.array([[1.0, np.nan, 0.0]]))
        array([0.5])
    """
    valued = np.isfinite(each)
    load = valued.astype(np.float64) if weights is None else weights * valued
    load = np.where(load.sum(axis=1, keepdims=True) > 0, load, valued)
    total = load.sum(axis=1)
    above = (np.where(valued, each, 0.0) * load).sum(axis=1)
    return quotient(above, total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision(AveragedMetric):
    """Score all cases together with precision: of the answers with a label, the share right.

    Examples:
        >>> Precision().value([1, 0, 1], [1, 1, 0])
        0.5

    References:
        scikit-learn, ``sklearn.metrics.precision_score``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.classification.precision:Precision"
    name: str = "classification.precision"
    by = "output"
    nothing: ClassVar[str] = "no output is the positive label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(AveragedMetric):
    """Score all cases together with recall: of the cases with a label, the share that is found.

    Examples:
        >>> Recall().value([1, 1, 0], [1, 0, 0])
        0.5

    References:
        scikit-learn, ``sklearn.metrics.recall_score``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.classification.recall:Recall"
    name: str = "classification.recall"
    by = "target"
    nothing: ClassVar[str] = "no target is the positive label"


@dataclass(frozen=True, slots=True, kw_only=True)
class F1(AveragedMetric):
    """Score all cases together with F1, the harmonic mean of precision and recall, in [0, 1].

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

    signed_as: ClassVar[str] = "evalkit_scorers.classification.f1:F1"
    name: str = "classification.f1"
    nothing: ClassVar[str] = "neither a target nor an output is the positive label"

    def means(self, rows: Rows, /) -> Means | None:
        """Return Jaccard's rate of the positive class, of which F1 is an increasing function."""
        cells = ConfusionCells.of(rows)
        average, positive = self.resolved(cells)
        if average == "micro" and self.labels is None:
            return accuracy_of(cells)
        if average != "binary" or positive is None:
            return None
        place = cells.numbers([positive])[0]
        either = np.flatnonzero(((cells.target == place) | (cells.output == place))[cells.cell])
        both = ((cells.target == place) & (cells.output == place))[cells.cell][either]
        return Means([either], [both.astype(np.float64)], metric=lambda j: 2 * j / (1 + j))

    def quotients(self, sums: ClassSums) -> tuple[FloatArray, FloatArray]:
        return 2 * sums.right, sums.target + sums.output

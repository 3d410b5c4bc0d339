"""The confusion table: how often each output label was given for each target label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evalkit.plugin import Rows
from evalkit_scorers.arrays import FloatArray, IntArray
from evalkit_scorers.classification.labels import in_order


class ClassSums(NamedTuple):
    """Weight of each class in ``d`` confusion tables, shape ``(d, K)`` each."""

    right: FloatArray
    """Target and output are this class."""

    output: FloatArray
    """The output is this class."""

    target: FloatArray
    """The target is this class."""


@dataclass(frozen=True, slots=True)
class ConfusionCells:
    """The filled cells of a confusion table; empty ones cost nothing, however many the labels.

    Counts of the cells, shape ``(d, C)``, are ``d`` tables over the same labels: the sample alone,
    or its bootstrap draws.
    """

    labels: tuple[str, ...]
    """Keys of the ``K`` labels that occur in targets or outputs, in scikit-learn's order."""

    target: IntArray
    """Label number of each cell's target, shape ``(C,)``."""

    output: IntArray
    """Label number of each cell's output, shape ``(C,)``."""

    cell: IntArray
    """Cell of each case, shape ``(n,)``."""

    @classmethod
    def of(cls, rows: Rows) -> ConfusionCells:
        """Return the cells of *rows*, which have the columns ``target`` and ``output``.

        Examples:
            >>> import numpy as np
            >>> pairs = {"target": ["1", "0", "1"], "output": ["1", "1", "1"]}
            >>> rows = Rows({name: np.array(keys, dtype=object) for name, keys in pairs.items()})
            >>> cells = ConfusionCells.of(rows)
            >>> cells.labels, cells.counts(None).tolist()
            (('0', '1'), [[2.0, 1.0]])
        """
        import numpy as np

        pairs = list(
            zip(rows.columns["target"].tolist(), rows.columns["output"].tolist(), strict=True)
        )
        numbers: dict[tuple[str, str], int] = {}
        cell = [numbers.setdefault(pair, len(numbers)) for pair in pairs]
        labels = in_order(key for pair in numbers for key in pair)
        place = {key: number for number, key in enumerate(labels)}
        return cls(
            labels,
            np.array([place[target] for target, _ in numbers], dtype=np.int64),
            np.array([place[output] for _, output in numbers], dtype=np.int64),
            np.array(cell, dtype=np.int64),
        )

    def counts(self, weights: FloatArray | None) -> FloatArray:
        """Return the weight in each cell, shape ``(1, C)``."""
        import numpy as np

        totals = np.bincount(self.cell, weights=weights, minlength=len(self.target))
        return totals.astype(np.float64)[None, :]

    def sums(self, counts: FloatArray) -> ClassSums:
        """Return what each class sums to in tables of shape ``(d, C)``."""
        import numpy as np

        right = np.zeros((len(counts), len(self.labels)))
        diagonal = self.target == self.output
        right[:, self.target[diagonal]] = counts[:, diagonal]
        k = len(self.labels)
        return ClassSums(
            right, _by_class(counts, self.output, k), _by_class(counts, self.target, k)
        )

    def numbers(self, keys: Sequence[str]) -> IntArray:
        """Return the numbers of some labels; ``K``, beyond the last, for those that never occur."""
        import numpy as np

        place = {key: number for number, key in enumerate(self.labels)}
        return np.array([place.get(key, len(place)) for key in keys], dtype=np.int64)


def _by_class(counts: FloatArray, classes: IntArray, n_classes: int) -> FloatArray:
    import numpy as np

    sums = np.zeros((len(counts), n_classes))
    if classes.size:
        order = np.argsort(classes, kind="stable")
        present, starts = np.unique(classes[order], return_index=True)
        sums[:, present] = np.add.reduceat(counts[:, order], starts, axis=1)
    return sums


def quotient(above: FloatArray, below: FloatArray, otherwise: float = float("nan")) -> FloatArray:
    """Return *above* over *below*, and *otherwise* where *below* is 0; any equal shapes.

    Examples:
        >>> import numpy as np
        >>> quotient(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
        array([0.5, nan])
    """
    import numpy as np

    quotients: FloatArray = np.divide(
        above, below, out=np.full_like(above, otherwise, dtype=np.float64), where=below != 0
    )
    return quotients

"""The confusion table: how often each output label was given for each target label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from evalkit.plugin import Rows
from evalkit_scorers.arrays import ArrayLike, FloatArray, IntArray
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
        totals = np.bincount(self.cell, weights=weights, minlength=len(self.target))
        return totals.astype(np.float64)[None, :]

    def sums(self, counts: FloatArray) -> ClassSums:
        """Return what each class sums to in tables of shape ``(d, C)``."""
        diagonal, k = self.target == self.output, len(self.labels)
        return ClassSums(
            by_class(counts[:, diagonal], self.target[diagonal], k),
            by_class(counts, self.output, k),
            by_class(counts, self.target, k),
        )

    def mistakable(self) -> ConfusionCells:
        """Return these cells and, beyond them, each label once as right and once as mistaken.

        Examples:
            >>> one = np.zeros(1, dtype=np.int64)
            >>> cells = ConfusionCells(("0", "1"), one, one, one).mistakable()
            >>> cells.target.tolist(), cells.output.tolist()
            ([0, 0, 1, 0, 1], [0, 0, 1, 1, 0])
        """
        labels = np.arange(len(self.labels))
        return ConfusionCells(
            self.labels,
            np.r_[self.target, labels, labels],
            np.r_[self.output, labels, (labels + 1) % len(labels)],
            self.cell,
        )

    def numbers(self, keys: Sequence[str]) -> IntArray:
        """Return the numbers of some labels; ``K``, beyond the last, for those that never occur."""
        place = {key: number for number, key in enumerate(self.labels)}
        return np.array([place.get(key, len(place)) for key in keys], dtype=np.int64)


def by_class(counts: FloatArray, classes: IntArray, n_classes: int) -> FloatArray:
    """Return the sums of *counts*, shape ``(d, m)``, of each class, shape ``(d, n_classes)``."""
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
    quotients: FloatArray = np.divide(
        above, below, out=np.full_like(above, otherwise, dtype=np.float64), where=below != 0
    )
    return quotients


CHUNK: Final = 2_000_000
"""Numbers held at once: 16 MB."""

FEW: Final = 8
"""Distinct cells are drawn by one multinomial where there are this many times fewer than cases."""


def count_draws(
    cells: ConfusionCells,
    weights: FloatArray | None,
    *,
    resamples: int,
    seed: int,
    groups: ArrayLike | None = None,
) -> Iterator[FloatArray]:
    """Yield bootstrap draws of the cells' counts, shape ``(<= chunk, C)``, *resamples* in all.

    Cases of one cell and weight are alike, so how often they are drawn is one multinomial over the
    distinct ones: a draw costs as many numbers as there are cells, whatever the number of cases.
    With *groups*, one a case, whole groups are drawn, as sums of their tables.

    Examples:
        >>> import numpy as np
        >>> one = np.zeros(1, dtype=np.int64)
        >>> cells = ConfusionCells(('"a"',), one, one, np.zeros(9, dtype=np.int64))
        >>> next(count_draws(cells, None, resamples=2, seed=0)).tolist()
        [[9.0], [9.0]]

    References:
        Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 6.
    """
    generator = np.random.default_rng(seed)
    table, times = (
        _kinds(cells, weights) if groups is None else _group_tables(cells, weights, groups)
    )
    n = int(times.sum())
    few = times.size * FEW <= n
    units = np.repeat(np.arange(times.size), times)
    chunk = max(1, CHUNK // max(len(cells.target), times.size))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        if few:
            drawn = generator.multinomial(n, times / n, size=size)
        else:
            picks = (generator.integers(0, n, size=n) for _ in range(size))
            drawn = np.stack([np.bincount(units[pick], minlength=times.size) for pick in picks])
        yield np.asarray(drawn @ table if table is not None else drawn, dtype=np.float64)


def smoothed_draws(
    cells: ConfusionCells,
    weights: FloatArray | None,
    *,
    resamples: int,
    seed: int,
    groups: ArrayLike | None = None,
) -> Iterator[FloatArray]:
    """Yield draws of the counts of ``cells.mistakable()``, with one more case of any kind.

    What was never seen may happen: a bootstrap of a table without mistakes never makes one.  So one
    case (of what a case is worth, with weights or groups) is spread at random over each label's
    being right and being mistaken.

    Examples:
        >>> one = np.zeros(1, dtype=np.int64)
        >>> cells = ConfusionCells(("0", "1"), one, one, np.zeros(9, dtype=np.int64))
        >>> drawn = next(smoothed_draws(cells, None, resamples=500, seed=0))
        >>> drawn.shape, bool(9.8 < drawn.sum(axis=1).mean() < 10.2)
        ((500, 5), True)

    References:
        Perks (1947), *Journal of the Institute of Actuaries* 73:285, for one case in all; coverage
        is printed by ``benchmarks/bench_coverage.py``.
    """
    from evalkit.plugin import rate_trials  # start-up: statistics

    generator = np.random.default_rng([seed, 1])
    right = (cells.target == cells.output)[cells.cell].astype(np.float64)
    load = np.ones(len(right)) if weights is None else weights
    case = float(load.sum()) / rate_trials(right, groups=groups, weights=weights)
    more = 2 * len(cells.labels)
    cells = cells.mistakable()
    for part in count_draws(cells, weights, resamples=resamples, seed=seed, groups=groups):
        part[:, -more:] += case * generator.gamma(1 / more, size=(len(part), more))
        yield part


def _kinds(cells: ConfusionCells, weights: FloatArray | None) -> tuple[Any, IntArray]:
    """Return what one case of each kind adds to the counts, and how many there are of each kind."""
    if weights is None:  # the kinds are the cells, and a case adds 1
        return None, np.bincount(cells.cell, minlength=len(cells.target))
    loads, load = np.unique(weights, return_inverse=True)
    kinds, times = np.unique(cells.cell * len(loads) + load, return_counts=True)
    return _sparse(loads[kinds % len(loads)], kinds // len(loads), cells), times


def _group_tables(
    cells: ConfusionCells, weights: FloatArray | None, groups: ArrayLike
) -> tuple[Any, IntArray]:
    """Return each group's counts, and 1 for each group."""
    numbers: dict[Any, int] = {}
    codes = [numbers.setdefault(group, len(numbers)) for group in np.asarray(groups).tolist()]
    load = np.ones(len(cells.cell)) if weights is None else weights
    table = _sparse(load, cells.cell, cells, np.array(codes, dtype=np.int64))
    return table, np.ones(len(numbers), dtype=np.int64)


def _sparse(
    load: FloatArray, cell: IntArray, cells: ConfusionCells, row: IntArray | None = None
) -> Any:
    from scipy.sparse import csr_array

    row = np.arange(len(cell)) if row is None else row
    return csr_array((load, (row, cell)), shape=(int(row.max()) + 1, len(cells.target)))

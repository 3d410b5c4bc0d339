"""Bootstrap draws of a confusion table, from its cells instead of its cases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from evalkit_scorers.arrays import ArrayLike, FloatArray, IntArray
from evalkit_scorers.classification.confusion import ConfusionCells

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
    With *groups* whole groups are drawn, as sums of their tables.

    Args:
        cells: The table's cells.
        weights: Weight of each case, shape ``(n,)``; 1 each where ``None``.
        resamples: Bootstrap draws.
        seed: Seed of the generator; equal arguments give equal draws.
        groups: Group of each case, shape ``(n,)``.

    Examples:
        >>> import numpy as np
        >>> one = np.zeros(1, dtype=np.int64)
        >>> cells = ConfusionCells(('"a"',), one, one, np.zeros(9, dtype=np.int64))
        >>> next(count_draws(cells, None, resamples=2, seed=0)).tolist()
        [[9.0], [9.0]]

    References:
        Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 6.
    """
    import numpy as np

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


def _kinds(cells: ConfusionCells, weights: FloatArray | None) -> tuple[Any, IntArray]:
    """Return what one case of each kind adds to the counts, and how many there are of each kind."""
    import numpy as np

    if weights is None:  # the kinds are the cells, and a case adds 1
        return None, np.bincount(cells.cell, minlength=len(cells.target))
    loads, load = np.unique(weights, return_inverse=True)
    kinds, times = np.unique(cells.cell * len(loads) + load, return_counts=True)
    return _sparse(loads[kinds % len(loads)], kinds // len(loads), cells), times


def _group_tables(
    cells: ConfusionCells, weights: FloatArray | None, groups: ArrayLike
) -> tuple[Any, IntArray]:
    """Return each group's counts, and 1 for each group."""
    import numpy as np

    numbers: dict[Any, int] = {}
    codes = [numbers.setdefault(group, len(numbers)) for group in np.asarray(groups).tolist()]
    load = np.ones(len(cells.cell)) if weights is None else weights
    table = _sparse(load, cells.cell, cells, np.array(codes, dtype=np.int64))
    return table, np.ones(len(numbers), dtype=np.int64)


def _sparse(
    load: FloatArray,
    cell: IntArray,
    cells: ConfusionCells,
    row: IntArray | None = None,
) -> Any:
    import numpy as np
    from scipy.sparse import csr_array

    row = np.arange(len(cell)) if row is None else row
    return csr_array((load, (row, cell)), shape=(int(row.max()) + 1, len(cells.target)))

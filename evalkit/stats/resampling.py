"""Resample cases, or whole groups of cases, with replacement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import as_group_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from evalkit.stats.arguments import FloatArray

_CHUNK_CELLS = 4_000_000
"""Weights held at once where the caller names no chunk: 32 MB of float64."""

_BLOCK_CELLS = 65_536
"""Cases counted at once: enough to spare calls, few enough to stay in the processor's cache."""

_FEW_DISTINCT = 32
"""Distinct rows are drawn as one multinomial where there are this many times fewer than rows."""

_PROBE = 2_000
"""Rows looked at before the cost of finding the distinct ones is paid."""


def bootstrap_weights(
    n: int, draws: int, *, seed: int, groups: npt.ArrayLike | None = None, chunk: int | None = None
) -> Iterator[FloatArray]:
    """Yield how often each case occurs in each bootstrap draw.

    A statistic that sums over cases is then one product: ``weights @ statistics``.  One that
    does not takes the counts as case weights.

    Args:
        n: Number of cases, at least 1.
        draws: Number of bootstrap draws.
        seed: Seed of the generator; equal arguments give equal weights.
        groups: Group of each case, shape ``(n,)``; whole groups are then resampled.
        chunk: Draws in one yielded array; never changes the numbers.  Memory is
            ``8 * chunk * n`` bytes.

    Yields:
        Arrays of whole-number counts as float64, shape ``(<= chunk, n)``; every row sums to *n*
        where there are no groups.

    Raises:
        ValueError: If *n*, *draws* or *chunk* is below 1, or *groups* has another length.

    Examples:
        >>> parts = list(bootstrap_weights(4, 3, seed=1, chunk=2))
        >>> [part.shape for part in parts]
        [(2, 4), (1, 4)]
        >>> parts[0].sum(axis=1)
        array([4., 4.])

    References:
        Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 6; Cameron,
        Gelbach and Miller (2008) for resampling whole clusters.
    """
    if n < 1 or draws < 1:
        raise ValueError(f"n and draws must be at least 1, got {n} and {draws}")
    if chunk is None:
        chunk = max(1, min(draws, _CHUNK_CELLS // n))
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}")
    if groups is None:
        return _case_weights(n, draws, seed, chunk)
    codes, n_groups = as_group_codes(groups, n)
    return (part[:, codes] for part in _case_weights(n_groups, draws, seed, chunk))


def bootstrap_totals(
    statistics: npt.ArrayLike, draws: int, *, seed: int, groups: npt.ArrayLike | None = None
) -> FloatArray:
    """Return the column sums of *statistics* in each bootstrap draw of its rows.

    Exact multinomial resampling.  Rows of one group are summed first; where few rows are
    distinct their counts are drawn directly, whatever the number of cases.  Otherwise the cost
    is one random index a case and draw, and memory stays near 32 MB above the input.

    Args:
        statistics: Additive statistics of each case, shape ``(n, k)`` with ``n >= 1``.
        draws: Number of bootstrap draws.
        seed: Seed of the generator; equal arguments give equal totals.
        groups: Group of each case, shape ``(n,)``; whole groups are then resampled.

    Returns:
        Sums, shape ``(draws, k)``.

    Raises:
        ValueError: If *statistics* is not two-dimensional and finite, or *draws* is below 1.

    Examples:
        >>> bootstrap_totals([[1.0, 1.0], [0.0, 1.0]], 2, seed=0)[:, 1]
        array([2., 2.])
    """
    rows = np.asarray(statistics, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[0] == 0:  # noqa: PLR2004
        raise ValueError(f"statistics must have shape (n, k) with n >= 1, got {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("statistics must be finite")
    if groups is not None:
        rows = sum_by_group(rows, *as_group_codes(groups, rows.shape[0]))
    counts, distinct = _distinct_rows(rows)
    if distinct is not None:
        return _multinomial_totals(counts, distinct, draws, seed)
    totals = np.empty((draws, rows.shape[1]))
    done = 0
    for weights in bootstrap_weights(rows.shape[0], draws, seed=seed):
        totals[done : done + len(weights)] = weights @ rows
        done += len(weights)
    return totals


def sum_by_group(rows: FloatArray, codes: npt.NDArray[np.int64], n_groups: int) -> FloatArray:
    """Return the sums of *rows* within each group, shape ``(n_groups, k)``.

    Examples:
        >>> sum_by_group(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 0]), 2)
        array([[5.],
               [2.]])
    """
    columns = [
        np.bincount(codes, weights=rows[:, column], minlength=n_groups)
        for column in range(rows.shape[1])
    ]
    if not columns:
        return np.empty((n_groups, 0))
    return np.stack(columns, axis=1).astype(np.float64, copy=False)


def _case_weights(n: int, draws: int, seed: int, chunk: int) -> Iterator[FloatArray]:
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // n)
    for start in range(0, draws, chunk):
        part = np.empty((min(chunk, draws - start), n))
        for first in range(0, len(part), block):
            rows = part[first : first + block]
            drawn = generator.integers(0, n, size=rows.shape)  # one stream, however it is cut
            drawn += np.arange(len(rows))[:, None] * n
            rows[:] = np.bincount(drawn.ravel(), minlength=rows.size).reshape(rows.shape)
        yield part


def _multinomial_totals(
    counts: FloatArray, distinct: FloatArray, draws: int, seed: int
) -> FloatArray:
    generator = np.random.default_rng(seed)
    n = int(counts.sum())
    totals = np.empty((draws, distinct.shape[1]))
    chunk = max(1, _CHUNK_CELLS // len(counts))
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        drawn = generator.multinomial(n, counts / n, size=size).astype(np.float64)
        totals[start : start + size] = drawn @ distinct
    return totals


def _distinct_rows(rows: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    nothing = np.empty(0)
    n = rows.shape[0]
    if n < _FEW_DISTINCT:
        return nothing, None
    probe = rows[:: max(1, n // _PROBE)]
    if len(np.unique(probe, axis=0)) * 2 > len(probe):  # mostly distinct: spare the sort
        return nothing, None
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    if len(distinct) * _FEW_DISTINCT > n:
        return nothing, None
    return counts.astype(np.float64), distinct

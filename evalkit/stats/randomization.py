"""Compare two systems by resampling: sign flips, paired bootstrap, approximate randomisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from evalkit.stats.arguments import FloatArray, as_group_codes, as_sample, check_level
from evalkit.stats.bootstrap import percentile_interval
from evalkit.stats.resampling import bootstrap_totals, sum_by_group

Compute: TypeAlias = Callable[[FloatArray], FloatArray]
"""Turns totals of statistics, shape ``(m, k)``, into metrics, shape ``(m,)``."""

Null: TypeAlias = Literal["shifted", "moses"]
"""How the draws of a bootstrap are made to have no difference."""

_EXACT = 20
"""Non-zero differences up to which all sign patterns are tried."""

_CHUNK_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class ResampledDifference:
    """The difference of two systems by a corpus metric, with what resampling says of it."""

    difference: float
    """Metric of the first system minus that of the second, on all cases."""

    p_value: float
    """Two-sided p-value of no difference, never 0."""

    low: float | None = None
    """Lower limit; ``None`` for a test that gives no interval."""

    high: float | None = None
    """Upper limit."""

    standard_error: float | None = None
    """Standard deviation of the difference over draws."""


def sign_flip_test(
    differences: npt.ArrayLike,
    *,
    draws: int = 9_999,
    seed: int = 0,
    groups: npt.ArrayLike | None = None,
) -> float:
    """Return the two-sided p-value of a mean difference of 0 by flipping signs.

    Under the null hypothesis that the systems are exchangeable each difference might as well have
    the other sign.  With up to 20 differences that are not 0 all patterns are tried; otherwise
    random ones, and p is ``(1 + hits) / (1 + draws)``.

    Args:
        differences: Differences of the pairs, shape ``(n,)`` with ``n >= 1``.
        draws: Random patterns.
        seed: Seed of the generator.
        groups: Group of each pair; the signs of a group flip together.

    Raises:
        ValueError: If *differences* is empty or not finite.

    Examples:
        >>> sign_flip_test([1.0, 2.0, 3.0])
        0.25

    References:
        Fisher (1935), *The Design of Experiments*, section 21; Pitman (1937).
    """
    sample = as_sample(differences, "differences")
    if groups is not None:
        sample = sum_by_group(sample[:, None], *as_group_codes(groups, sample.size))[:, 0]
    seen = abs(float(sample.sum()))
    sizes = np.abs(sample[sample != 0])
    if sizes.size == 0:
        return 1.0
    slack = 1e-12 * float(sizes.sum())  # sums in another order are no smaller differences
    if sizes.size <= _EXACT:
        sums = np.zeros(1)
        for size in sizes:
            sums = np.concatenate([sums + size, sums - size])
        return float((np.abs(sums) >= seen - slack).mean())
    hits = int((np.abs(_flipped_sums(sizes, draws, seed)) >= seen - slack).sum())
    return (1 + hits) / (1 + draws)


def _flipped_sums(sizes: FloatArray, draws: int, seed: int) -> FloatArray:
    generator = np.random.default_rng(seed)
    distinct, counts = np.unique(sizes, return_counts=True)
    if distinct.size * 8 <= sizes.size:  # equal sizes flip as one binomial
        heads = generator.binomial(counts, 0.5, size=(draws, distinct.size))
        return np.asarray((2.0 * heads - counts) @ distinct)
    total = float(sizes.sum())
    flips = [part @ sizes for part in _coins(generator, sizes.size, draws)]
    return total - 2 * np.concatenate(flips)


def _coins(generator: np.random.Generator, n: int, draws: int) -> Iterator[FloatArray]:
    chunk = max(1, _CHUNK_CELLS // n)
    for start in range(0, draws, chunk):
        count = min(chunk, draws - start)
        packed = generator.integers(0, 256, size=(count, (n + 7) // 8), dtype=np.uint8)
        yield np.unpackbits(packed, axis=1, count=n).astype(np.float64)


def paired_bootstrap(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    compute: Compute,
    *,
    draws: int = 2_000,
    seed: int = 0,
    groups: npt.ArrayLike | None = None,
    level: float = 0.95,
    null: Null = "shifted",
) -> ResampledDifference:
    """Compare two systems by a corpus metric, resampling the cases of both together.

    The p-value is the share of draws whose distance from the draws' mean reaches the difference
    seen: the bootstrap distribution is shifted to the null hypothesis.  To reproduce a paper,
    ``null="moses"`` is what Moses and sacrebleu do instead: they shift the *absolute* differences
    to a mean of 0 and count those above the one seen, which rejects more often.

    Args:
        first: Additive statistics of the first system, shape ``(n, k)``.
        second: Those of the second on the same cases, shape ``(n, k)``.
        compute: Turns totals, shape ``(m, k)``, into the metric, shape ``(m,)``.
        draws: Bootstrap draws.
        seed: Seed of the generator.
        groups: Group of each case; whole groups are then resampled.
        level: Confidence level as a fraction in (0, 1).
        null: ``shifted`` or ``moses``.

    Raises:
        ValueError: If the shapes differ, there are no cases, or *null* is neither.

    Examples:
        >>> right = np.array([[1.0, 1.0]] * 9 + [[0.0, 1.0]])
        >>> wrong = np.array([[1.0, 1.0]] * 3 + [[0.0, 1.0]] * 7)
        >>> found = paired_bootstrap(right, wrong, lambda t: t[:, 0] / t[:, 1])
        >>> round(found.difference, 3), found.p_value < 0.01
        (0.6, True)

    References:
        Koehn (2004), EMNLP; Efron and Tibshirani (1993), *An Introduction to the Bootstrap*,
        section 16.4, for the shift; Moses' ``bootstrap-hypothesis-difference-significance.pl`` and
        sacrebleu's ``significance.py`` for theirs.
    """
    check_level(level)
    if null not in get_args(Null):
        raise ValueError(f"null must be one of {', '.join(get_args(Null))}, got {null!r}")
    a, b = _pair(first, second)
    k = a.shape[1]
    totals = bootstrap_totals(np.hstack([a, b]), draws, seed=seed, groups=groups)
    drawn = _metric(compute, totals[:, :k]) - _metric(compute, totals[:, k:])
    difference = _difference(compute, a.sum(axis=0), b.sum(axis=0))
    drawn = drawn[np.isfinite(drawn)]
    interval = percentile_interval(drawn, difference, level=level)
    if null == "moses":
        sizes = np.abs(drawn)
        hits = int((sizes - sizes.mean() > abs(difference)).sum())
    else:
        hits = int((np.abs(drawn - drawn.mean()) >= abs(difference)).sum())
    p_value = (1 + hits) / (1 + drawn.size)
    return ResampledDifference(
        difference, p_value, interval.low, interval.high, interval.standard_error
    )


def approximate_randomization(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    compute: Compute,
    *,
    draws: int = 2_000,
    seed: int = 0,
    groups: npt.ArrayLike | None = None,
) -> ResampledDifference:
    """Test two systems by a corpus metric, swapping their outputs case by case at random.

    Args:
        first: Additive statistics of the first system, shape ``(n, k)``.
        second: Those of the second on the same cases, shape ``(n, k)``.
        compute: Turns totals, shape ``(m, k)``, into the metric, shape ``(m,)``.
        draws: Random swaps.
        seed: Seed of the generator.
        groups: Group of each case; a group's outputs are swapped together.

    Returns:
        The difference and its p-value ``(1 + hits) / (1 + draws)``; no interval.

    Raises:
        ValueError: If the shapes differ or there are no cases.

    Examples:
        >>> right = np.array([[1.0, 1.0]] * 9 + [[0.0, 1.0]])
        >>> wrong = np.array([[1.0, 1.0]] * 3 + [[0.0, 1.0]] * 7)
        >>> approximate_randomization(right, wrong, lambda t: t[:, 0] / t[:, 1]).p_value < 0.05
        True

    References:
        Noreen (1989), *Computer-Intensive Methods*; Riezler and Maxwell (2005); Clark et al.
        (2011), MultEval.
    """
    a, b = _pair(first, second)
    difference = _difference(compute, a.sum(axis=0), b.sum(axis=0))
    change = b - a
    if groups is not None:
        change = sum_by_group(change, *as_group_codes(groups, change.shape[0]))
    generator = np.random.default_rng(seed)
    hits, slack = 0, 1e-12 * max(1.0, abs(difference))
    for coins in _coins(generator, change.shape[0], draws):
        swapped = coins @ change
        drawn = _metric(compute, a.sum(axis=0) + swapped) - _metric(
            compute, b.sum(axis=0) - swapped
        )
        hits += int((np.abs(drawn) >= abs(difference) - slack).sum())
    return ResampledDifference(difference, (1 + hits) / (1 + draws))


def _pair(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[0] == 0:  # noqa: PLR2004
        raise ValueError(f"statistics must share a shape (n, k), got {a.shape} and {b.shape}")
    return a, b


def _metric(compute: Compute, totals: FloatArray) -> FloatArray:
    values = np.asarray(compute(totals), dtype=np.float64)
    if values.shape != totals.shape[:1]:
        raise ValueError(
            f"compute must turn totals {totals.shape} into {totals.shape[:1]}, gave {values.shape}"
        )
    return values


def _difference(compute: Compute, a: FloatArray, b: FloatArray) -> float:
    return float(_metric(compute, a[None, :])[0] - _metric(compute, b[None, :])[0])

"""Judge repeated samples: pass@k, pass^k, and how much variance the repeats add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from evalkit.stats.arguments import FloatArray


def pass_at_k(n: int, c: npt.ArrayLike, k: int) -> FloatArray:
    """Return the chance that one of *k* samples passes, when *c* of *n* did; unbiased.

    Args:
        n: Samples drawn of each case.
        c: Samples that passed, an integer or any array of them, in [0, n].
        k: Samples allowed, in [1, n].

    Returns:
        Chances in [0, 1], of the shape of *c*.

    Raises:
        ValueError: If *k* or *c* is out of range.

    Examples:
        >>> float(pass_at_k(5, 2, 3))
        0.9

    References:
        Chen et al. (2021), *Evaluating Large Language Models Trained on Code*, arXiv 2107.03374.
    """
    passed = _counts(n, c, k)
    # 1 - C(n - c, k) / C(n, k), as a product of k factors, each in [0, 1].
    misses = np.ones(passed.shape)
    for step in range(k):
        misses *= np.maximum(0.0, n - passed - step) / (n - step)
    return np.asarray(1.0 - misses)


def pass_hat_k(n: int, c: npt.ArrayLike, k: int) -> FloatArray:
    """Return the chance that all of *k* samples pass, when *c* of *n* did; unbiased.

    Args:
        n: Samples drawn of each case.
        c: Samples that passed, an integer or any array of them, in [0, n].
        k: Samples asked for, in [1, n].

    Returns:
        Chances in [0, 1], of the shape of *c*.

    Raises:
        ValueError: If *k* or *c* is out of range.

    Examples:
        >>> float(pass_hat_k(8, 6, 1))
        0.75

    References:
        Yao et al. (2024), *tau-bench*, arXiv 2406.12045.
    """
    passed = _counts(n, c, k)
    chance = np.ones(passed.shape)
    for step in range(k):
        chance *= np.maximum(0.0, passed - step) / (n - step)
    return chance


def pass_share_of_k(n: int, c: npt.ArrayLike, k: int, share: float) -> FloatArray:
    """Return the chance that at least ``ceil(share * k)`` of *k* samples pass (G-Pass@k).

    Args:
        n: Samples drawn of each case.
        c: Samples that passed, an integer or any array of them, in [0, n].
        k: Samples asked for, in [1, n].
        share: Share of them that must pass, in (0, 1]; 1 is `pass_hat_k`.

    Raises:
        ValueError: If *k*, *c* or *share* is out of range.

    Examples:
        >>> round(float(pass_share_of_k(8, 6, 4, 0.75)), 6)
        0.785714

    References:
        Liu et al. (2024), *Are Your LLMs Capable of Stable Reasoning?*, arXiv 2412.13147.
    """
    from scipy.special import comb

    passed = _counts(n, c, k)
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], got {share}")
    needed = max(1, int(np.ceil(share * k - 1e-9)))
    ways = sum(comb(passed, j) * comb(n - passed, k - j) for j in range(needed, k + 1))
    return np.asarray(ways / comb(n, k), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Tell apart how much of a mean's error comes from cases and how much from repeats."""

    n: int
    """Number of cases."""

    repeats: int
    """Repeats of each case."""

    mean: float
    """Mean over all cells."""

    between: float
    """Mean square between cases (MSB): repeats times the variance of case means."""

    within: float
    """Mean square within cases (MSW): variance of a case's repeats, the target's randomness."""

    case_variance: float
    """Variance of the cases' true means, ``(MSB - MSW) / K``, at least 0."""

    icc: float
    """Intraclass correlation of repeats, ``(MSB - MSW) / (MSB + (K - 1) MSW)``; 0 without
    variance."""

    standard_error: float
    """Standard error of the mean, over cases."""

    repeat_share: float
    """Share of the mean's variance that more repeats would remove, in [0, 1]."""


def variance_components(matrix: npt.ArrayLike) -> VarianceComponents:
    """Split the variance of repeated scores into that of cases and that of repeats.

    Args:
        matrix: Scores, shape ``(n, K)`` with ``n >= 2`` cases and ``K >= 2`` repeats; finite.

    Raises:
        ValueError: If the shape does not fit or a score is not finite.

    Examples:
        >>> found = variance_components([[1, 1], [0, 0], [1, 0]])
        >>> round(found.icc, 3)
        0.5

    References:
        Miller (2024), arXiv 2411.00640, section 3; Shrout and Fleiss (1979), one-way model.
    """
    scores = np.asarray(matrix, dtype=np.float64)
    if scores.ndim != 2 or min(scores.shape) < 2:  # noqa: PLR2004
        raise ValueError(f"matrix must have shape (n >= 2, K >= 2), got {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("matrix must be finite; leave cases with missing repeats out")
    n, repeats = scores.shape
    between = repeats * float(scores.mean(axis=1).var(ddof=1))
    within = float(scores.var(axis=1, ddof=1).mean())
    total = between + (repeats - 1) * within
    return VarianceComponents(
        n=n,
        repeats=repeats,
        mean=float(scores.mean()),
        between=between,
        within=within,
        case_variance=max(0.0, (between - within) / repeats),
        icc=(between - within) / total if total > 0 else 0.0,
        standard_error=float(np.sqrt(between / repeats / n)),
        repeat_share=min(1.0, within / between) if between > 0 else float(within > 0),
    )


def best_repeats(case_variance: float, repeat_variance: float, *, case_cost: float = 0.0) -> float:
    """Return the number of repeats a case that buys the smallest error for the money.

    Args:
        case_variance: Variance of the cases' true means.
        repeat_variance: Variance of a case's repeats.
        case_cost: What a new case costs beyond its calls, in units of one call: 0 where cases are
            plentiful, the price of labelling one where they are not.

    Returns:
        ``sqrt(case_cost * repeat_variance / case_variance)``, at least 1; infinite where cases do
        not differ.  Round it to a whole number.

    Raises:
        ValueError: If an argument is negative.

    Examples:
        >>> best_repeats(0.1, 0.15)
        1.0
        >>> round(best_repeats(0.1, 0.15, case_cost=10), 2)
        3.87

    References:
        Brennan (2001), *Generalizability Theory*, section 8.2; Cochran (1977), section 10.6.
    """
    if min(case_variance, repeat_variance, case_cost) < 0:
        raise ValueError("variances and costs must not be negative")
    if case_variance == 0:
        return 1.0 if case_cost * repeat_variance == 0 else float("inf")
    return max(1.0, float(np.sqrt(case_cost * repeat_variance / case_variance)))


def _counts(n: int, c: npt.ArrayLike, k: int) -> FloatArray:
    if not 1 <= k <= n:
        raise ValueError(f"k must lie in [1, {n}], got {k}")
    passed = np.asarray(c, dtype=np.float64)
    if ((passed < 0) | (passed > n)).any():
        raise ValueError(f"c must lie in [0, {n}]")
    return passed

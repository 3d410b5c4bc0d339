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


def _counts(n: int, c: npt.ArrayLike, k: int) -> FloatArray:
    if not 1 <= k <= n:
        raise ValueError(f"k must lie in [1, {n}], got {k}")
    passed = np.asarray(c, dtype=np.float64)
    if ((passed < 0) | (passed > n)).any():
        raise ValueError(f"c must lie in [0, {n}]")
    return passed

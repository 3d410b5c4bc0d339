"""Give intervals of a mean that hold at every moment, in closed form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, as_values, check_level

if TYPE_CHECKING:
    import numpy.typing as npt

_TRUNCATION = 0.5
"""Largest share of the capital put on one bet."""


def empirical_bernstein_sequence(
    scores: npt.ArrayLike, *, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return centres and half-widths of the empirical Bernstein confidence sequence.

    In closed form, so cheaper than betting, and somewhat wider.

    Args:
        scores: Scores in [0, 1] in the order of drawing, shape ``(n,)``.
        level: Confidence level as a fraction in (0, 1).

    Returns:
        ``(centre, half_width)``, each of shape ``(n,)``; the interval at each moment holds, and so
        does the intersection of all so far.

    Raises:
        ValueError: If a score is not in [0, 1].

    Examples:
        >>> centre, half_width = empirical_bernstein_sequence([0.5] * 100)
        >>> bool(half_width[-1] < half_width[0])
        True

    References:
        Waudby-Smith and Ramdas (2024), JRSS B 86:1, theorem 2.
    """
    x = as_values(scores, "scores")
    if x.size and not ((x >= 0) & (x <= 1)).all():
        raise ValueError("scores must lie in [0, 1]; rescale them by their bounds")
    alpha = 1 - check_level(level)
    t = np.arange(1, x.size + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    mean_before = np.concatenate([[0.5], mean[:-1]])
    variance_before = np.concatenate([[0.25], variance[:-1]])
    bets = np.minimum(
        np.sqrt(2 * math.log(2 / alpha) / (variance_before * t * np.log(1 + t))), _TRUNCATION
    )
    surprise = 4 * (x - mean_before) ** 2 * (-np.log1p(-bets) - bets) / 4
    total = np.cumsum(bets)
    return np.cumsum(bets * x) / total, (math.log(2 / alpha) + np.cumsum(surprise)) / total


def normal_mixture_half_width(
    t: npt.ArrayLike,
    *,
    sigma: npt.ArrayLike = 0.5,
    level: float = 0.95,
    tightest_at: float = 500.0,
) -> FloatArray:
    """Return half-widths of Robbins' normal-mixture confidence sequence.

    With ``sigma = 0.5`` it holds at all times for the running mean of scores in [0, 1]; with the
    running standard deviation it is the asymptotic sequence, for values of any range.

    Args:
        t: Numbers of values seen, at least 1.
        sigma: Sub-Gaussian scale, or the running standard deviation, broadcast against *t*.
        level: Confidence level as a fraction in (0, 1).
        tightest_at: Number of values at which it should be tightest.

    Returns:
        Half-widths, of the broadcast shape.

    Raises:
        ValueError: If *level* is outside (0, 1) or *tightest_at* is not positive.

    Examples:
        >>> normal_mixture_half_width([100, 500]).round(4)
        array([0.1682, 0.0679])

    References:
        Robbins (1970); Howard et al. (2021), *Annals of Statistics* 49:1055; Waudby-Smith et al.
        (2021), arXiv 2103.06476, for the asymptotic sequence.
    """
    alpha = 1 - check_level(level)
    if not tightest_at > 0:
        raise ValueError(f"tightest_at must be positive, got {tightest_at}")
    rho = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / tightest_at
    seen = np.asarray(t, dtype=np.float64)
    scale = np.asarray(sigma, dtype=np.float64)
    grown = seen * rho + 1
    return np.asarray(scale * np.sqrt(2 * grown / (seen**2 * rho) * np.log(np.sqrt(grown) / alpha)))

"""Give intervals of a mean that hold at every moment, so that one may stop when one likes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, as_values, check_level
from evalkit.stats.interval import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

_TRUNCATION = 0.5
"""Largest share of the capital put on one bet."""


class BettingSequence:
    """Follow the mean of scores in [0, 1] by betting against every value that it might have.

    For each candidate mean m two gamblers bet that the next score lies above, or below, m.  If m
    is true their capital is a fair game; once it has grown ``1 / alpha``-fold, m is ruled out for
    good.  What is left contains the true mean at all times with probability *level*, however often
    one looks.  The cases must come in random order.

    Args:
        level: Confidence level as a fraction in (0, 1).
        grid: Number of steps between candidate means; the limits are exact to one step.
        population: Number of cases in a finite data set drawn from without replacement, where its
            mean is wanted; the interval then shrinks to a point as they run out.

    Examples:
        >>> sequence = BettingSequence()
        >>> sequence.update([1.0] * 30).low > 0.7
        True

    References:
        Waudby-Smith and Ramdas (2024), *Estimating means of bounded random variables by betting*,
        JRSS B 86:1 (hedged capital, theorem 3; without replacement, section 5).
    """

    __slots__ = (
        "_alive",
        "_alpha",
        "_candidates",
        "_down",
        "_population",
        "_squares",
        "_sum",
        "_t",
        "_up",
    )

    def __init__(
        self, *, level: float = 0.95, grid: int = 1000, population: int | None = None
    ) -> None:
        self._alpha = 1 - check_level(level)
        if grid < 2:  # noqa: PLR2004
            raise ValueError(f"grid must be at least 2, got {grid}")
        self._candidates = np.linspace(0.0, 1.0, grid + 1)
        self._alive = np.ones(grid + 1, dtype=np.bool_)
        self._up = np.zeros(grid + 1)
        self._down = np.zeros(grid + 1)
        self._population = population
        self._t, self._sum, self._squares = 0, 0.0, 0.0

    @property
    def n(self) -> int:
        """Return how many scores have been seen."""
        return self._t

    def update(self, scores: npt.ArrayLike) -> Interval:
        """Take the next scores, in order, and return the interval that now holds.

        Raises:
            ValueError: If a score is not in [0, 1], or more come than the population has.
        """
        values = np.atleast_1d(np.asarray(scores, dtype=np.float64))
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError("scores must lie in [0, 1]; rescale them by their bounds")
        if self._population is not None and self._t + values.size > self._population:
            raise ValueError(f"more scores than the population of {self._population}")
        for value in values.tolist():
            self._bet(value)
        return self.interval()

    def interval(self) -> Interval:
        """Return the interval that holds now; [0, 1] before the first score."""
        left = self._candidates[self._alive]
        low, high = (float(left[0]), float(left[-1])) if left.size else (1.0, 0.0)
        if self._population is not None:  # what is left to see cannot move the mean further
            low = max(low, self._sum / self._population)
            high = min(high, (self._sum + self._population - self._t) / self._population)
        if low > high:  # all that is possible lies between two candidates
            low = high = self._sum / max(1, self._t)
        return Interval(low, high, "betting")

    def _bet(self, value: float) -> None:
        t = self._t + 1
        variance = (0.25 + self._squares) / t
        size = math.sqrt(2 * math.log(2 / self._alpha) / (variance * t * math.log(1 + t)))
        candidates = self._candidates
        if self._population is not None:
            rest = self._population - self._t
            reachable = (self._population * candidates - self._sum) / rest
            candidates = np.clip(reachable, 0.0, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            above = np.minimum(size, _TRUNCATION / candidates)
            below = np.minimum(size, _TRUNCATION / (1 - candidates))
            self._up += np.log1p(above * (value - candidates))
            self._down += np.log1p(below * (candidates - value))
        capital = np.maximum(self._up, self._down) - math.log(2)
        self._alive &= capital < -math.log(self._alpha)
        self._t = t
        self._sum += value
        centre = (0.5 + self._sum) / (t + 1)
        self._squares += (value - centre) ** 2


def betting_sequence(
    scores: npt.ArrayLike,
    *,
    level: float = 0.95,
    grid: int = 1000,
    population: int | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper limits after each score of a `BettingSequence`.

    Args:
        scores: Scores in [0, 1] in the order of drawing, shape ``(n,)``.
        level: Confidence level as a fraction in (0, 1).
        grid: Number of steps between candidate means.
        population: Size of a finite data set drawn from without replacement.

    Returns:
        ``(low, high)``, each of shape ``(n,)``; never widening.

    Raises:
        ValueError: If a score is not in [0, 1].

    Examples:
        >>> low, high = betting_sequence([1, 0, 1, 1])
        >>> bool((np.diff(low) >= 0).all())
        True

    References:
        Waudby-Smith and Ramdas (2024), JRSS B 86:1.
    """
    sequence = BettingSequence(level=level, grid=grid, population=population)
    limits = [sequence.update(value) for value in as_values(scores, "scores").tolist()]
    return np.array([one.low for one in limits]), np.array([one.high for one in limits])


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

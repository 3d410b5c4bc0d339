"""Test and estimate while the data comes in: intervals and evidence that hold at every moment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray, check_level
from evalkit.stats.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

_TRUNCATION = 0.5
"""Largest share of the capital put on one bet."""

_BLOCK = 256
"""Scores that are bet on at a time: a few megabytes for a thousand candidates."""


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
        including: Further candidate means, such as a threshold, that are then ruled out exactly.

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
        "_share",
        "_squares",
        "_sum",
        "_t",
        "_up",
    )

    def __init__(
        self,
        *,
        level: float = 0.95,
        grid: int = 1000,
        population: int | None = None,
        including: Iterable[float] = (),
    ) -> None:
        self._alpha = 1 - check_level(level)
        if grid < 2:  # noqa: PLR2004
            raise ValueError(f"grid must be at least 2, got {grid}")
        wanted = np.asarray(list(including), dtype=np.float64)
        if not ((wanted >= 0) & (wanted <= 1)).all():
            raise ValueError("candidate means must lie in [0, 1]")
        self._candidates = np.union1d(np.linspace(0.0, 1.0, grid + 1), wanted)
        self._alive = np.ones(self._candidates.size, dtype=np.bool_)
        self._up = np.zeros(self._candidates.size)
        self._down = np.zeros(self._candidates.size)
        self._population = population
        self._t, self._sum, self._share, self._squares = 0, 0.0, 0.0, 0.0

    @property
    def n(self) -> int:
        """Return how many scores have been seen."""
        return self._t

    def update(self, scores: npt.ArrayLike, shares: npt.ArrayLike | None = None) -> Interval:
        """Take the next scores, in order, and return the interval that now holds.

        Args:
            scores: Scores in [0, 1].
            shares: Weight of each as a share of the largest weight possible, in (0, 1]; then the
                weighted mean is followed.  A group of dependent cases counts as one score, their
                mean, with the share of their number in the largest group's.

        Raises:
            ValueError: If a score is not in [0, 1], or more come than the population has.
        """
        self.follow(scores, shares)
        return self.interval()

    def follow(
        self, scores: npt.ArrayLike, shares: npt.ArrayLike | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Take the next scores as `update` does; return the limits after each, shape ``(n,)``."""
        values = np.atleast_1d(np.asarray(scores, dtype=np.float64))
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError("scores must lie in [0, 1]; rescale them by their bounds")
        parts = np.ones(values.size) if shares is None else np.asarray(shares, dtype=np.float64)
        if parts.shape != values.shape or not ((parts > 0) & (parts <= 1)).all():
            raise ValueError("shares must lie in (0, 1], one for each score")
        if self._population is not None and shares is not None:
            raise ValueError("a finite population must have equal shares")
        if self._population is not None and self._t + values.size > self._population:
            raise ValueError(f"more scores than the population of {self._population}")
        limits = [
            self._bet(values[start : start + _BLOCK], parts[start : start + _BLOCK])
            for start in range(0, values.size, _BLOCK)
        ]
        if not limits:
            return np.empty(0), np.empty(0)
        return np.concatenate([low for low, _ in limits]), np.concatenate([h for _, h in limits])

    def interval(self) -> Interval:
        """Return the interval that holds now; [0, 1] before the first score."""
        mean = self._sum / self._share if self._share else 0.0
        t, total = np.array([float(self._t)]), np.array([self._sum])
        low, high = self._limits(self._alive[None, :], t, total, np.array([mean]))
        return Interval(float(low[0]), float(high[0]), "betting")

    def _limits(
        self, alive: npt.NDArray[np.bool_], t: FloatArray, total: FloatArray, mean: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the ends of what is left of the candidates after each step, one row a step."""
        left = alive.any(axis=1)
        low = np.where(left, self._candidates[alive.argmax(axis=1)], 1.0)
        high = np.where(left, self._candidates[::-1][alive[:, ::-1].argmax(axis=1)], 0.0)
        if self._population is not None:  # what is left to see cannot move the mean further
            low = np.maximum(low, total / self._population)
            high = np.minimum(high, (total + self._population - t) / self._population)
        crossed = low > high  # all that is possible lies between two candidates
        return np.where(crossed, mean, low), np.where(crossed, mean, high)

    def _bet(self, values: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Bet on a block of scores; return the limits after each."""
        t = self._t + np.arange(1.0, values.size + 1)
        total = self._sum + np.cumsum(shares * values)
        share = self._share + np.cumsum(shares)
        surprises = (shares * (values - (0.5 + total) / (1 + share))) ** 2
        squares = self._squares + np.cumsum(surprises)
        variance = (0.25 + np.concatenate([[self._squares], squares[:-1]])) / t
        size = np.sqrt(2 * math.log(2 / self._alpha) / (variance * t * np.log(1 + t)))[:, None]
        candidates = self._candidates[None, :]
        if self._population is not None:
            rest = self._population - (t - 1)[:, None]
            before = np.concatenate([[self._sum], total[:-1]])[:, None]
            candidates = np.clip((self._population * candidates - before) / rest, 0.0, 1.0)
        surplus = shares[:, None] * (values[:, None] - candidates)
        with np.errstate(divide="ignore", invalid="ignore"):
            above = np.minimum(size, _TRUNCATION / candidates)
            below = np.minimum(size, _TRUNCATION / (1 - candidates))
            up = self._up + np.cumsum(np.log1p(above * surplus), axis=0)
            down = self._down + np.cumsum(np.log1p(-below * surplus), axis=0)
        alive = np.maximum(up, down) - math.log(2) < -math.log(self._alpha)
        alive[0] &= self._alive
        alive = np.logical_and.accumulate(alive, axis=0)
        self._up, self._down, self._alive = up[-1], down[-1], alive[-1]
        self._t, self._sum, self._share = int(t[-1]), float(total[-1]), float(share[-1])
        self._squares = float(squares[-1])
        return self._limits(alive, t, total, total / share)


def wins_e_value(wins: npt.ArrayLike, losses: npt.ArrayLike, *, prior: float = 0.5) -> FloatArray:
    """Return the evidence against equal systems after so many wins and losses.

    An e-process: under equality the chance that it ever reaches ``1 / alpha`` is at most *alpha*,
    whatever the stopping rule.  Ties are left out.

    Args:
        wins: Cases that only the first has right, at least 0.
        losses: Cases that only the second has right, at least 0.
        prior: Both parameters of the beta prior; 0.5 is Jeffreys', 1 the uniform.

    Returns:
        E-values; 1 is no evidence, infinite beyond about 1e308.

    Raises:
        ValueError: If a count is negative or *prior* not positive.

    Examples:
        >>> round(float(wins_e_value(12, 2)), 3)
        10.882

    References:
        Ville (1939); Robbins (1970); Ramdas, Grünwald, Vovk and Shafer (2023), *Statistical
        Science* 38:576.
    """
    from scipy.special import betaln

    won, lost = np.asarray(wins, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if (won < 0).any() or (lost < 0).any() or not prior > 0:
        raise ValueError("wins and losses must not be negative, and prior must be positive")
    log_e = (won + lost) * math.log(2) + betaln(won + prior, lost + prior) - betaln(prior, prior)
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(log_e))

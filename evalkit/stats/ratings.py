"""Rate systems without a model: Elo, win rates, and the ranks that intervals leave open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import as_sample
from evalkit.stats.clustered import clustered_mean
from evalkit.stats.mean import mean_and_error

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    import numpy.typing as npt


def elo(
    games: Iterable[tuple[Hashable, Hashable, float]], *, k: float = 4.0, start: float = 1000.0
) -> dict[Hashable, float]:
    """Return Elo ratings after a series of games, which depend on their order.

    For reports prefer `bradley_terry` and its `Strengths.elo`.

    Args:
        games: ``(first, second, score)`` with a score of 1, 0.5 or 0 for the first.
        k: Points at stake in a game.
        start: Rating before the first game.

    Raises:
        ValueError: If a score is outside [0, 1].

    Examples:
        >>> elo([("a", "b", 1.0)], k=32)
        {'a': 1016.0, 'b': 984.0}

    References:
        Elo (1978), *The Rating of Chessplayers*.
    """
    ratings: dict[Hashable, float] = {}
    for first, second, score in games:
        if not 0 <= score <= 1:
            raise ValueError(f"a game's score must lie in [0, 1], got {score}")
        a, b = ratings.get(first, start), ratings.get(second, start)
        change = k * (score - elo_expectation(a, b))
        ratings[first], ratings[second] = a + change, b - change
    return ratings


def elo_expectation(first: float, second: float) -> float:
    """Return the expected score of a rating against another.

    Examples:
        >>> round(elo_expectation(1000, 1200), 4)
        0.2403
    """
    return 1 / (1 + 10 ** ((second - first) / 400))


def win_rate(
    outcomes: npt.ArrayLike, *, groups: npt.ArrayLike | None = None
) -> tuple[float, float]:
    """Return the share of wins, a tie counting half, and its standard error.

    Args:
        outcomes: 1 for a win, 0.5 for a tie, 0 for a loss (or a chance of winning), shape
            ``(n,)``.
        groups: Group of each comparison, such as its prompt, for a cluster-robust error.

    Raises:
        ValueError: If there are no outcomes or one is outside [0, 1].

    Examples:
        >>> win_rate([1, 1, 0.5, 0])
        (0.625, 0.239...)

    References:
        Dubois et al. (2024), AlpacaEval; the error is ``sd / sqrt(n)``.
    """
    sample = as_sample(outcomes, "outcomes")
    if ((sample < 0) | (sample > 1)).any():
        raise ValueError("outcomes must lie in [0, 1]")
    if groups is None:
        return mean_and_error(sample)
    found = clustered_mean(sample, groups)
    return found.mean, found.standard_error


def rank_intervals(
    low: npt.ArrayLike, high: npt.ArrayLike
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the best and worst rank that each system's interval leaves open.

    The best rank is one more than the number of systems that are surely better, their lower limit
    above this one's upper limit.

    Args:
        low: Lower limits, shape ``(k,)``; higher is better.
        high: Upper limits, shape ``(k,)``.

    Returns:
        ``(best, worst)``, each of shape ``(k,)``, from 1.

    Raises:
        ValueError: If the shapes differ.

    Examples:
        >>> best, worst = rank_intervals([0.5, 0.4, 0.1], [0.7, 0.6, 0.2])
        >>> best.tolist(), worst.tolist()
        ([1, 1, 3], [2, 2, 3])

    References:
        Chiang et al. (2024), *Chatbot Arena*, arXiv 2403.04132.
    """
    lower, upper = as_sample(low, "low"), as_sample(high, "high")
    if lower.shape != upper.shape:
        raise ValueError(f"low and high must pair up, got {lower.size} and {upper.size}")
    better = (lower[None, :] > upper[:, None]).sum(axis=1)
    worse = (upper[None, :] < lower[:, None]).sum(axis=1)
    return (1 + better).astype(np.int64), (lower.size - worse).astype(np.int64)

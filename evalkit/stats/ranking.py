"""Fit strengths of systems to pairwise preferences: Bradley-Terry, and Davidson's ties."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.arguments import FloatArray

if TYPE_CHECKING:
    import numpy.typing as npt

_STEPS = 200
_CONVERGED = 1e-10
_RUN_AWAY = 25.0
"""Log strength that no data can have: odds of 10 to the 10th."""

_NO_MAXIMUM = (
    "ties, and wins of one side alone, give the model no maximum, so strengths are infinite"
)


@dataclass(frozen=True, slots=True)
class Strengths:
    """Fitted log strengths of systems, relative to a reference."""

    strengths: FloatArray
    """Log strengths, shape ``(k,)``; 0 for the reference."""

    standard_errors: FloatArray
    """Standard errors, shape ``(k,)``; 0 for the reference."""

    covariance: FloatArray
    """Covariance of the strengths, shape ``(k, k)``."""

    negative_log_likelihood: float
    """At the fit; votes count, constants do not."""

    tie: float | None = None
    """Davidson's tie parameter; ``None`` in a model without ties."""

    @property
    def elo(self) -> FloatArray:
        """Return the strengths on Elo's scale, the reference at 1000."""
        return self.strengths * 400 / math.log(10) + 1000


def bradley_terry(wins: npt.ArrayLike, *, reference: int = 0, ridge: float = 0.0) -> Strengths:
    """Fit Bradley-Terry strengths by maximum likelihood.

    ``P(i beats j) = 1 / (1 + exp(t_j - t_i))``.  Count a tie as half a win for both, or use
    `davidson`.

    Args:
        wins: How often the row's system beat the column's, shape ``(k, k)``; may be fractional.
        reference: The system whose strength is 0.
        ridge: Penalty ``ridge / 2 * t^2`` that keeps strengths finite where systems never lost to,
            or never met, the others.

    Raises:
        ValueError: If the shape does not fit, or strengths are infinite: some systems never lost
            to, or never met, the rest, and *ridge* is 0.

    Examples:
        >>> fit = bradley_terry([[0, 3], [1, 0]])
        >>> round(float(fit.strengths[1]), 4)
        -1.0986

    References:
        Bradley and Terry (1952), *Biometrika* 39:324; Zermelo (1929).
    """
    table = _table(wins)
    _check_connected(table, ridge)
    t = np.zeros(table.shape[0])
    free = np.arange(t.size) != reference
    information = np.zeros_like(table)
    for _ in range(_STEPS):
        chance = np.exp(-np.logaddexp(0.0, t[None, :] - t[:, None]))
        games = table + table.T
        slope = (table - games * chance).sum(axis=1) - ridge * t
        load = games * chance * (1 - chance)
        np.fill_diagonal(load, 0.0)
        information = np.diag(load.sum(axis=1) + ridge) - load
        step = np.zeros_like(t)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], slope[free])
        t += np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < _CONVERGED:
            break
    covariance = _spread(information, free)
    likelihood = float((table * np.logaddexp(0.0, t[None, :] - t[:, None])).sum())
    return Strengths(t, np.sqrt(np.diag(covariance)), covariance, likelihood)


def davidson(wins: npt.ArrayLike, ties: npt.ArrayLike, *, reference: int = 0) -> Strengths:
    """Fit Davidson's model, a Bradley-Terry model in which ties have a chance of their own.

    ``P(tie) = v sqrt(p_i p_j) / (p_i + p_j + v sqrt(p_i p_j))`` with strengths ``p = exp(t)``.

    Args:
        wins: How often the row's system beat the column's, shape ``(k, k)``.
        ties: How often the two tied, shape ``(k, k)``, symmetric, each tie counted in both
            triangles.
        reference: The system whose strength is 0.

    Raises:
        ValueError: If the shapes do not fit, *ties* is not symmetric, there is no tie at all, or
            strengths are infinite.

    Examples:
        >>> fit = davidson([[0, 3], [1, 0]], [[0, 2], [2, 0]])
        >>> round(fit.tie, 4)
        1.1547

    References:
        Davidson (1970), JASA 65:317.
    """
    table, tied = _table(wins), _table(ties)
    if table.shape != tied.shape or not np.array_equal(tied, tied.T):
        raise ValueError("ties must be symmetric and have the shape of wins")
    if not tied.any():
        raise ValueError("there is no tie; use bradley_terry")
    _check_connected(table + tied, 0.0)
    k = table.shape[0]
    i, j = np.triu_indices(k, 1)
    counts = np.stack([table[i, j], table[j, i], tied[i, j]], axis=1)
    # Log odds of win, loss and tie are linear in (t, log v); a tie is worth half of both strengths.
    design = np.zeros((i.size, 3, k + 1))
    row = np.arange(i.size)
    design[row, 0, i], design[row, 1, j] = 1.0, 1.0
    design[row, 2, i], design[row, 2, j], design[row, 2, k] = 0.5, 0.5, 1.0
    free = np.arange(k + 1) != reference
    theta = np.zeros(k + 1)
    information = np.zeros((k + 1, k + 1))
    for _ in range(_STEPS):
        chance = _softmax(design @ theta)
        games = counts.sum(axis=1)
        slope = np.einsum("pc,pcf->f", counts - games[:, None] * chance, design)
        mean = np.einsum("pc,pcf->pf", chance, design)
        second = np.einsum("p,pc,pcf,pcg->fg", games, chance, design, design)
        information = second - np.einsum("p,pf,pg->fg", games, mean, mean)
        step = np.zeros_like(theta)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], slope[free])
        theta += np.clip(step, -2.0, 2.0)
        # Ties alone, or ties and wins of one side, have no maximum: strengths run away together.
        if not np.abs(theta).max() < _RUN_AWAY:
            raise ValueError(_NO_MAXIMUM)
        if np.abs(step).max() < _CONVERGED:
            break
    else:
        raise ValueError(_NO_MAXIMUM)
    chance = _softmax(design @ theta)
    with np.errstate(divide="ignore"):
        likelihood = -float(np.where(counts > 0, counts * np.log(chance), 0.0).sum())
    covariance = _spread(information, free)[:k, :k]
    return Strengths(
        theta[:k], np.sqrt(np.diag(covariance)), covariance, likelihood, tie=float(np.exp(theta[k]))
    )


def _table(counts: npt.ArrayLike) -> FloatArray:
    table = np.array(counts, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.shape[0] < 2:  # noqa: PLR2004
        raise ValueError(f"counts must have shape (k, k) with k >= 2, got {table.shape}")
    np.fill_diagonal(table, 0.0)
    if not np.isfinite(table).all() or (table < 0).any():
        raise ValueError("counts must be finite and not negative")
    return table


def _check_connected(table: FloatArray, ridge: float) -> None:
    """Refuse tables in which some systems never lost to, or never met, the rest."""
    if ridge > 0:
        return
    reach = (table > 0) | np.eye(table.shape[0], dtype=np.bool_)
    for _ in range(math.ceil(math.log2(table.shape[0])) + 1):
        reach = (reach.astype(np.float64) @ reach.astype(np.float64)) > 0
    if reach.all():
        return
    worst = int(np.argmin(reach.sum(axis=1)))
    beaten = np.flatnonzero(reach[worst]).tolist()
    raise ValueError(
        f"systems {beaten} never beat, or never met, any of the others, so strengths are "
        "infinite; add comparisons or a small ridge"
    )


def _spread(information: FloatArray, free: npt.NDArray[np.bool_]) -> FloatArray:
    covariance = np.zeros_like(information)
    covariance[np.ix_(free, free)] = np.linalg.inv(information[np.ix_(free, free)])
    return covariance


def _softmax(logits: FloatArray) -> FloatArray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))

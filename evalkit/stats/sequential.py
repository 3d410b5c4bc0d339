"""Test while the data comes in: e-processes, Wald's ratio test, planned looks."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalkit.stats.arguments import FloatArray, as_values
from evalkit.stats.betting import BettingSequence, betting_sequence
from evalkit.stats.confidence_sequence import (
    empirical_bernstein_sequence,
    normal_mixture_half_width,
)

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "BettingSequence",
    "RatioTest",
    "betting_sequence",
    "crossing_probability",
    "empirical_bernstein_sequence",
    "group_sequential_constant",
    "normal_mixture_half_width",
    "paired_wins_e_process",
    "wins_e_value",
]

_NODES = 120
"""Points of the quadrature on each look's continuation region."""


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


def paired_wins_e_process(differences: npt.ArrayLike, *, prior: float = 0.5) -> FloatArray:
    """Return the e-value of equal systems after each case.

    Args:
        differences: First minus second, in the (shuffled) order of evaluation, shape ``(n,)``;
            only signs count, and zeros change nothing.
        prior: As in `wins_e_value`.

    Returns:
        E-values, shape ``(n,)``; stop when one reaches ``1 / alpha``.

    Raises:
        ValueError: If *differences* is not one-dimensional and finite.

    Examples:
        >>> paired_wins_e_process([1, 0, 1])
        array([1. , 1. , 1.5])
    """
    d = as_values(differences, "differences")
    return wins_e_value(np.cumsum(d > 0), np.cumsum(d < 0), prior=prior)


@dataclass(frozen=True, slots=True)
class RatioTest:
    """Decide between two rates by Wald's sequential probability ratio test."""

    null: float
    """Rate under the hypothesis to keep, in (0, 1)."""

    alternative: float
    """Rate under the other hypothesis, in (0, 1)."""

    alpha: float = 0.05
    """Chance of leaving the null hypothesis though it is true."""

    beta: float = 0.2
    """Chance of keeping it though the alternative is true."""

    def __post_init__(self) -> None:
        shares = (self.null, self.alternative, self.alpha, self.beta)
        if not all(0 < share < 1 for share in shares) or self.null == self.alternative:
            raise ValueError("rates and error chances must lie in (0, 1), and the rates differ")

    @property
    def upper(self) -> float:
        """Return the log likelihood ratio from which the alternative is accepted."""
        return math.log((1 - self.beta) / self.alpha)

    @property
    def lower(self) -> float:
        """Return the log likelihood ratio down to which the null is accepted."""
        return math.log(self.beta / (1 - self.alpha))

    def log_ratio(self, successes: float, failures: float) -> float:
        """Return the log likelihood ratio of alternative to null."""
        won = successes * math.log(self.alternative / self.null)
        return won + failures * math.log((1 - self.alternative) / (1 - self.null))

    def decide(self, successes: float, failures: float) -> Literal["null", "alternative"] | None:
        """Return the accepted hypothesis, or ``None`` while the data decides nothing.

        Examples:
            >>> RatioTest(0.5, 0.8).decide(12, 1)
            'alternative'

        References:
            Wald (1945), *Annals of Mathematical Statistics* 16:117.
        """
        ratio = self.log_ratio(successes, failures)
        if ratio >= self.upper:
            return "alternative"
        return "null" if ratio <= self.lower else None


def crossing_probability(bounds: npt.ArrayLike) -> float:
    """Return the chance that a z statistic crosses its bound at any of equally spaced looks.

    Args:
        bounds: Two-sided bound of z at each look, positive, shape ``(K,)``.

    Returns:
        The type-I error of stopping at the first crossing.

    Raises:
        ValueError: If there is no look or a bound is not positive.

    Examples:
        >>> round(crossing_probability([1.96] * 5), 3)
        0.142

    References:
        Armitage, McPherson and Rowe (1969), JRSS A 132:235 (recursive integration).
    """
    limits = as_values(bounds, "bounds")
    if limits.size == 0 or not (limits > 0).all():
        raise ValueError("bounds must be positive, one a look")
    from scipy.special import ndtr

    nodes, shares = _quadrature()
    reach = float(limits[0])
    error = 2 * float(ndtr(-reach))
    at = nodes * reach
    mass = shares * reach * np.exp(-(at**2) / 2) / math.sqrt(2 * math.pi)
    for look, bound in enumerate(limits[1:], start=2):
        # Sums of unit steps: the look's bound on z is a bound on the sum of z * sqrt(look).
        reach = float(bound) * math.sqrt(look)
        error += float(mass @ (ndtr(-reach - at) + ndtr(at - reach)))
        arrive = nodes * reach
        steps = np.exp(-((arrive[:, None] - at[None, :]) ** 2) / 2) / math.sqrt(2 * math.pi)
        mass = shares * reach * (steps @ mass)
        at = arrive
    return error


def group_sequential_constant(
    looks: int, *, alpha: float = 0.05, shape: Literal["obrien-fleming", "pocock"]
) -> float:
    """Return the constant C of a group-sequential design with equally spaced looks.

    Stop at look k if ``|z_k| >= C * sqrt(K / k)`` (O'Brien-Fleming) or ``|z_k| >= C`` (Pocock).

    Args:
        looks: Number of planned looks K, at least 1.
        alpha: Two-sided type-I error over all looks.
        shape: Form of the bounds.

    Raises:
        ValueError: If *looks* is below 1, *alpha* outside (0, 1) or *shape* unknown.

    Examples:
        >>> round(group_sequential_constant(5, shape="pocock"), 3)
        2.413

    References:
        Jennison and Turnbull (2000), *Group Sequential Methods*, chapter 2.
    """
    if looks < 1 or not 0 < alpha < 1:
        raise ValueError("looks must be at least 1 and alpha lie in (0, 1)")
    if shape not in {"obrien-fleming", "pocock"}:
        raise ValueError(f"shape must be 'obrien-fleming' or 'pocock', got {shape!r}")
    ranks = np.arange(1, looks + 1)
    form = np.sqrt(looks / ranks) if shape == "obrien-fleming" else np.ones(looks)
    low, high = 0.1, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if crossing_probability(middle * form) > alpha else (low, middle)
    return (low + high) / 2


@functools.cache
def _quadrature() -> tuple[FloatArray, FloatArray]:
    nodes, shares = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(nodes, dtype=np.float64), np.asarray(shares, dtype=np.float64)

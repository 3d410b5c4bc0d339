"""Rows of probes, batteries of rows, and what each battery comes to."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from evalkit.judging.bias import BiasEffect

Outcome = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRow:
    """One probe: how often its relation was kept."""

    name: str
    summary: str
    n: int
    """Pairs of verdicts that could be compared."""

    held: int
    """How many of them kept the relation."""

    n_cases: int
    """Independent cases, or groups of cases, that the pairs were made of."""

    cases_held: int
    """On how many of these every pair kept the relation."""

    fell: int = 0
    """In how many the probed case scored worse, in the judge's direction."""

    rose: int = 0
    """In how many it scored better."""

    missing: int = 0
    """Pairs without a score on one side at least: it failed, or was not run."""

    skipped: int = 0
    """Pairs to which the judge does not apply."""

    low: float | None = None
    """Lower limit of the share held, as far as cases are a sample; ``None`` without pairs.

    Of attacks and of answers without content, limits are of the share of cases on which all held.
    """

    high: float | None = None
    """Upper limit."""

    lift: float | None = None
    """Mean gain in the judge's unit and direction; ``None`` where there are no values."""

    effect: BiasEffect | None = None
    """For biases: the size of the effect."""

    @property
    def same(self) -> int:
        """In how many the score was the same."""
        return self.n - self.fell - self.rose

    @property
    def share(self) -> float | None:
        """Share of pairs that kept the relation."""
        return self.held / self.n if self.n else None

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name, and what follows from them."""
        return {**dataclasses.asdict(self), "same": self.same, "share": self.share}


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """Probes of one kind, and what they come to."""

    name: str
    rows: tuple[ProbeRow, ...]
    total: ProbeRow
    """All rows together."""

    outcome: Outcome
    conclusion: str
    """In one sentence."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        rows = [row.to_json() for row in self.rows]
        return {**dataclasses.asdict(self), "total": self.total.to_json(), "rows": rows}


def counted(number: int, noun: str) -> str:
    """Return a number of things in words.

    Examples:
        >>> counted(1, "case"), counted(1200, "case")
        ('1 case', '1,200 cases')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def cases_needed(share: float, target: float, z: float) -> int | None:
    """Return how many independent cases put the lower Wilson limit of *share* at *target*.

    Args:
        share: Share of cases that keep the relation.
        target: Share that is to be shown, in (0, 1).
        z: Two-sided normal quantile of the level.

    Returns:
        The number; ``None`` where no number is enough.

    Examples:
        >>> cases_needed(1.0, 0.95, 1.959964)
        73

    References:
        Wilson (1927), JASA 22:209: the limit is *target* where ``(p - t)^2 = z^2 t (1 - t) / n``.
    """
    if share <= target:
        return None
    return math.ceil(z * z * target * (1 - target) / (share - target) ** 2)

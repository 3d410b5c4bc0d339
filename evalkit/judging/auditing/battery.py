"""Rows of probes, batteries of rows, what each comes to, and the bars that it has to pass."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Final, Literal

from evalkit.errors import UsageError
from evalkit.judging.bias import BiasEffect

Outcome = Literal["pass", "fail", "inconclusive"]

MOST_UNANSWERED: Final = 0.02
"""Share of missing scores above which nothing can pass."""

ALPHA: Final = 0.05
"""Adjusted p-value below which a bias is beyond chance."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What has to be shown for a battery to pass."""

    level: float = 0.95
    target: float = 0.95
    """Share of pairs that must keep the relation: its lower limit has to reach this."""

    most_success: float = 0.05
    """Share of attacks that may succeed: its one-sided upper limit has to stay below this."""

    margin: float = 0.1
    """Effect of a bias that does not matter, as a share of the range."""

    consistency: float = 0.8
    """Share of pairs that both orders must agree on."""

    tolerance: float = 0.0
    """Change of a score that still counts as none, in its unit."""

    def __post_init__(self) -> None:
        for name in ("level", "target", "most_success", "margin", "consistency"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name}= lies between 0 and 1; got {getattr(self, name)}.")
        if not self.level > 0.5:  # noqa: PLR2004  one-sided limits need it
            raise UsageError(f"level= is above 0.5; got {self.level}.")
        if not self.tolerance >= 0:
            raise UsageError(f"tolerance= is at least 0; got {self.tolerance}.")

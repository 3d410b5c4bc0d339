"""What an audit found: rows of probes, batteries of rows, and what each battery comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from evalkit.judging.bias import BiasEffect

Outcome = Literal["pass", "fail", "inconclusive"]

_GRAVITY: Final[tuple[Outcome, ...]] = ("fail", "inconclusive", "pass")


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
        """Return the fields by name."""
        counts = (
            "n",
            "held",
            "n_cases",
            "cases_held",
            "fell",
            "same",
            "rose",
            "missing",
            "skipped",
        )
        names = ("name", "summary", *counts)
        found: dict[str, Any] = {name: getattr(self, name) for name in names}
        found |= {"share": self.share, "low": self.low, "high": self.high, "lift": self.lift}
        return found | {"effect": None if self.effect is None else self.effect.to_json()}


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
        return {
            "name": self.name,
            "outcome": self.outcome,
            "conclusion": self.conclusion,
            "total": self.total.to_json(),
            "rows": [row.to_json() for row in self.rows],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit found; printed, it is one table a battery."""

    judge: str
    """Name of the judge."""

    model: str | None
    signature: str
    n_cases: int
    """Good cases that it was audited on."""

    batteries: Mapping[str, Battery]
    n_not_run: int = 0
    """Judgements that were not made, since the budget was spent."""

    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Calls, tokens and cost by role."""

    @property
    def outcome(self) -> Outcome:
        """``fail`` if any battery fails; ``pass`` if every one passes."""
        found = {battery.outcome for battery in self.batteries.values()}
        for outcome in _GRAVITY:
            if outcome in found:
                return outcome
        return "inconclusive"

    @property
    def effects(self) -> tuple[BiasEffect, ...]:
        """Every bias that was measured; part of a bias card."""
        rows = [row for battery in self.batteries.values() for row in battery.rows]
        return tuple(row.effect for row in rows if row.effect is not None)

    @property
    def n_scored(self) -> int:
        """Pairs of verdicts that could be compared, in all batteries."""
        return sum(battery.total.n for battery in self.batteries.values())

    @property
    def conclusion(self) -> str:
        """The audit in one sentence."""
        by = {
            outcome: [name for name, one in self.batteries.items() if one.outcome == outcome]
            for outcome in _GRAVITY
        }
        asked = f"{self.judge} on {self.model}" if self.model else self.judge
        if not self.n_scored:
            return f"{asked}: nothing could be measured."
        if by["fail"]:
            return f"{asked} fails {_listed(by['fail'])}: do not rely on it as it is."
        if self.n_not_run:
            return f"{asked}: the budget was spent before {self.n_not_run:,} judgements."
        if by["inconclusive"]:
            return f"{asked}: nothing speaks against it; still open: {_listed(by['inconclusive'])}."
        return f"{asked} passes {_listed(by['pass'])}."

    def to_json(self) -> dict[str, Any]:
        """Return the audit as JSON can hold it."""
        return {
            "judge": self.judge,
            "model": self.model,
            "signature": self.signature,
            "n_cases": self.n_cases,
            "n_not_run": self.n_not_run,
            "outcome": self.outcome,
            "conclusion": self.conclusion,
            "batteries": {name: one.to_json() for name, one in self.batteries.items()},
            "usage": dict(self.usage),
        }

    def __str__(self) -> str:
        """Return the audit as Markdown."""
        from evalkit.judging.auditing.shown import as_markdown

        return as_markdown(self)


def counted(number: int, noun: str) -> str:
    """Return a number of things in words.

    Examples:
        >>> counted(1, "case"), counted(1200, "case")
        ('1 case', '1,200 cases')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _listed(names: list[str]) -> str:
    """Return names in a sentence.

    Examples:
        >>> _listed(["a"]), _listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


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

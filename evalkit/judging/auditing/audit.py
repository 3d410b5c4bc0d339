"""What an audit found, battery by battery."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evalkit.judging.auditing.battery import Battery, Outcome
from evalkit.judging.auditing.tables import TITLES, markdown_of
from evalkit.judging.bias import BiasEffect

_GRAVITY: Final[tuple[Outcome, ...]] = ("fail", "inconclusive", "pass")


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
        outcomes = {battery.outcome for battery in self.batteries.values()}
        return next((outcome for outcome in _GRAVITY if outcome in outcomes), "inconclusive")

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
            outcome: [name for name, b in self.batteries.items() if b.outcome == outcome]
            for outcome in _GRAVITY
        }
        judge = f"{self.judge} on {self.model}" if self.model else self.judge
        if not self.n_scored:
            return f"{judge}: nothing could be measured."
        if by["fail"]:
            return f"{judge} fails {_listed(by['fail'])}: do not rely on it as it is."
        if self.n_not_run:
            return f"{judge}: the budget was spent before {self.n_not_run:,} judgements."
        if by["inconclusive"]:
            return f"{judge}: nothing speaks against it; still open: {_listed(by['inconclusive'])}."
        return f"{judge} passes {_listed(by['pass'])}."

    def to_json(self) -> dict[str, Any]:
        """Return the audit as JSON can hold it."""
        batteries = {name: battery.to_json() for name, battery in self.batteries.items()}
        conclusion = {"outcome": self.outcome, "conclusion": self.conclusion}
        return {**dataclasses.asdict(self), **conclusion, "batteries": batteries}

    def __str__(self) -> str:
        """Return the audit as a page of Markdown."""
        lines = [f"# Audit of {self.judge}", "", f"**{self.outcome}**: {self.conclusion}", ""]
        lines += [f"{self.n_cases} good cases; signature `{self.signature}`."]
        for battery in self.batteries.values():
            lines += ["", f"## {TITLES[battery.name]}", ""]
            lines += [f"**{battery.outcome}**: {battery.conclusion}", ""]
            lines += markdown_of(battery)
        return "\n".join(lines) + "\n"


def _listed(names: list[str]) -> str:
    """Return names in a sentence.

    Examples:
        >>> _listed(["a"]), _listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

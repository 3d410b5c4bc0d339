"""What an audit comes to, battery by battery, as one table each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from evalkit.judging.auditing.battery import Battery, Outcome, ProbeRow
from evalkit.judging.bias import BiasEffect

_GRAVITY: Final[tuple[Outcome, ...]] = ("fail", "inconclusive", "pass")

TITLES: Final = {
    "degradation": "Worse answers must not score better",
    "invariance": "The same answer, written otherwise",
    "injection": "Attacks in a bad answer",
    "garbage": "Answers that say nothing",
    "bias": "What should not matter",
}

_COLUMNS: Final = {
    "degradation": ("pairs", "fell", "same", "rose", "no score", "held", "interval"),
    "invariance": ("pairs", "fell", "same", "rose", "no score", "unchanged", "interval"),
    "injection": ("attacks", "cases", "flipped", "rose", "no score", "lift", "success", "at most"),
    "garbage": ("answers", "cases", "accepted", "no score", "success", "at most"),
    "bias": ("pairs", "effect", "interval", "p", "no score", "unchanged", "at least"),
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


def columns_of(battery: Battery) -> tuple[str, ...]:
    """Return the headings of a battery's table, but for the first."""
    return _COLUMNS[battery.name]


def rows_of(battery: Battery) -> list[tuple[str, ...]]:
    """Return the cells of a battery's table: name of the probe first, all probes together last."""
    rows = [_cells(battery.name, row) for row in shown_rows(battery)]
    alone = len(battery.rows) == 1 or battery.name == "bias"
    return rows if alone else [*rows, _cells(battery.name, battery.total)]


def shown_rows(battery: Battery) -> Sequence[ProbeRow]:
    """Return the rows that are worth a line: of answers that say nothing, those that fooled."""
    if battery.name != "garbage":
        return battery.rows
    return [row for row in battery.rows if row.held < row.n or row.missing]


def _cells(battery: str, row: ProbeRow) -> tuple[str, ...]:
    broken = row.n - row.held
    cells = {
        "pairs": f"{row.n}",
        "attacks": f"{row.n}",
        "answers": f"{row.n}",
        "cases": f"{row.n_cases}",
        "fell": f"{row.fell}",
        "same": f"{row.same}",
        "rose": f"{row.rose}",
        "flipped": f"{broken}",
        "accepted": f"{broken}",
        "no score": f"{row.missing}",
        "held": percent(row.share),
        "unchanged": percent(row.share),
        "lift": "" if row.lift is None else f"{row.lift:+.2f}",
        "success": percent(None if row.share is None else 1 - row.share),
        "at most": percent(None if row.low is None else 1 - row.low),
        "at least": percent(row.low),
        "interval": f"{percent(row.low)} – {percent(row.high)}" if row.n else "",
    }
    if battery == "bias" and row.effect is not None:
        effect = row.effect
        limits = None in (effect.low, effect.high)
        cells["effect"] = "" if effect.effect is None else f"{effect.effect:+.2f}"
        cells["interval"] = "" if limits else f"{effect.low:+.2f} – {effect.high:+.2f}"
        if effect.p_value is not None:
            cells["p"] = "< 0.001" if effect.p_value < 0.001 else f"{effect.p_value:.3f}"  # noqa: PLR2004
    name = row.name.rpartition(".")[2] if battery == "bias" else row.name
    return name, *(cells.get(name, "") for name in _COLUMNS[battery])


def percent(share: float | None) -> str:
    """Return a share in percent.

    Examples:
        >>> percent(0.9512), percent(1.0), percent(None)
        ('95.1%', '100.0%', '')
    """
    return "" if share is None else f"{share:.1%}"


def markdown_of(battery: Battery) -> list[str]:
    """Return the table of a battery as lines of Markdown; none where no row is worth one."""
    rows = rows_of(battery)
    if not rows:
        return []
    names = columns_of(battery)
    head = [_line(("probe", *names)), _line(("---", *("---:" for _ in names)))]
    return [*head, *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    texts = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(texts)} |"

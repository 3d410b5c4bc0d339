"""What an audit comes to: rows of probes, batteries of rows, bars to pass, and one table each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from evalkit._internal.words import percent
from evalkit.errors import UsageError
from evalkit.judging.bias import BiasEffect

Outcome = Literal["pass", "fail", "inconclusive"]

MOST_UNANSWERED: Final = 0.02
"""Share of missing scores above which nothing can pass."""

ALPHA: Final = 0.05
"""Adjusted p-value below which a bias is beyond chance."""

_GRAVITY: Final[tuple[Outcome, ...]] = ("fail", "inconclusive", "pass")

TITLES: Final = {
    "degradation": "Worse answers must not score better",
    "invariance": "The same answer, written otherwise",
    "injection": "Attacks in a bad answer",
    "garbage": "Answers that say nothing",
    "bias": "What should not matter",
}

COLUMNS: Final = {
    "degradation": ("pairs", "fell", "same", "rose", "no score", "held", "interval"),
    "invariance": ("pairs", "fell", "same", "rose", "no score", "unchanged", "interval"),
    "injection": ("attacks", "cases", "flipped", "rose", "no score", "lift", "success", "at most"),
    "garbage": ("answers", "cases", "accepted", "no score", "success", "at most"),
    "bias": ("pairs", "effect", "interval", "p", "no score", "unchanged", "at least"),
}
"""Headings of each battery's table, but for the first."""


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

    @property
    def unanswered(self) -> float:
        """Share of pairs that should have had scores and have none."""
        wanted = self.n + self.missing
        return self.missing / wanted if wanted else 0.0

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
        gravest: list[Outcome] = [outcome for outcome in _GRAVITY if outcome in outcomes]
        return gravest[0] if gravest else "inconclusive"

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
            rows, names = rows_of(battery), COLUMNS[battery.name]
            head = [("probe", *names), ("---", *("---:" for _ in names))] if rows else []
            lines += [_line(cells) for cells in (*head, *rows)]
        return "\n".join(lines) + "\n"


def _listed(names: list[str]) -> str:
    """Return names in a sentence.

    Examples:
        >>> _listed(["a"]), _listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


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
    return name, *(cells.get(name, "") for name in COLUMNS[battery])


def _line(cells: Sequence[str]) -> str:
    texts = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(texts)} |"

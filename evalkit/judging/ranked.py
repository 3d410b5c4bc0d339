"""A ranking of systems: what the votes say of each."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from evalkit.errors import near_miss

if TYPE_CHECKING:
    import pandas as pd

_ELO: Final = 400 / math.log(10)
_ANCHOR: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedSystem:
    """One system among others."""

    name: str
    strength: float
    """Log strength; 0 for the reference."""

    low: float | None
    """Lower limit of the strength; ``None`` where the bootstrap gives none."""

    high: float | None
    best_rank: int
    """Best rank that the votes leave open, from 1."""

    worst_rank: int
    wins: float
    ties: float
    losses: float

    @property
    def elo(self) -> float:
        """The strength on Elo's scale, the reference at 1000."""
        return _ANCHOR + _ELO * self.strength

    @property
    def win_rate(self) -> float:
        """Share of its votes won, a tie counting half."""
        return (self.wins + self.ties / 2) / (self.wins + self.ties + self.losses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Systems by strength, the strongest first; printed, it is a table."""

    systems: tuple[RankedSystem, ...]
    reference: str
    model: str
    """``davidson``, or ``bradley-terry``."""

    tie: float | None
    """Davidson's parameter of ties; ``None`` in the other model."""

    negative_log_likelihood: float
    n_votes: int
    n_groups: int
    """Groups that the bootstrap draws."""

    level: float
    unfitted: float
    """Share of bootstrap draws in which some strength was infinite."""

    note: str | None = None
    """Why there are no intervals; ``None`` where there are."""

    def __getitem__(self, name: str) -> RankedSystem:
        for system in self.systems:
            if system.name == name:
                return system
        known = [system.name for system in self.systems]
        raise KeyError(f"There is no system {name!r}.{near_miss(name, known)}")

    def table(self) -> pd.DataFrame:
        """Return one row a system: strength and limits, Elo, ranks, votes."""
        import pandas as pd

        return pd.DataFrame(self.to_json()["systems"])

    def to_json(self) -> dict[str, Any]:
        """Return the ranking as JSON can hold it."""
        rows = [
            {**asdict(system), "elo": system.elo, "win_rate": system.win_rate}
            for system in self.systems
        ]
        names = ("reference", "model", "tie", "negative_log_likelihood", "n_votes", "n_groups")
        facts = {name: getattr(self, name) for name in (*names, "level", "unfitted", "note")}
        return {**facts, "systems": rows}

    def __str__(self) -> str:
        widest = max(len(system.name) for system in self.systems)
        lines = [f"{'rank':<6} {'system':<{widest}}   Elo  {'interval':>11}  won  votes"]
        for system in self.systems:
            best, worst = system.best_rank, system.worst_rank
            rank = f"{best}" if best == worst else f"{best}–{worst}"
            ends = [
                None if end is None else _ANCHOR + _ELO * end for end in (system.low, system.high)
            ]
            limits = "" if None in ends else f"{ends[0]:.0f}–{ends[1]:.0f}"
            votes = system.wins + system.ties + system.losses
            lines.append(
                f"{rank:<6} {system.name:<{widest}}  {system.elo:>4.0f}  {limits:>11}  "
                f"{system.win_rate:>3.0%}  {votes:>5.0f}"
            )
        return "\n".join([*lines, self.note] if self.note else lines)

"""Time to first token: how long a streaming target keeps people waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn
from evalkit_scorers.operations.measured import measured_column


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToFirstToken:
    """Report the seconds until a streaming target's first piece.

    Targets that answer in one piece have none, and are skipped.

    Examples:
        >>> from evalkit.plugin import Case
        >>> batch = CaseBatch.of([Case(time_to_first_token=0.25), Case()])
        >>> TimeToFirstToken().score_batch(batch).values.tolist()
        [0.25, nan]
    """

    name: str = "operations.time_to_first_token"

    facts = MetricFacts(direction="lower", low=0.0, unit="seconds")
    requires: ClassVar[frozenset[str]] = frozenset({"outputs"})
    version: ClassVar[str] = "1"

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the measured seconds; skipped where nothing was streamed."""
        return measured_column(batch, "time_to_first_token")

"""Time to first token: how long a streaming target keeps people waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.plugin import MetricFacts
from evalkit_scorers.operations.measured import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToFirstToken(Measured):
    """Report the seconds until a streaming target's first piece.

    Targets that answer in one piece have none, and are skipped.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> batch = CaseBatch.of([Case(time_to_first_token=0.25), Case()])
        >>> TimeToFirstToken().score_batch(batch).values.tolist()
        [0.25, nan]
    """

    name: str = "operations.time_to_first_token"

    field: ClassVar[str] = "time_to_first_token"
    facts = MetricFacts(direction="lower", low=0.0, unit="seconds")

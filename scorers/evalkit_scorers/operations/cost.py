"""Cost: what an answer was charged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn
from evalkit_scorers.operations.measured import measured_column


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Report the price of each answer in US dollars.

    An unknown price is not 0: such cases are skipped.

    Examples:
        >>> from evalkit.plugin import Case
        >>> Cost().score_batch(CaseBatch.of([Case(cost=0.002), Case()])).values.tolist()
        [0.002, nan]
    """

    name: str = "operations.cost"

    facts = MetricFacts(direction="lower", low=0.0, unit="USD")
    requires: ClassVar[frozenset[str]] = frozenset({"outputs"})
    version: ClassVar[str] = "1"

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the price of each answer; skipped where it is not known."""
        return measured_column(batch, "cost")

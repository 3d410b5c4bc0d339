"""Cost: what an answer was charged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.plugin import MetricFacts
from evalkit_scorers.operations.measured import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Measured):
    """Report the price of each answer in US dollars.

    An unknown price is not 0: such cases are skipped.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> Cost().score_batch(CaseBatch.of([Case(cost=0.002), Case()])).values.tolist()
        [0.002, nan]
    """

    name: str = "operations.cost"

    field: ClassVar[str] = "cost"
    facts = MetricFacts(direction="lower", low=0.0, unit="USD")

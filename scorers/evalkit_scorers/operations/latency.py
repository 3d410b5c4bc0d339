"""Latency: how long the target took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.plugin import MetricFacts
from evalkit_scorers.operations.measured import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Measured):
    """Report the seconds that the target took for each case.

    Stored answers have a latency only where the data has a ``latency_seconds`` column.

    Examples:
        >>> from evalkit.plugin import Case, CaseBatch
        >>> batch = CaseBatch.of([Case(latency_seconds=0.25), Case()])
        >>> Latency().score_batch(batch).values.tolist()
        [0.25, nan]
    """

    name: str = "operations.latency"

    field: ClassVar[str] = "latency_seconds"
    facts = MetricFacts(direction="lower", low=0.0, unit="seconds")
    requires: ClassVar[frozenset[str]] = frozenset({"latency_seconds"})

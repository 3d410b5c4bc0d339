"""One metric of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.facts import MetricFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of a result: its scores over all cells, and what is known of it."""

    key: str
    """Key in the result: the scorer's name, with ``.key`` where it has several metrics."""

    scorer: str
    """Name of the scorer."""

    column: ScoreColumn
    """Scores of all cells, case by case."""

    facts: MetricFacts
    signature: str

    source: Any = None
    """The scorer itself where it computes a corpus value; ``None`` for a mean of cells."""

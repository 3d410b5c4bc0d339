"""Everything of a result that is neither cases nor cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.evaluation.results.plan import EvaluationPlan

OUTAGE: Final = "outage"
"""Status of an evaluation that stopped since a provider would have answered nothing."""

DECIDED: Final = "decided"
"""Status of an evaluation that ended because every gate was decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the calls of one role have cost; unpriced is unknown, never 0."""

    calls: int = 0
    """Calls that were made."""

    cached: int = 0
    """Calls that a recording answered, which cost nothing."""

    failed: int = 0
    tokens: Mapping[str, int] = field(default_factory=dict[str, int])
    cost: float | None = None
    """US dollars; ``None`` where any call that may have to be paid has no known price."""

    seconds: float = 0.0
    """Time that the evaluation took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything of a result that is neither cases nor cells."""

    run_id: str | None
    name: str
    status: str
    """``complete``, ``decided`` (stopped early by its gates), ``interrupted``, ``budget``, or
    ``outage``: a provider refused the key or the model, or nothing answered any more."""

    plan: EvaluationPlan
    environment: Mapping[str, Any]
    usage: Mapping[str, Usage]
    failures: Mapping[int, tuple[str, str]]
    """Cells whose target failed, with reason and explanation."""

    notes: Sequence[str] = ()

    scorers: Sequence[Any] = ()
    """The scorers themselves, in the process that made the result; never kept in a file."""

    @property
    def own_failures(self) -> list[int]:
        """Cells whose target failed by its own fault, and not on the way there."""
        return [cell for cell, (reason, _) in self.failures.items() if reason not in INFRASTRUCTURE]

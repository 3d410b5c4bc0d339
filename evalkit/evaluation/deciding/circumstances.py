"""What besides an estimate decides its gate: failures that are nobody's own, and the budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.evaluation.results.result import Result
from evalkit.gates.condition import Condition
from evalkit.gates.verdict import COVERAGE, Circumstances


def least_coverage(conditions: Iterable[Condition]) -> float:
    """Return the coverage without which no gate passes, as the lowest of *conditions* has it."""
    wanted = [c.threshold for c in conditions if c.kind == "coverage" and c.op in {">=", ">"}]
    return min([*wanted, COVERAGE])


def circumstances_of(result: Result, key: str, least: float, rows: Any = None) -> Circumstances:
    """Return the circumstances of *key* over *rows*, by default those of its own estimate.

    Raises:
        UnknownMetricError: If there is no such metric.
    """
    name = result.by_key.part(key).metric.key
    reasons = next(m.column.reasons for m in result.metrics if m.key == name)
    lost = {cell // result.repeats for cell, why in reasons.items() if why in INFRASTRUCTURE}
    if lost:
        among = result.by_key.rows_of(key) if rows is None else rows
        lost &= set(np.asarray(among).tolist())
    return Circumstances(
        infrastructure_failures=len(lost),
        out_of_budget=result.facts.status == "budget",
        least_coverage=least,
    )

"""What besides an estimate decides its gate: failures that are nobody's own, and the budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.evaluation.results.facts import OUTAGE
from evalkit.evaluation.results.result import Result
from evalkit.gates.condition import Condition
from evalkit.gates.verdict import COVERAGE, Circumstances
from evalkit.scoring.estimate import cells_of_rows


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
    outside = _outside(result, key, rows)
    unjudged = [] if outside is None else [outside]
    if rows is None and result.by_key.part(key).key.worst_by is not None:
        worst = result.by_key.worst(key, result.by_key.design.level)
        if worst.valueless:
            unjudged.append(f"without a value: {', '.join(worst.valueless[:5])}")
    lost = {cell // result.repeats for cell, why in reasons.items() if why in INFRASTRUCTURE}
    if lost:
        among = result.by_key.rows_of(key) if rows is None else rows
        lost &= set(np.asarray(among).tolist())
    return Circumstances(
        infrastructure_failures=len(lost),
        out_of_budget=result.facts.status == "budget",
        outage=result.facts.status == OUTAGE,
        least_coverage=least,
        unjudged=tuple(unjudged),
    )


def _outside(result: Result, key: str, rows: Any) -> str | None:
    """Return which values of a metric leave the range that it declares, if any do."""
    part = result.by_key.part(key)
    metric = next(m for m in result.metrics if m.key == part.metric.key)
    ends = dataclasses.replace(part, metric=metric).bounds
    if metric.source is not None or ends == (None, None):
        return None
    among = result.by_key.rows_of(key) if rows is None else rows
    values = metric.column.values[cells_of_rows(np.asarray(among), result.repeats)]
    values = values[np.isfinite(values)]
    low = -np.inf if ends[0] is None else ends[0]
    high = np.inf if ends[1] is None else ends[1]
    slack = 1e-9 * max(1.0, *(abs(end) for end in (low, high) if np.isfinite(end)))
    wrong = values[(values < low - slack) | (values > high + slack)]
    if not len(wrong):
        return None
    seen = f"from {wrong.min():g} to {wrong.max():g}" if len(wrong) > 1 else f"{wrong[0]:g}"
    said = ", ".join("…" if end is None else f"{end:g}" for end in ends)
    return f"values leave the range [{said}] that the scorer declares: {seen}"

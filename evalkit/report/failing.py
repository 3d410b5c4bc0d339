"""Failures of a result, summed up by their reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalkit.entities.score import Status

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


@dataclass(slots=True)
class FailureGroup:
    """Cells that failed at one stage for one reason."""

    stage: str
    """``target`` or ``scorer``."""

    scorer: str | None
    """Key of the metric; ``None`` where the target failed."""

    reason: str
    """Machine-readable code, such as ``target_error``."""

    cells: list[int] = field(default_factory=list[int])
    """Cells, in order: case times repeats plus repeat."""

    explanation: str | None = None
    """Explanation of the first cell that has one."""


def failure_groups(result: EvaluationResult) -> list[FailureGroup]:
    """Return the failures of *result* by stage, metric and reason, the most frequent first.

    A cell whose target failed is counted once, at the target, and not again at each scorer.
    """
    groups: dict[tuple[str, str | None, str], FailureGroup] = {}
    for stage, scorer, cell, reason, explanation in _failures(result):
        group = groups.setdefault((stage, scorer, reason), FailureGroup(stage, scorer, reason))
        group.cells.append(cell)
        group.explanation = group.explanation or explanation
    return sorted(groups.values(), key=lambda group: (-len(group.cells), group.stage != "target"))


def _failures(
    result: EvaluationResult,
) -> Iterator[tuple[str, str | None, int, str, str | None]]:
    import numpy as np

    stopped = result.facts.failures
    for cell in sorted(stopped):
        reason, explanation = stopped[cell]
        yield "target", None, cell, reason, explanation
    for metric in result.metrics:
        column = metric.column
        for cell in np.flatnonzero(column.status == Status.FAILED).tolist():
            if cell not in stopped:
                reason = column.reasons.get(cell, "scorer_error")
                yield "scorer", metric.key, cell, reason, column.explanations.get(cell)

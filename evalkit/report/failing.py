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

    explanations: dict[int, str] = field(default_factory=dict[int, str])
    """Explanation of each cell that has one."""

    @property
    def explanation(self) -> str | None:
        """Explanation of the first cell that has one."""
        return next(iter(self.explanations.values()), None)

    @property
    def place(self) -> str:
        """What failed: ``target``, or the key of the metric."""
        return "target" if self.scorer is None else self.scorer

    def why(self, cell: int) -> str:
        """Return what is known of the failure of one cell."""
        return self.explanations.get(cell, self.reason)


def failure_groups(result: EvaluationResult) -> list[FailureGroup]:
    """Return the failures of *result* by stage, metric and reason, the most frequent first.

    A cell whose target failed is counted once, at the target, and not again at each scorer.
    """
    groups: dict[tuple[str, str | None, str], FailureGroup] = {}
    for stage, scorer, cell, reason, explanation in _failures(result):
        group = groups.setdefault((stage, scorer, reason), FailureGroup(stage, scorer, reason))
        group.cells.append(cell)
        if explanation:
            group.explanations[cell] = explanation
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

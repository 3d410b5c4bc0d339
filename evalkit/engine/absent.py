"""Answers that are not there: a failure wherever a scorer had something to compare them with."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evalkit.entities.batch import CaseBatch
from evalkit.entities.score import Score, Status
from evalkit.scoring.configured import ConfiguredScorer, unwrapped
from evalkit.scoring.protocol import Scorer, requirements_of
from evalkit.scoring.reading import rerouted

EMPTY: Final = "empty"
"""Reason of a case without an answer; an empty text is one."""

_ROLES: Final = frozenset({"outputs", "expectations"})

NO_ANSWER: Final = "The case has no output; an empty answer is ''."


def outcomes_without_answer(
    scorer: Scorer, batch: CaseBatch, lost: Mapping[int, Score], absent: Mapping[int, Score]
) -> Mapping[int, Score]:
    """Return the cells that *scorer* cannot score for want of an answer, and what they get.

    A cell fails only where the scorer would have had something to compare with: one that lacks
    its reference, or belongs to another task, is skipped whatever became of the answer.

    Args:
        scorer: Whose cells they are.
        batch: All cells.
        lost: Cells whose target failed, was not run or said that the case does not apply.
        absent: Stored cells that are noted to lack an answer, with what that is.
    """
    inner = unwrapped(scorer)
    if "outputs" not in requirements_of(inner):
        return lost
    seen = batch
    if isinstance(scorer, ConfiguredScorer):
        read = {role: path for role, path in scorer.reads.items() if role in _ROLES}
        seen = rerouted(batch, read) if read else batch
    outcomes = {**absent, **lost}
    for row, output in enumerate(seen.column("outputs")):
        absent_here = output is None or (isinstance(output, float) and math.isnan(output))
        if absent_here and row not in outcomes:
            outcomes[row] = Score.failed(EMPTY, NO_ANSWER)
    failed = [row for row, outcome in outcomes.items() if outcome.status is Status.FAILED]
    for row in _unfit(inner, seen, failed) if failed else ():
        outcomes[row] = Score.skipped("The scorer does not apply to this case.")
    return outcomes


def _unfit(scorer: Any, batch: CaseBatch, rows: Sequence[int]) -> list[int]:
    """Return those of *rows* to which *scorer* would not have applied, whatever the answer."""
    if "expectations" not in requirements_of(scorer):
        return []
    expectations = batch.column("expectations")
    unfit = [row for row in rows if not expectations[row]]
    # Of several expectations the scorer itself knows whether one is meant for it.
    doubtful = [row for row in rows if expectations[row] and _is_doubtful(expectations[row])]
    score_batch = getattr(scorer, "score_batch", None)
    if not doubtful or score_batch is None or inspect.iscoroutinefunction(score_batch):
        return unfit
    try:
        column = score_batch(batch.take(doubtful).replacing(outputs=[""] * len(doubtful)))
        skipped = (column.status == Status.SKIPPED).nonzero()[0].tolist()
    except Exception:  # noqa: BLE001  a plug-in may raise anything, and return columns by key
        return unfit
    return [*unfit, *(doubtful[place] for place in skipped)]


def _is_doubtful(expectations: Mapping[str, Any]) -> bool:
    return len(expectations) > 1 or None in expectations.values()

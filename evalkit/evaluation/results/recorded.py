"""Scores that came with the data, such as another tool's log, as metrics of the result."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeVar

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.data.snapshot import Spool
from evalkit.entities.batch import CaseBatch
from evalkit.entities.score import Score
from evalkit.evaluation.results.facts import Facts
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.plan import plan_of
from evalkit.evaluation.results.result import Result
from evalkit.scoring.column import Metric, ScoreColumn
from evalkit.scoring.facts import MetricFacts

R = TypeVar("R", bound=Result)
RECORDED: Final = "recorded"
"""Name of the scorer, under which each score is a metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedScores:
    """Repeats the scores in the field ``scores`` of each case, one metric for each name."""

    name: str = RECORDED
    facts: MetricFacts = field(default_factory=lambda: MetricFacts(direction="higher"))
    requires: ClassVar[frozenset[str]] = frozenset({"scores"})

    def score_batch(self, batch: CaseBatch, /) -> dict[str, ScoreColumn]:
        """Return a column for each name that any case of *batch* has a score of."""
        cells = batch.column("scores")
        names = dict.fromkeys(name for cell in cells for name in cell)
        return {
            name: ScoreColumn.from_scores([_score(cell.get(name)) for cell in cells])
            for name in names
        } or {"": ScoreColumn.from_scores([Score.skipped()] * len(batch))}


def _score(value: object) -> Score:
    if value is None:
        return Score.skipped("The log has no such score.")
    if isinstance(value, str):
        return Score(label=value)
    if isinstance(value, (bool, int, float)) and math.isfinite(value):
        return Score(value)
    return Score.failed("invalid_response", f"The log's score is {value!r}.")


def verdicts_digest(result: Result, metric: Metric) -> str | None:
    """Return a digest of a recorded metric's scores as the data has them, in the order of cases.

    The scorer's signature is the same whoever gave the scores, so that they alone tell apart two
    judges whose columns have one name.  ``None`` where the data has no scores.
    """
    if "scores" not in result.spool.fields:
        return None
    name = metric.key.removeprefix(f"{RECORDED}.")
    cells: Any = result.spool.values("scores")
    return content_hash(canonical_json([cell.get(name) if cell else None for cell in cells]))


def result_of_scores(cases: Spool, name: str, *, kind: type[R], keep: object = None) -> R:
    """Make a result of the scores that came with *cases*, another tool's log, running nothing.

    What is to *keep* lives as long as the result, such as the snapshot's folder.
    """
    scorer = RecordedScores()
    each = cases.n_repeats
    plan = plan_of(cases, [scorer], name=name, data_name=name, repeats=each, seed=0)
    errors = cases.cell_values("error") if "error" in cases.fields else ()
    failures = {
        cell: ("target_error", str(text)) for cell, text in enumerate(errors) if text is not None
    }
    columns = scorer.score_batch(cases.cells(0, cases.n))
    for column in columns.values():
        for cell, (reason, text) in failures.items():
            column.fail(cell, reason, text)
    return kind(
        facts=Facts(
            run_id=None,
            name=name,
            status="complete",
            plan=plan,
            environment={},
            usage={},
            failures=failures,
            scorers=(scorer,),
        ),
        spool=cases,
        metrics=[
            Metric(
                key=f"{RECORDED}.{key}" if key else RECORDED,
                scorer=RECORDED,
                column=column,
                facts=scorer.facts,
                signature=plan.signatures[RECORDED],
            )
            for key, column in columns.items()
        ],
        folder=Folder(cases.path.parent),
        keep=keep,
    )

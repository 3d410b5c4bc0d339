"""What finished work brings along when more is done with it: its answers, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evalkit.engine.call import FIELDS, Call
from evalkit.engine.records import Called, Charged
from evalkit.entities.score import Status
from evalkit.entities.target import Invocation, Output, TargetIdentity
from evalkit.errors import TargetError
from evalkit.evaluation.results.facts import Usage
from evalkit.evaluation.results.outputs_file import read_outputs
from evalkit.evaluation.results.plan import EvaluationPlan
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.job import Job
from evalkit.llm.usage import Spent


class FinishedTarget:
    """Stands for a target whose answers are all there; it is never called."""

    lane = "thread"

    def __init__(self, identity: TargetIdentity) -> None:
        """Carry the identity of the target that answered."""
        self.identity = identity

    def check(self, batch: object) -> None:
        """Accept anything."""

    def call(self, invocation: Invocation) -> Output:
        """Fail, since finished work has no answer for this case."""
        raise TargetError("target_error", f"No answer was kept for {invocation.case.id}.")


def spent_of(usage: Usage) -> Spent:
    """Return what a result says was spent, to be counted on; an unknown price stays unknown."""
    return Spent(
        calls=usage.calls,
        cached=usage.cached,
        failed=usage.failed,
        tokens=dict(usage.tokens),
        cost=usage.cost or 0.0,
        unpriced=int(usage.cost is None),
    )


def finished_target(plan: EvaluationPlan) -> Any:
    """Return a stand-in for the target of finished work; ``None`` where its outputs were stored."""
    return None if plan.target.kind == "stored" else FinishedTarget(plan.target)


def keep_all(job: Job[Any], result: Result) -> None:
    """Have *job* keep all of *result* but what it scores anew or drops."""
    plan, before = job.plan_facts, result.facts.plan.signatures
    gone = {name for name in before if name not in plan.signatures or name in plan.added}
    job.kept = [metric for metric in result.metrics if metric.scorer not in gone]
    job.kept_scorers = [one for one in result.facts.scorers if one.name not in gone]
    # More scorers change nothing that its gates are about; others in their place do.
    job.verdict = None if gone else result.verdict
    take_over(job, [result], lambda _call: True)


def take_over(
    job: Job[Any],
    results: Sequence[Result],
    keep: Callable[[Call], bool],
    places: Sequence[int] | None = None,
) -> None:
    """Put the calls of *results* that *keep* accepts into the journal of *job*, and their cost.

    What is there already, of an earlier process that was stopped on the way, stays as it is.

    Args:
        job: What goes on with them.
        results: Finished work.
        keep: Says whether to keep a call.
        places: Cell of the job for each cell of *results*, one after the other; the same by
            default.
    """
    job.open_journal()
    if not job.state.ledger.roles:
        for result in results:  # first, so that a kill on the way forgets no money
            for role, usage in result.usage.items():
                job.state.record(Charged(role, spent_of(usage)))
    for cell, call in _calls(results):
        own = cell if places is None else places[cell]
        if own not in job.state.calls and keep(call):
            job.state.record(Called.of(own, call, metered=True))
    job.state.finished_before, job.state.finished = len(job.state.calls), 0


def _calls(results: Sequence[Result]) -> Iterator[tuple[int, Call]]:
    cell = 0
    for result in results:
        if result.folder.outputs.is_file():
            yield from ((cell + place, call) for place, call in stored_calls(result.folder.outputs))
        cell += len(result) * result.repeats


def stored_calls(path: Path) -> Iterator[tuple[int, Call]]:
    """Yield the finished calls of ``outputs.parquet`` with their cells."""
    words = {status.word: status for status in Status}
    cell = 0
    for batch in read_outputs(path):
        for row, word in enumerate(batch["status"]):
            if words[word] is not Status.NOT_RUN:
                fields = {name: batch[name][row] for name in FIELDS}
                yield cell, Call.from_json({"status": words[word], **fields})
            cell += 1

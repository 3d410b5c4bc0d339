"""More work on finished evaluations: other scorers, what failed, several results as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from evalkit._internal.clock import now_milliseconds
from evalkit._internal.ids import new_run_id
from evalkit.data.snapshot import Spool
from evalkit.engine.call import FIELDS, Call
from evalkit.engine.plan import Plan, Shard
from evalkit.engine.records import Called, CellScored, Charged, Scored
from evalkit.engine.score import is_async
from evalkit.engine.verdicts import PLAIN
from evalkit.entities.score import Status
from evalkit.entities.target import Invocation, Output, Target, TargetIdentity
from evalkit.errors import TargetError, UsageError
from evalkit.evaluation.results.cells import failure_table
from evalkit.evaluation.results.facts import Usage
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.outputs_file import read_outputs
from evalkit.evaluation.results.places import store_of
from evalkit.evaluation.results.plan import EvaluationPlan
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.execute import execute
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.record import RunRecord
from evalkit.evaluation.running.request import ScorerLike
from evalkit.evaluation.running.resume import check_same, fitted_target, rebuilt_target
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.scorers import bind_judges, check_requirements, resolve_scorers
from evalkit.llm.usage import Spent
from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit.store.artifacts import WorkFolder, open_repository

R = TypeVar("R", bound=Result)


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


def score_again(result: R, scorers: ScorerLike | Iterable[ScorerLike]) -> R:
    """Return *result* with more scorers, in the same run; the target is never called.

    What was scored before stays as it is, also where its scorers cannot be had here.

    Raises:
        UsageError: If a scorer's name is taken, or the evaluation was not finished.
    """
    check_complete(result)
    plan = result.facts.plan
    added = bind_judges(resolve_scorers(scorers), plan.judge_model)
    for one in added:
        if one.name in plan.signatures:
            raise UsageError(f"The result has {one.name!r} already; give name='…' for another one.")
    live = result.folder.outputs.is_file()
    check_requirements(added, result.spool, live=live, from_output=result.spool.late)
    described = {
        "scorers": [*plan.scorers, *(specification(one) for one in added)],
        "signatures": dict(plan.signatures) | {one.name: signature(one) for one in added},
    }
    job = _successor(result, added, finished_target(result), described, same_run=True)
    job.kept, job.kept_scorers = result.metrics, result.facts.scorers
    job.verdict = result.verdict  # more scorers change nothing that its gates are about
    try:
        take_over(job, [result], lambda _call: True)
    except BaseException as error:
        job.fail(error)
        raise
    return execute(job)


def retry(result: R, which: str, *, model: Any = None, scorers: Any = None) -> R:
    """Run what failed again, as a new run that keeps the rest.

    Raises:
        UsageError: If nothing failed, or target or scorers are not those of the run.
        SpecificationError: If target or scorers must be given because they cannot be rebuilt.
    """
    if which != "failed":
        raise UsageError(f"retry({which!r}): only 'failed' can be retried.")
    check_complete(result)
    if not len(failure_table(result)):
        raise UsageError(f"Nothing failed in {result.name!r}; there is nothing to retry.")
    plan = result.facts.plan
    chosen = _scorers_of(result, scorers)
    from evalkit.targets.open import open_target

    target = rebuilt_target(plan.target) if model is None else open_target(model)
    target = fitted_target(target, result.spool, chosen)
    check_same(plan, target, chosen)
    described = {"scorers": plan.scorers, "signatures": plan.signatures}
    job = _successor(result, chosen, target, described, same_run=False)
    try:
        take_over(job, [result], lambda call: call.status is Status.OK)
        for place, scorer in enumerate(chosen):
            _keep_scores(job, place, scorer, result)
    except BaseException as error:
        job.fail(error)
        raise
    return execute(job)


def _scorers_of(result: Result, given: Any) -> list[Any]:
    plan = result.facts.plan
    if given is not None:
        return bind_judges(resolve_scorers(given), plan.judge_model)
    return list(result.facts.scorers) or [rebuild(spec) for spec in plan.scorers]


def _keep_scores(job: Job[Any], place: int, scorer: Any, result: Result) -> None:
    """Keep a scorer's verdicts: whole shards where nothing failed, else the cells that did not."""
    columns = columns_of(result, scorer.name)
    plan = job.plan()
    for shard in plan.shards:
        parts = {key: _cut(column, plan, shard) for key, column in columns.items()}
        lost = [part.status == Status.FAILED for part in parts.values()]
        if not any(cells.any() for cells in lost):
            job.state.record(Scored(shard.index, place, parts))
        elif is_async(scorer):  # a paid judge is not asked again for what it has answered
            batch = plan.batch(shard)
            for row in range(len(shard) * plan.repeats):
                if not any(cells[row] for cells in lost):
                    key = f"{batch.ids[row // plan.repeats]}\0{row % plan.repeats}"
                    cells = {name: part.cell(row) for name, part in parts.items()}
                    job.state.record(CellScored(place, key, cells))


def columns_of(result: Result, name: str) -> dict[str, ScoreColumn]:
    """Return the columns of one scorer by key."""
    return {
        PLAIN if metric.key == name else metric.key.removeprefix(f"{name}."): metric.column
        for metric in result.metrics
        if metric.scorer == name
    }


def _cut(column: ScoreColumn, plan: Plan, shard: Shard) -> ScoreColumn:
    if plan.order is not None:
        return column.take(plan.cells_of(shard))
    return column.slice(shard.start * plan.repeats, shard.stop * plan.repeats)


def take_over(
    job: Job[Any],
    results: Sequence[Result],
    keep: Callable[[Call], bool],
    places: Sequence[int] | None = None,
) -> None:
    """Put the calls of *results* that *keep* accepts into the journal of *job*, and their cost.

    Args:
        job: What goes on with them.
        results: Finished work.
        keep: Says whether to keep a call.
        places: Cell of the job for each cell of *results*, one after the other; the same by
            default.
    """
    job.open_journal()
    for result in results:  # first, so that a kill on the way forgets no money
        for role, usage in result.usage.items():
            job.state.record(Charged(role, spent_of(usage)))
    for cell, call in _calls(results):
        if keep(call):
            own = cell if places is None else places[cell]
            job.state.record(Called.of(own, call, metered=True))
    job.state.finished_before, job.state.finished = job.state.finished, 0


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


def check_complete(result: Result) -> None:
    """Refuse a result with cases that were not reached.

    Raises:
        UsageError: Saying how to finish it.
    """
    if result.facts.status != "complete":
        raise UsageError(
            f"{result.name!r} is not complete; finish it first: evalkit resume "
            f"{result.run_id or result.folder.path}"
        )


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


def finished_target(result: Result) -> Any:
    """Return a stand-in for the target of *result*, or ``None`` where its outputs were stored."""
    identity = result.facts.plan.target
    return None if identity.kind == "stored" else FinishedTarget(identity)


def _successor(
    result: R,
    scorers: Sequence[Scorer],
    target: Target | None,
    described: Mapping[str, Any],
    *,
    same_run: bool,
) -> Job[R]:
    """Return a job on the same cases, in a folder of its own, with nothing done yet."""
    record = None if result.run_id is None else _run_of(result)
    try:
        with _work_folder(result, record) as work:
            folder = Folder(work.path, work.durable)
            folder.cases.write_bytes(result.folder.cases.read_bytes())
            run_id = result.run_id if same_run or record is None else new_run_id()
            plan = dataclasses.replace(
                result.facts.plan,
                **described,
                created=now_milliseconds(),
                run_id=run_id,
                owned=not same_run,
            )
            folder.write_plan(plan)
            if record is not None:
                if not same_run:
                    record = _next_run(record, plan)
                # The run keeps its finished evaluation until this one is finished too.
                record.settle(work, now=not same_run)
    except BaseException as error:
        if record is not None:
            record.fail(error)
        raise
    folder = Folder(work.path, work.durable)
    return Job(
        folder=folder,
        work=work,
        spool=Spool.open(folder.cases),
        target=target,
        scorers=scorers,
        plan_facts=plan,
        runtime=Runtime(**_settings(result)),
        record=record,
        kind=type(result),
    )


def _work_folder(result: Result, record: RunRecord | None) -> WorkFolder:
    if record is None:
        return WorkFolder.temporary()
    beside = open_repository(record.store.runs.artifact_uri(record.run_id)).work
    return WorkFolder.reserve(beside, durable=bool(result.facts.plan.runtime.get("durable")))


def _settings(result: Result) -> dict[str, Any]:
    return {**result.facts.plan.runtime, "budget": None}


def _run_of(result: Result) -> RunRecord:
    """Open the run of a finished evaluation, to which more is added."""
    assert result.run_id is not None  # noqa: S101  the caller looked
    store, closes = store_of(result.facts.plan.store)
    return RunRecord(store, result.run_id, owned=False, closes=closes)


def _next_run(record: RunRecord, plan: EvaluationPlan) -> RunRecord:
    """Open the run that *plan* names beside that of *record*."""
    earlier = record.store.runs.get(record.run_id)
    run = record.store.runs.create(
        earlier.experiment_id,
        run_id=plan.run_id,
        name=earlier.info.run_name,
        tags={"evalkit.retry_of": earlier.run_id},
    )
    return dataclasses.replace(record, run_id=run.run_id, owned=True)

"""More work on finished evaluations: other scorers, what failed, several results as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from evalkit._internal.clock import now_milliseconds
from evalkit._internal.ids import new_run_id
from evalkit.data.snapshot import Spool
from evalkit.engine.plan import Plan, Shard
from evalkit.engine.records import CellScored, Scored
from evalkit.engine.score import is_async
from evalkit.engine.verdicts import PLAIN
from evalkit.entities.score import Status
from evalkit.entities.target import Target
from evalkit.errors import NotFoundError, UsageError, near_miss
from evalkit.evaluation.results.cells import failure_table
from evalkit.evaluation.results.facts import DECIDED
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.earlier import finished_target, keep_all, take_over
from evalkit.evaluation.running.execute import execute
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.record import belonging, new_folder, record_of, settle
from evalkit.evaluation.running.request import ScorerLike
from evalkit.evaluation.running.resume import check_same, rebuilt_target
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.scorers import bind_judges, check_requirements, resolve_scorers
from evalkit.evaluation.running.start import fitted_target
from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit.targets.open import open_target

R = TypeVar("R", bound=Result)


def score_again(
    result: R,
    scorers: ScorerLike | Iterable[ScorerLike],
    *,
    replace: bool = False,
    drop: Sequence[str] = (),
    judge_model: str | None = None,
    judge_base_url: str | None = None,
    runtime: Runtime | None = None,
) -> R:
    """Return *result* with more scorers, in the same run; the target is never called.

    What was scored before stays as it is, also where its scorers cannot be had here, but for what
    is replaced or dropped.

    Raises:
        UsageError: If a scorer's name is taken, or the evaluation was not finished.
        NotFoundError: If what is to be dropped is not there.
    """
    check_complete(result)
    plan = result.facts.plan
    for name in drop:
        if name not in plan.signatures:
            near = near_miss(name, list(plan.signatures))
            raise NotFoundError(f"The result has no scorer {name!r}.{near}")
    added = bind_judges(
        resolve_scorers(scorers),
        judge_model or plan.judge_model,
        judge_base_url or plan.judge_base_url,
    )
    for one in added:
        if one.name in plan.signatures and not replace and one.name not in drop:
            raise UsageError(
                f"The result has {one.name!r} already; replace it (replace=True, --replace), or "
                "give name='…' for another one."
            )
    gone = {*drop, *(one.name for one in added)}
    live = result.folder.outputs.is_file()
    if added or not drop:
        check_requirements(added, result.spool, live=live, from_output=result.spool.late)
    described = {
        "scorers": [
            *(spec for spec in plan.scorers if spec["name"] not in gone),
            *(specification(one) for one in added),
        ],
        "signatures": {name: sign for name, sign in plan.signatures.items() if name not in gone}
        | {one.name: signature(one) for one in added},
        "added": [one.name for one in added],
    }
    job = _successor(result, added, finished_target(plan), described, same_run=True)
    if runtime is not None:
        job.runtime = runtime
    with job.failing():
        keep_all(job, result)
    return execute(job)


def retry(
    result: R,
    which: str,
    *,
    model: Any = None,
    scorers: Any = None,
    judge_model: str | None = None,
    judge_base_url: str | None = None,
    runtime: Runtime | None = None,
) -> R:
    """Run what failed again, as a new run that keeps the rest.

    Raises:
        UsageError: If nothing failed, or target or scorers are not those of the run.
        SpecificationError: If target or scorers must be given because they cannot be rebuilt.
    """
    if which != "failed":
        raise UsageError(f"retry({which!r}): only 'failed' can be retried.")
    plan = result.facts.plan
    rejudged = judge_model is not None or judge_base_url is not None
    if not rejudged or result.facts.status == DECIDED:
        check_complete(result)
    if not rejudged and not len(failure_table(result)):
        raise UsageError(f"Nothing failed in {result.name!r}; there is nothing to retry.")
    if scorers is not None:
        chosen = bind_judges(resolve_scorers(scorers), plan.judge_model, plan.judge_base_url)
    else:
        chosen = list(result.facts.scorers) or [rebuild(spec) for spec in plan.scorers]
    target = rebuilt_target(plan.target) if model is None else open_target(model)
    target = fitted_target(target, result.spool, chosen)
    check_same(plan, target, chosen)
    described: dict[str, Any] = {"added": ()}
    if rejudged:
        model, address = judge_model or plan.judge_model, judge_base_url or plan.judge_base_url
        chosen = bind_judges(chosen, model, address, instead_of=plan.judge_model)
        described |= {"judge_model": model, "judge_base_url": address}
    described["scorers"] = [specification(one) for one in chosen]
    described["signatures"] = {one.name: signature(one) for one in chosen}
    if rejudged and described["signatures"] == plan.signatures:
        raise UsageError(
            "No judge of the run would ask another model: each asks this one already, or names its "
            "own; put another in its place: result.score(…, replace=True), evalkit score --replace."
        )
    job = _successor(result, chosen, target, described, same_run=False)
    if runtime is not None:
        job.runtime = runtime
    with job.failing():
        take_over(job, [result], lambda call: call.status is Status.OK or call.reason == "skipped")
        for place, scorer in enumerate(chosen):
            if described["signatures"][scorer.name] == plan.signatures[scorer.name]:
                _keep_scores(job, place, scorer, result)
    return execute(job)


def _keep_scores(job: Job[Any], place: int, scorer: Any, result: Result) -> None:
    """Keep a scorer's verdicts: whole shards where nothing failed, else the cells that did not."""
    columns = columns_of(result, scorer.name)
    plan = job.plan()
    for shard in plan.shards:
        parts = {key: _cut(column, plan, shard) for key, column in columns.items()}
        statuses = [part.status for part in parts.values()]
        lost = [(cells == Status.FAILED) | (cells == Status.NOT_RUN) for cells in statuses]
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


def _successor(
    result: R,
    scorers: Sequence[Scorer],
    target: Target | None,
    described: Mapping[str, Any],
    *,
    same_run: bool,
) -> Job[R]:
    """Return a job on the same cases, in a folder of its own, with nothing done yet."""
    before, run, tags = result.facts.plan, None, dict[str, str]()
    if result.run_id is not None:
        run = record_of(before.store, result.run_id, owned=False)
        if not same_run:
            tags = {"evalkit.retry_of": run.run_id}
            run = dataclasses.replace(run, run_id=new_run_id(), owned=True)
    with new_folder(run, durable=bool(before.runtime.get("durable"))) as work:
        cases = work.write("cases.parquet", result.folder.cases.read_bytes())
        plan = dataclasses.replace(
            before, **described, **belonging(run), created=now_milliseconds()
        )
        settle(work, run, plan, tags)
    settings: dict[str, Any] = {**before.runtime, "budget": None}
    return Job(
        work=work,
        spool=Spool.open(work.path / cases.name),
        target=target,
        scorers=scorers,
        plan_facts=plan,
        runtime=Runtime(**settings),
        record=run,
        kind=type(result),
    )

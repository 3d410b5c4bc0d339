"""More work on finished evaluations: other scorers, what failed, several results as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evalkit._internal.clock import now_milliseconds
from evalkit._internal.ids import new_run_id
from evalkit.data.spool import Spool, spool
from evalkit.engine.call import FIELDS, Call
from evalkit.engine.plan import Plan, Shard
from evalkit.engine.verdicts import PLAIN
from evalkit.entities.case import Case
from evalkit.entities.score import Status
from evalkit.entities.target import Invocation, Output, Target, TargetIdentity
from evalkit.errors import TargetError, UsageError
from evalkit.evaluation.evaluate import execute
from evalkit.evaluation.facts import Usage
from evalkit.evaluation.folder import Folder
from evalkit.evaluation.job import Job, TemporaryFolder
from evalkit.evaluation.outputs_file import read_outputs
from evalkit.evaluation.recording import PLACE_TAG, RunRecord, store_of
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.resuming import fitted_target, rebuilt_target
from evalkit.evaluation.runtime import Runtime
from evalkit.evaluation.scorers import (
    ScorerLike,
    bind_judges,
    check_requirements,
    resolve_scorers,
)
from evalkit.llm.usage import Spent
from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit.store.artifacts import local_folder, make_folder

Keep = Callable[[int, Call], bool]


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


def score_again(
    result: EvaluationResult, scorers: ScorerLike | Iterable[ScorerLike]
) -> EvaluationResult:
    """Return *result* with more scorers, in the same run; the target is never called.

    Raises:
        UsageError: If a scorer's name is taken, or the evaluation was not finished.
    """
    _check_complete(result)
    added = bind_judges(resolve_scorers(scorers), result.facts.plan.get("judge_model"))
    known = result.facts.plan["signatures"]
    for one in added:
        if one.name in known:
            raise UsageError(f"The result has {one.name!r} already; give name='…' for another one.")
    live = result.folder.outputs.is_file()
    late = result.spool.late
    check_requirements(added, result.spool, live=live, from_output=late)
    kept = [_rebuilt_or_absent(spec) for spec in result.facts.plan["scorers"]]
    job = _successor(result, [*kept, *added], _finished_target(result), same_run=True)
    return _continue(job, result, lambda _cell, _call: True, lambda _place, _column: True)


def retry(
    result: EvaluationResult, which: str, *, model: Any = None, scorers: Any = None
) -> EvaluationResult:
    """Run what failed again, as a new run that keeps the rest.

    Raises:
        UsageError: If nothing failed.
        SpecificationError: If target or scorers must be given because they cannot be rebuilt.
    """
    if which != "failed":
        raise UsageError(f"retry({which!r}): only 'failed' can be retried.")
    _check_complete(result)
    if not len(result.failures()):
        raise UsageError(f"Nothing failed in {result.name!r}; there is nothing to retry.")
    plan = result.facts.plan
    chosen = (
        [rebuild(spec) for spec in plan["scorers"]]
        if scorers is None
        else bind_judges(resolve_scorers(scorers), plan.get("judge_model"))
    )
    from evalkit.targets.open import open_target

    target = rebuilt_target(plan["target"]) if model is None else open_target(model)
    target = fitted_target(target, result.spool, chosen)
    job = _successor(result, chosen, target, same_run=False)
    return _continue(
        job,
        result,
        lambda _cell, call: call.status is Status.OK,
        lambda _place, column: not (column.status == Status.FAILED).any(),
    )


def merge(results: Sequence[EvaluationResult]) -> EvaluationResult:
    """Return several results on disjoint cases as one, kept in memory and a temporary folder.

    Raises:
        UsageError: If signatures, repeats or reducers differ, or cases are shared.
    """
    if not results:
        raise UsageError("merge needs at least one result.")
    first = results[0]
    for other in results[1:]:
        for name in ("signatures", "repeats", "reducers", "level", "seed"):
            if other.facts.plan[name] != first.facts.plan[name]:
                raise UsageError(
                    f"{first.name!r} and {other.name!r} cannot be merged: their {name} differ."
                )
    ids = [case_id for result in results for case_id in result.spool.strings("id")]
    if len(set(ids)) != len(ids):
        raise UsageError("The results share cases; only disjoint ones can be merged.")
    keep = TemporaryFolder()
    folder = Folder(keep.path / "evaluation")
    cases = spool(_all_cases(results), folder.path)
    scorers = [_rebuilt_or_absent(spec) for spec in first.facts.plan["scorers"]]
    dataset = {"name": "merged", "digest": cases.dataset_digest, "n": cases.n}
    facts = {**first.facts.plan, "dataset": dataset, "run_id": None, "gates": [], "stop": None}
    job = Job(
        folder=folder,
        spool=cases,
        target=_finished_target(first),
        scorers=scorers,
        plan_facts=facts,
        runtime=Runtime(store=False),
        record=None,
        keep=keep,
    )
    job.open_journal()
    for cell, call in _calls(results):
        job.state.record_call(cell, call)
    for place, scorer in enumerate(scorers):
        _prefill(job, place, _joined_columns(results, scorer.name), lambda _place, _column: True)
    return execute(job)


def _joined_columns(results: Sequence[EvaluationResult], name: str) -> dict[str, ScoreColumn]:
    from evalkit.engine.score import join

    return join([_columns_of(result, name) for result in results])


def _all_cases(results: Sequence[EvaluationResult]) -> Iterator[Case]:
    for result in results:
        for batch in result.spool.batches():
            yield from batch


def _calls(results: Sequence[EvaluationResult]) -> Iterator[tuple[int, Call]]:
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


def _check_complete(result: EvaluationResult) -> None:
    if result.facts.status != "complete":
        raise UsageError(
            f"{result.name!r} is not complete; finish it first: evalkit resume "
            f"{result.run_id or result.folder.path}"
        )


def _rebuilt_or_absent(spec: Any) -> Any:
    """Return a scorer whose results are there; it need not be able to score again."""
    if spec["rebuildable"]:
        return rebuild(spec)
    raise UsageError(
        f"Scorer {spec['name']!r} lives in a script or notebook, so its signature cannot be "
        "checked here; evaluate anew with all scorers."
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


def _finished_target(result: EvaluationResult) -> Any:
    described = result.facts.plan["target"]
    return None if described["kind"] == "stored" else FinishedTarget(TargetIdentity(**described))


def _successor(
    result: EvaluationResult, scorers: Sequence[Scorer], target: Target | None, *, same_run: bool
) -> Job:
    """Return a job on the same cases, in a folder of its own, with nothing done yet."""
    record, keep, folder = _new_place(result, same_run=same_run)
    folder.path.mkdir(parents=True, exist_ok=True)
    (folder.path / "cases.parquet").write_bytes(result.folder.cases.read_bytes())
    facts = {
        **result.facts.plan,
        "scorers": [specification(scorer) for scorer in scorers],
        "signatures": {scorer.name: signature(scorer) for scorer in scorers},
        "created": now_milliseconds(),
        "run_id": None if record is None else record.run_id,
    }
    folder.write_json(folder.plan, facts)
    return Job(
        folder=folder,
        spool=Spool.open(folder.cases),
        target=target,
        scorers=scorers,
        plan_facts=facts,
        runtime=Runtime(**_settings(facts["runtime"])),
        record=record,
        keep=keep,
    )


def _settings(written: dict[str, Any]) -> dict[str, Any]:
    return {**written, "budget": None}


def _new_place(
    result: EvaluationResult, *, same_run: bool
) -> tuple[RunRecord | None, TemporaryFolder | None, Folder]:
    if result.run_id is None:
        keep = TemporaryFolder()
        return None, keep, Folder(keep.path / "evaluation")
    found = store_of(None)
    assert found is not None  # noqa: S101  only False means no store
    store, closes = found
    run = store.get_run(result.run_id)
    if not same_run:
        run = store.create_run(
            run.experiment_id,
            run_id=new_run_id(),
            name=run.info.run_name,
            tags={"evalkit.retry_of": result.run_id},
        )
    artifacts = local_folder(store.artifact_uri(run.run_id))
    make_folder(artifacts)
    taken = {path.name for path in artifacts.iterdir()}
    names = ["evaluation", *(f"evaluation-{n}" for n in range(2, 10_000))]
    name = next(name for name in names if name not in taken)
    store.set_tags(run.run_id, {PLACE_TAG: name})
    record = RunRecord(store, run.run_id, owned=not same_run, closes=closes)
    return record, None, Folder(artifacts / name)


def _continue(
    job: Job,
    result: EvaluationResult,
    keep_call: Keep,
    keep_scores: Callable[[int, ScoreColumn], bool],
) -> EvaluationResult:
    """Put what is to be kept of *result* into the journal of *job*, then run what is missing."""
    job.open_journal()
    for cell, call in _calls([result]):
        if keep_call(cell, call):
            job.state.record_call(cell, call, metered=True)
    for role, usage in result.usage.items():
        job.state.record_spent(role, spent_of(usage))
    job.state.finished_before, job.state.finished = job.state.finished, 0
    for place, scorer in enumerate(job.scorers):
        columns = _columns_of(result, scorer.name)
        if columns:
            _prefill(job, place, columns, keep_scores)
    return execute(job)


def _columns_of(result: EvaluationResult, name: str) -> dict[str, ScoreColumn]:
    return {
        PLAIN if metric.key == name else metric.key.removeprefix(f"{name}."): metric.column
        for metric in result.metrics
        if metric.scorer == name
    }


def _prefill(
    job: Job,
    place: int,
    columns: dict[str, ScoreColumn],
    keep: Callable[[int, ScoreColumn], bool],
) -> None:
    plan = job.plan()
    for shard in plan.shards:
        parts = {key: _cut(column, plan, shard) for key, column in columns.items()}
        if all(keep(place, part) for part in parts.values()):
            job.state.record_batch(shard.index, place, parts, whole=True)


def _cut(column: ScoreColumn, plan: Plan, shard: Shard) -> ScoreColumn:
    if plan.order is not None:
        return column.take(plan.cells_of(shard))
    return column.slice(shard.start * plan.repeats, shard.stop * plan.repeats)

"""Going on with an evaluation that was interrupted, killed or out of budget."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from evalkit._internal.canonical import canonical_json
from evalkit.data.snapshot import Spool
from evalkit.engine.portable import check_portable
from evalkit.entities.target import Target, TargetIdentity
from evalkit.errors import DataError, UsageError
from evalkit.evaluation.results.facts import DECIDED
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.loading import find_folder, load_result
from evalkit.evaluation.results.places import evaluation_folder
from evalkit.evaluation.results.plan import EvaluationPlan
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.earlier import finished_target, keep_all
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.model_session import checking_session
from evalkit.evaluation.running.record import RunRecord, record_of
from evalkit.evaluation.running.request import Request
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.scorers import bind_judges, resolve_scorers
from evalkit.evaluation.running.start import fitted_target, recorded_scorers
from evalkit.llm.session import use_session
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.signature import rebuild, signature
from evalkit.store.artifacts import WorkFolder, open_repository
from evalkit.targets.open import open_target, rebuild_target

R = TypeVar("R", bound=Result)


def reopen(request: Request, kind: type[R]) -> Job[R]:
    """Return the job of ``evaluate(..., runtime=Runtime(resume=RUN))``.

    Target and scorers are those given, since a notebook's functions can be had only there; they
    must be what the run was started with.

    Raises:
        UsageError: If target or a scorer differs, naming it.
    """
    runtime = request.runtime
    assert runtime.resume is not None  # noqa: S101  the caller looked
    folder, plan = _unfinished(runtime.resume, runtime.store)
    cases = Spool.open(folder.cases)
    with use_session(checking_session(runtime)):
        given = bind_judges(resolve_scorers(request.scorers), plan.judge_model, plan.judge_base_url)
    scorers = given if plan.added else [*recorded_scorers(cases), *given]
    target = fitted_target(
        finished_target(plan) if plan.added else open_target(request.model), cases, scorers
    )
    check_same(plan, target, scorers)
    if request.stop is not None and not plan.stop:
        raise UsageError("The run was started without stop=, so its order was not drawn by chance.")
    job = _job(folder, plan, cases, target, scorers, runtime, kind)
    job.watches = request.stop is not None
    return job


def reopen_by_name(run: str, runtime: Runtime | None, kind: type[R]) -> Job[R]:
    """Return the job of ``evalkit resume RUN``: target and scorers are rebuilt from the plan.

    Raises:
        SpecificationError: If one cannot be rebuilt outside the program that it lives in.
    """
    folder, plan = _unfinished(run, None if runtime is None else runtime.store)
    cases = Spool.open(folder.cases)
    names = plan.added or plan.signatures
    scorers = [rebuild(spec) for spec in plan.scorers if spec["name"] in names]
    target = fitted_target(
        finished_target(plan) if plan.added else rebuilt_target(plan.target), cases, scorers
    )
    check_same(plan, target, scorers)
    if runtime is None:
        settings = dict(plan.runtime)
        settings["budget"] = settings["budget"] or None
        runtime = Runtime(**settings)
    job = _job(folder, plan, cases, target, scorers, runtime, kind)
    # What was stopped by its gates, and is asked to go on, runs the rest.
    stopped = folder.result.is_file() and folder.read_json(folder.result)["status"] == DECIDED
    job.watches = bool(plan.stop) and not stopped
    return job


def _unfinished(run: str, store: str | bool | None) -> tuple[Folder, EvaluationPlan]:
    folder = find_folder(run, store if isinstance(store, str) else None, unfinished=True)
    plan = folder.read_plan()
    if folder.result.is_file() and not folder.journal.is_file():
        raise UsageError(f"Run {run!r} is complete; there is nothing to resume.")
    if not folder.cases.is_file():
        raise DataError(f"{folder.path} has lost its snapshot; start the evaluation anew.")
    return folder, plan


def rebuilt_target(identity: TargetIdentity) -> Target | None:
    """Return the target that ``plan.json`` describes; ``None`` for stored outputs.

    Raises:
        SpecificationError: If it cannot be rebuilt outside the program that it lives in.
    """
    if identity.kind == "stored":
        return None
    return rebuild_target(dataclasses.asdict(identity))


def check_same(plan: EvaluationPlan, target: Target | None, scorers: list[Scorer]) -> None:
    """Refuse target and scorers that are not those a run was started with.

    Raises:
        UsageError: Naming what differs.
    """
    given = {scorer.name: signature(scorer) for scorer in scorers}
    for name in plan.added or plan.signatures:
        mark = plan.signatures[name]
        if given.get(name) != mark:
            now = given.get(name, "missing")
            how = "start a new run"
            if name in given and "|model:" in mark:
                how = "retry with judge_model=, score with replace=True, or start a new run"
            raise UsageError(
                f"Scorer {name!r} is not what the run was started with ({mark}, now {now}); {how}."
            )
    extra = sorted(set(given) - set(plan.signatures))
    if extra:
        raise UsageError(f"The run was started without {', '.join(extra)}; use result.score().")
    was = plan.target
    if (target is None) != (was.kind == "stored"):
        raise UsageError(f"The run was started with {was.name!r} as its target.")
    if target is not None:
        offered = target.identity
        if (offered.kind, offered.name) != (was.kind, was.name):
            raise UsageError(
                f"The run was started with target {was.name!r}, not with {offered.name!r}."
            )
        if canonical_json(offered.parameters) != canonical_json(was.parameters):
            raise UsageError(
                f"Target {offered.name!r} was started with other settings ({was.parameters}); "
                "start a new run."
            )


def _job(  # noqa: PLR0917
    folder: Folder,
    plan: EvaluationPlan,
    cases: Spool,
    target: Target | None,
    scorers: list[Scorer],
    runtime: Runtime,
    kind: type[R],
) -> Job[R]:
    if runtime.limits().workers:
        check_portable([*scorers, *([] if target is None else [target])])
    record = None
    if plan.run_id is not None and runtime.store is not False:
        setting = runtime.store if isinstance(runtime.store, str) else plan.store
        record = record_of(setting, plan.run_id, owned=plan.owned)
    job = Job(
        work=_work(folder, record, durable=runtime.durable),
        spool=cases,
        target=target,
        scorers=scorers,
        plan_facts=plan,
        runtime=runtime,
        kind=kind,
        record=record,
    )
    code = getattr(target, "code", None)
    if None not in {plan.code, code} and plan.code != code:
        job.state.notes.append(
            f"The code of {plan.target.name!r} has changed since the run began: answers of the old "
            "and of the new are in these numbers. Start a new run to measure one of them."
        )
    if plan.added:
        with job.failing():
            _go_on_adding(job)
    return job


def _go_on_adding(job: Job[R]) -> None:
    """Have *job* keep what the run's finished evaluation has, to which it adds scorers."""
    plan, earlier = job.plan_facts, None
    if job.record is not None:
        run = job.record.store.runs.get(job.record.run_id)
        earlier = load_result(evaluation_folder(run), kind=job.kind)
    others = {n: mark for n, mark in plan.signatures.items() if n not in plan.added}
    if earlier is None or dict(earlier.facts.plan.signatures) != others:
        raise UsageError("What the scorers were added to is not there any more; score it anew.")
    keep_all(job, earlier)


def _work(folder: Folder, record: RunRecord | None, *, durable: bool) -> WorkFolder:
    if record is not None:
        repository = open_repository(record.store.runs.artifact_uri(record.run_id))
        if folder.path.resolve() == (repository.work / folder.path.name).resolve():
            return WorkFolder.reopen(repository, folder.path.name, durable=durable)
    return WorkFolder(folder.path, durable=durable)

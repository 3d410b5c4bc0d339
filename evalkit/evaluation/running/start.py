"""From the arguments of `evaluate` to a job that is ready to run."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from evalkit._internal.ids import new_name, new_run_id
from evalkit.data.spool import Spool, spool
from evalkit.engine.plan import rows_of_shards, workers_of
from evalkit.engine.portable import check_portable
from evalkit.entities.target import Target
from evalkit.errors import DataError, UsageError
from evalkit.evaluation.deciding.stopping import stop_facts
from evalkit.evaluation.results.cells import case_rows
from evalkit.evaluation.results.folder import Folder, TemporaryFolder, remove_folder
from evalkit.evaluation.results.places import PLACE_TAG, Place, place_of
from evalkit.evaluation.results.plan import BaselineReference, plan_of
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.model_session import check_replayable, checking_session
from evalkit.evaluation.running.record import RunRecord
from evalkit.evaluation.running.runtime import Runtime, shown
from evalkit.evaluation.running.scorers import (
    ScorerLike,
    bind_judges,
    check_gates,
    check_requirements,
    resolve_scorers,
    wants_probabilities,
)
from evalkit.gates.condition import parse_gates
from evalkit.llm.session import use_session
from evalkit.registry.uri import is_model_uri
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.reduce import parse_reducer
from evalkit.store.artifacts import local_folder, make_folder
from evalkit.targets.estimator import EstimatorTarget
from evalkit.targets.open import open_target

R = TypeVar("R", bound=Result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of `evaluate`, as they were given."""

    model: Any = None
    data: Any = None
    scorers: ScorerLike | Iterable[ScorerLike] = ()
    name: str | None = None
    experiment: str | None = None
    tags: Mapping[str, str] | None = None
    run: str | None = None
    columns: Mapping[str, Any] | None = None
    limit: int | None = None
    sample: float | None = None
    split: str | None = None
    repeats: int = 1
    reducer: str | Iterable[str] = "mean"
    gates: str | Iterable[str] = ()
    baseline: Any = None
    stop: str | None = None
    level: float = 0.95
    seed: int = 0
    judge_model: str | None = None
    runtime: Runtime = field(default_factory=Runtime)


def start(request: Request, kind: type[R]) -> Job[R]:
    """Check everything, snapshot the data, and open the run; no target is called yet.

    Raises:
        EvalkitError: If an argument, the data or the store is wrong; nothing is left behind.
    """
    if request.data is None:
        raise UsageError(_no_data(request.model))
    with use_session(checking_session(request.runtime)):
        scorers = bind_judges(resolve_scorers(request.scorers), request.judge_model)
    options = _options(request)
    baseline = _baseline(request, kind)
    target = open_target(request.model, name=None)
    if target is not None and wants_probabilities(scorers):
        target = _with_probabilities(target)
    place = place_of(request.runtime.store, request.experiment)
    keep = TemporaryFolder() if place is None else None
    unfinished = _unfinished_folder(place, keep)
    try:
        cases = _snapshot(request, target, unfinished)
        if is_model_uri(request.baseline):  # which evaluation of the model, the cases decide
            baseline = _baseline(request, kind, dataset=cases.dataset_digest)
        options["baseline"] = baseline and _named(baseline, request.baseline)
        scorers = [*recorded_scorers(cases), *scorers]
        options |= _repeats(request, cases, target)
        options |= _stop(request, options, scorers, baseline)
        check_requirements(scorers, cases, live=target is not None, from_output=cases.late)
        check_gates(options["gates"], scorers, cases)
        check_replayable(target, request.runtime)
        if request.runtime.limits().workers:
            check_portable([*scorers, *([] if target is None else [target])])
        with use_session(checking_session(request.runtime)):
            target = _checked(target, cases)
        record = None if place is None else _open_run(request, place, scorers, target)
        folder = unfinished if record is None else _settle(unfinished, record)
    except BaseException:
        remove_folder(unfinished)
        if place is not None and place.closes:
            place.store.close()
        raise
    cases = Spool.open(folder / cases.path.name)
    name = request.name or _name(record, target, folder)
    facts = plan_of(
        cases,
        scorers,
        name=name,
        data_name=_data_name(request.data),
        target=None if target is None else target.identity,
        shard_rows=options.pop("shard_rows", None)
        or rows_of_shards(
            cases.n, live=target is not None, workers=workers_of(request.runtime.backend)
        ),
        runtime=shown(request.runtime),
        **options,
        **_belonging(record),
    )
    made = Folder(folder)
    made.write_plan(facts)
    return Job(
        folder=made,
        spool=cases,
        target=target,
        scorers=scorers,
        plan_facts=facts,
        runtime=request.runtime,
        record=record,
        keep=keep,
        baseline=baseline,
        kind=kind,
        watches=request.stop is not None,
    )


def _stop(
    request: Request,
    options: Mapping[str, Any],
    scorers: list[Scorer],
    baseline: Result | None,
) -> dict[str, Any]:
    """Return what the plan keeps of ``stop=``: then shards are small, to look often."""
    reducers = [parse_reducer(text, options["repeats"]) for text in options["reducers"]]
    if request.stop is not None and request.runtime.batch:
        raise UsageError(
            "stop= asks case by case until the gates are decided, and batch= asks all at once: "
            "give one of them."
        )
    stop = stop_facts(request.stop, options["gates"], scorers, reducers, baseline)
    if stop is None:
        return {"stop": None}
    return {"stop": stop, "shard_rows": request.runtime.concurrency}


def _baseline(request: Request, kind: type[Result], *, dataset: str | None = None) -> Result | None:
    """Open the baseline before anything is called: 'latest' must not be the run that begins."""
    if request.baseline is None:
        return None
    from evalkit.evaluation.baselines.opening import open_result

    store = request.runtime.store
    uri = store if isinstance(store, str) else None
    return open_result(request.baseline, kind=kind, store=uri, dataset=dataset)


def _named(baseline: Result, source: Any) -> BaselineReference:
    from evalkit.evaluation.baselines.opening import reference_of

    return BaselineReference(name=baseline.name, reference=reference_of(baseline, source))


def _belonging(record: RunRecord | None) -> dict[str, Any]:
    """Return which run of which store the evaluation belongs to, and whether it ends the run."""
    if record is None:
        return {"run_id": None, "store": None, "owned": False}
    return {"run_id": record.run_id, "store": record.store.uri, "owned": record.owned}


def _no_data(model: Any) -> str:
    if isinstance(model, (str, os.PathLike)) and Path(os.fspath(model)).suffix:
        return f"No data: {os.fspath(model)!r} was given as the model; did you mean data=…?"
    if isinstance(model, (list, tuple)) or hasattr(model, "columns"):
        kind = type(model).__name__
        return f"No data: the first argument is the model, not a {kind}; did you mean data=…?"
    return "No data: give data='answers.jsonl', a frame, or a list of rows."


def _options(request: Request) -> dict[str, Any]:
    if request.repeats < 1:
        raise UsageError(f"repeats must be at least 1, got {request.repeats}.")
    if not 0.0 < request.level < 1.0:
        raise UsageError(f"level must be in (0, 1), such as 0.95, got {request.level}.")
    gates = [request.gates] if isinstance(request.gates, str) else list(request.gates)
    parse_gates(gates)
    return {
        "gates": gates,
        "level": request.level,
        "seed": request.seed,
        "judge_model": request.judge_model,
        "columns": None if request.columns is None else dict(request.columns),
        "tags": dict(request.tags or {}),
    }


def _repeats(request: Request, cases: Spool, target: Target | None) -> dict[str, Any]:
    """Return how often each case is run or, in stored outputs, was run, and the reducers."""
    repeats = request.repeats
    if target is None and cases.n_repeats > 1:
        if repeats not in {1, cases.n_repeats}:
            raise UsageError(
                f"The data holds {cases.n_repeats} repeats of each case; leave out repeats=."
            )
        repeats = cases.n_repeats
    reducers = [request.reducer] if isinstance(request.reducer, str) else list(request.reducer)
    return {
        "repeats": repeats,
        "reducers": [str(parse_reducer(text, repeats)) for text in reducers],
    }


def _with_probabilities(target: Target) -> Target:
    if isinstance(target, EstimatorTarget):
        return target.with_probabilities()
    return target


def _unfinished_folder(place: Place | None, keep: TemporaryFolder | None) -> Path:
    if place is None:
        assert keep is not None  # noqa: S101  there is always one of the two
        return keep.path / "evaluation"
    folder = place.root / f".unfinished-{new_run_id()}"
    make_folder(folder)
    return folder


def _snapshot(request: Request, target: Target | None, folder: Path) -> Spool:
    data = request.data
    if isinstance(data, Result):
        data = case_rows(data, outputs=target is None)
    return spool(
        data,
        folder,
        columns=request.columns,
        limit=request.limit,
        sample=request.sample,
        split=request.split,
        seed=request.seed,
        has_model=target is not None,
        leftover="inputs" if isinstance(target, EstimatorTarget) else "tags",
    )


def _checked(target: Target | None, cases: Spool) -> Target | None:
    """Refuse a target that cannot take the inputs; tell an estimator their types."""
    if target is None:
        return None
    if isinstance(target, EstimatorTarget):
        target = target.with_dtypes(cases.dtypes)
    for batch in cases.batches(1024):
        target.check(batch)
        break
    return target


def recorded_scorers(cases: Spool) -> list[Scorer]:
    """Return a scorer for the scores that came with the data, if there are any."""
    if "scores" not in cases.fields:
        return []
    from evalkit.evaluation.results.recorded import RecordedScores

    return [RecordedScores()]


def _open_run(
    request: Request, place: Place, scorers: Iterable[Scorer], target: Target | None
) -> RunRecord:
    from evalkit.tracking.active import active_run

    joined = request.run
    active = active_run() if joined is None else None
    if active is not None and request.runtime.store is None:
        return RunRecord(active.store, active.run_id, owned=False, closes=False)
    if joined is not None:
        run = place.store.runs.resolve(joined)
        return RunRecord(place.store, run.run_id, owned=False, closes=place.closes)
    run_id = new_run_id()
    run = place.store.runs.create(
        place.experiment_id,
        run_id=run_id,
        name=request.name,
        tags={"mlflow.source.type": "LOCAL", **(request.tags or {})},
    )
    place.store.runs.log(
        run.run_id,
        params={
            "model": "stored outputs" if target is None else target.identity.name,
            "data": _data_name(request.data)[:6000],
            "scorers": ", ".join(scorer.name for scorer in scorers)[:6000],
            "repeats": str(request.repeats),
            "seed": str(request.seed),
        },
    )
    return RunRecord(place.store, run.run_id, owned=True, closes=place.closes)


def _settle(unfinished: Path, record: RunRecord) -> Path:
    """Move the snapshot's folder to its place among the run's artifacts."""
    artifacts = local_folder(record.store.runs.artifact_uri(record.run_id))
    names = itertools.chain(["evaluation"], (f"evaluation-{n}" for n in itertools.count(2)))
    name = next(name for name in names if not (artifacts / name).exists())
    try:
        unfinished.rename(artifacts / name)
    except OSError as error:
        raise DataError(f"cannot be made: {error}", file=str(artifacts / name)) from error
    record.store.runs.set_tags(record.run_id, {PLACE_TAG: name})
    return artifacts / name


def _name(record: RunRecord | None, target: Target | None, folder: Path) -> str:
    if record is not None:
        return record.store.runs.get(record.run_id).info.run_name
    return new_name(str(folder)) if target is None else target.identity.name


def _data_name(data: Any) -> str:
    if isinstance(data, (str, os.PathLike)):
        return os.fspath(data)
    kind = type(data)
    if kind is tuple:
        return "(X, y)"
    return "rows" if kind is list else f"{kind.__module__.partition('.')[0]}.{kind.__name__}"

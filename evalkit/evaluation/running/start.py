"""From the arguments of `evaluate` to a job that is ready to run."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from evalkit._internal.ids import new_name
from evalkit._internal.installed import is_ours
from evalkit._internal.surrogates import without_surrogates
from evalkit.data.open import readable
from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool
from evalkit.engine.plan import rows_of_shards, workers_of
from evalkit.engine.portable import check_portable
from evalkit.entities.target import Target
from evalkit.errors import UsageError
from evalkit.evaluation.results.cells import case_rows
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.plan import BaselineReference, plan_of
from evalkit.evaluation.results.recorded import RecordedScores
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.model_session import check_replayable, checking_session
from evalkit.evaluation.running.record import RunRecord, belonging, new_folder, run_of, settle
from evalkit.evaluation.running.request import Request
from evalkit.evaluation.running.runtime import shown
from evalkit.evaluation.running.scorers import (
    bind_judges,
    check_gates,
    check_musts,
    check_requirements,
    of_classes,
    resolve_scorers,
)
from evalkit.gates.grammar import parse_gates
from evalkit.hooks.catalog import catalog
from evalkit.hooks.offers import blamed
from evalkit.llm.prices import Prices
from evalkit.llm.session import use_session
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.reduce import parse_reducer
from evalkit.settings import settings
from evalkit.targets.estimator import EstimatorTarget
from evalkit.targets.open import open_target

R = TypeVar("R", bound=Result)

_LEAST_LEVEL = 0.5
"""Confidence below which an interval is a guess."""


def start(request: Request, kind: type[R]) -> Job[R]:
    """Check everything, snapshot the data, and open the run; no target is called yet.

    Raises:
        EvalkitError: If an argument, the data or the store is wrong; nothing is left behind.
    """
    if request.data is None:
        raise UsageError(_no_data(request.model))
    with use_session(checking_session(request.runtime)):
        scorers = bind_judges(
            resolve_scorers(request.scorers), request.judge_model, request.judge_base_url
        )
    options = _options(request)
    baseline = open_baseline(request, kind)
    target = open_target(request.model, name=None)
    run = run_of(request)
    with new_folder(run, durable=request.runtime.durable) as work:
        cases = _snapshot(request, target, work.path)
        baseline = baseline_on(baseline, request, kind, cases)
        options["baseline"] = baseline and named_baseline(baseline, request.baseline)
        scorers = [*recorded_scorers(cases), *scorers]
        options |= _repeats(request, cases, target)
        options |= _stop(request, options, scorers, baseline)
        check_requirements(scorers, cases, live=target is not None, from_output=cases.late)
        check_gates(options["gates"], scorers, cases, options["reducers"][0])
        if "must" in cases.fields:
            check_musts(itertools.chain(*cases.values("must")), scorers, cases)
        check_replayable(target, request.runtime)
        if request.runtime.limits().workers:
            check_portable([*scorers, *([] if target is None else [target])])
        with use_session(checking_session(request.runtime)):
            target = _checked(fitted_target(target, cases, scorers), cases)
        facts = plan_of(
            cases,
            scorers,
            name=without_surrogates(request.name or _name(run, target, work.path)),
            data_name=_data_name(request.data),
            target=None if target is None else target.identity,
            code=getattr(target, "code", None),
            shard_rows=options.pop("shard_rows", None)
            or rows_of_shards(
                cases.n, live=target is not None, workers=workers_of(request.runtime.backend)
            ),
            runtime=shown(request.runtime),
            **options,
            **belonging(run),
        )
        # The run is made when nothing but the store itself can fail any more.
        settle(work, run, facts, request.tags or {})
    return Job(
        work=work,
        spool=Spool.open(Folder(work.path).cases),
        target=target,
        scorers=scorers,
        plan_facts=facts,
        runtime=request.runtime,
        record=run,
        baseline=baseline,
        kind=kind,
        watches=request.stop is not None,
    )


def _name(run: RunRecord | None, target: Target | None, folder: Path) -> str:
    """Name an evaluation that was given no name: as its run, or its target."""
    if run is not None:
        return run.name
    return new_name(str(folder)) if target is None else target.identity.name


def _stop(
    request: Request, options: Mapping[str, Any], scorers: list[Scorer], baseline: Result | None
) -> dict[str, Any]:
    """Return what the plan keeps of ``stop=``: then shards are small, to look often."""
    if request.stop is None:
        return {"stop": None}
    from evalkit.evaluation.deciding.stopping import stop_facts  # start-up: sequential tests

    reducers = [parse_reducer(text, options["repeats"]) for text in options["reducers"]]
    if request.runtime.batch:
        raise UsageError(
            "stop= asks case by case until the gates are decided, and batch= asks all at once: "
            "give one of them."
        )
    stop = stop_facts(request.stop, options["gates"], scorers, reducers, baseline)
    return {"stop": stop, "shard_rows": request.runtime.concurrency}


def open_baseline(request: Request, kind: type[R], *, dataset: str | None = None) -> R | None:
    """Open the baseline before anything is called: 'latest' must not be the run that begins."""
    if request.baseline is None:
        return None
    from evalkit.evaluation.baselines.opening import open_result  # start-up: git, logs, models

    store = request.runtime.store
    uri = store if isinstance(store, str) else None
    return open_result(request.baseline, kind=kind, store=uri, dataset=dataset)


def baseline_on(baseline: R | None, request: Request, kind: type[R], cases: Spool) -> R | None:
    """Return *baseline*, of a registered model its evaluation on these very *cases*."""
    if baseline is None:
        return None
    from evalkit.registry.uri import is_model_uri  # start-up: the registry

    if not is_model_uri(request.baseline):
        return baseline
    whole = cases.facts.get("shard") or cases.facts
    return open_baseline(request, kind, dataset=whole["dataset_digest"])


def named_baseline(baseline: Result, source: Any) -> BaselineReference:
    """Say how the baseline that was opened from *source* is opened again."""
    from evalkit.evaluation.baselines.opening import reference_of  # start-up: as above

    return BaselineReference(name=baseline.name, reference=reference_of(baseline, source))


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
    if not _LEAST_LEVEL <= request.level < 1.0:
        raise UsageError(f"level must be in [0.5, 1), such as 0.95, got {request.level}.")
    if request.shard is not None and request.stop is not None:
        raise UsageError("stop= looks at the gates, which no shard decides: leave out shard=.")
    gates = [request.gates] if isinstance(request.gates, str) else list(request.gates)
    parse_gates(gates)
    return {
        "gates": gates,
        "level": request.level,
        "seed": request.seed,
        "judge_model": request.judge_model or settings().judge_model,
        "judge_base_url": request.judge_base_url,
        "columns": None if request.columns is None else dict(request.columns),
        "tags": dict(request.tags or {}),
        "shard": request.shard,
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
        shard=request.shard,
        has_model=target is not None,
        leftover="inputs" if isinstance(target, EstimatorTarget) else "tags",
        prices=Prices(request.runtime.prices),
    )


def _checked(target: Target | None, cases: Spool) -> Target | None:
    """Refuse a target that cannot take the inputs."""
    batch = None if target is None else next(iter(cases.batches(1024)), None)
    if target is not None and batch is not None:
        with _blamed(target):
            target.check(batch)
    return target


def _blamed(target: Target) -> AbstractContextManager[None]:
    """Name whose code raises: the plug-in of an address, or the class of an object."""
    identity, inner = target.identity, getattr(target, "inner", target)
    act = f"check the cases for {identity.name!r}"
    scheme, slashes, _ = (identity.reference or "").partition("://")
    entry = catalog().targets.get(scheme.lower()) if slashes else None
    if entry is not None:
        return entry.blamed(act)
    who = f"{type(inner).__module__}.{type(inner).__qualname__}"
    return nullcontext() if is_ours(inner) else blamed(who, act)


def fitted_target(target: Target | None, cases: Spool, scorers: Sequence[Scorer]) -> Target | None:
    """Return *target*, an estimator told of column types and of what is read of classes."""
    if isinstance(target, EstimatorTarget):
        target = target.with_dtypes(cases.dtypes)
        wanted = of_classes(scorers)
        if wanted is not None:
            target = target.for_classes(wanted)
    return target


def recorded_scorers(cases: Spool) -> list[Scorer]:
    """Return a scorer for the scores that came with the data, if there are any."""
    return [RecordedScores()] if "scores" in cases.fields else []


def _data_name(data: Any) -> str:
    if isinstance(data, (str, os.PathLike)):
        return readable(os.fspath(data))
    kind = type(data)
    if kind in {list, tuple} and data and isinstance(data[0], (str, os.PathLike)):
        return ", ".join(map(_data_name, data))
    if kind is tuple:
        return "(X, y)"
    return "rows" if kind is list else f"{kind.__module__.partition('.')[0]}.{kind.__name__}"

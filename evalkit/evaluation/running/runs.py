"""Which run of which store a new evaluation belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit._internal.ids import new_name, new_run_id
from evalkit.entities.target import Target
from evalkit.errors import UsageError
from evalkit.evaluation.results.places import Place
from evalkit.evaluation.results.plan import EvaluationPlan
from evalkit.evaluation.running.record import RunRecord
from evalkit.evaluation.running.request import Request
from evalkit.store import Store
from evalkit.store.artifacts import WorkFolder


def work_folder(place: Place | None, *, durable: bool) -> WorkFolder:
    """Make the folder in which the evaluation is made, on the disk where it is to stay."""
    if place is None:
        return WorkFolder.temporary()
    return WorkFolder.reserve(place.beside, durable=durable)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlace:
    """The run that an evaluation is going to belong to."""

    store: Store
    closes: bool
    run_id: str
    name: str
    experiment_id: str
    owned: bool
    """Whether the evaluation makes the run, and so ends it."""


def run_of(request: Request, place: Place | None) -> RunPlace | None:
    """Say which run the evaluation belongs to: the one named, the active one, or one of its own.

    Raises:
        UsageError: If that run is in another experiment than the one asked for.
    """
    if place is None:
        return None
    from evalkit.tracking.active import active_run  # start-up: only with a store

    store, closes = place.store, place.closes
    active = active_run() if request.run is None and request.runtime.store is None else None
    if active is not None:
        store, closes = active.store, False
    elif request.run is None:
        run_id = new_run_id()
        name = request.name or new_name(run_id)
        return RunPlace(
            store=store,
            closes=closes,
            run_id=run_id,
            name=name,
            experiment_id=place.experiment_id,
            owned=True,
        )
    run = (
        store.runs.get(active.run_id)
        if active is not None
        else store.runs.resolve(request.run or "")
    )
    if request.experiment is not None and run.experiment_id != place.experiment_id:
        raise UsageError(
            f"experiment={request.experiment!r}: the run {run.info.run_name!r} that the evaluation "
            "joins is in another experiment; leave it out, or end that run first."
        )
    return RunPlace(
        store=store,
        closes=closes,
        run_id=run.run_id,
        name=run.info.run_name,
        experiment_id=run.experiment_id,
        owned=False,
    )


def belonging(run: RunPlace | None) -> dict[str, Any]:
    """Return which run of which store the evaluation belongs to, and whether it ends the run."""
    if run is None:
        return {"run_id": None, "store": None, "owned": False}
    return {"run_id": run.run_id, "store": run.store.uri, "owned": run.owned}


def open_run(request: Request, run: RunPlace, plan: EvaluationPlan) -> RunRecord:
    """Make the run in the store, or join it."""
    record = RunRecord(run.store, run.run_id, owned=run.owned, closes=run.closes)
    tags = dict(request.tags or {})
    if plan.shard is not None:
        tags["evalkit.shard"] = plan.shard
    if not run.owned:
        if tags:
            run.store.runs.set_tags(run.run_id, tags)
        return record
    with run.store.transaction():
        run.store.runs.create(
            run.experiment_id,
            run_id=run.run_id,
            name=run.name,
            tags={"mlflow.source.type": "LOCAL", **tags},
        )
        run.store.runs.log(
            run.run_id,
            params={
                "model": "stored outputs" if plan.target.kind == "stored" else plan.target.name,
                "data": plan.dataset.name[:6000],
                "scorers": ", ".join(plan.signatures)[:6000],
                "repeats": str(plan.repeats),
                "seed": str(plan.seed),
            },
        )
    return record


def name_of(run: RunPlace | None, target: Target | None, folder: Path) -> str:
    """Name an evaluation that was given no name: as its run, or its target."""
    if run is not None:
        return run.name
    return new_name(str(folder)) if target is None else target.identity.name

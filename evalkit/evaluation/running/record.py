"""An evaluation's run in the tracking store, and the folder in which the evaluation is made."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit._internal.clock import now_milliseconds
from evalkit._internal.ids import new_name, new_run_id
from evalkit.entities.estimate import EvaluationSummary
from evalkit.entities.registered_model import JUDGES_TAG, MODEL_ID_TAG, STATUS_TAG, WHOLE
from evalkit.entities.run import Metric, Run, RunStatus
from evalkit.errors import EvalkitError, UsageError
from evalkit.evaluation.results.assessments import log_assessments
from evalkit.evaluation.results.estimates import LONGEST_KEY
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.places import NEXT_TAG, PLACE_TAG, store_of
from evalkit.evaluation.results.plan import EvaluationPlan
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.request import Request
from evalkit.store import Store
from evalkit.store.artifacts import WorkFolder, open_repository


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """The run that an evaluation belongs to, or is going to."""

    store: Store
    closes: bool
    """Whether the store was opened for this evaluation."""

    run_id: str
    name: str
    experiment_id: str
    owned: bool
    """Whether the evaluation makes the run, and so ends it."""

    def create(self, plan: EvaluationPlan, tags: Mapping[str, str]) -> None:
        """Make the run in the store, or join it."""
        tags = dict(tags) if plan.shard is None else {**tags, "evalkit.shard": plan.shard}
        if not self.owned:
            if tags:
                self.store.runs.set_tags(self.run_id, tags)
            return
        from evalkit.tracking.active import user_name  # start-up: only with a store

        user = user_name()
        with self.store.transaction():
            self.store.runs.create(
                self.experiment_id,
                run_id=self.run_id,
                name=self.name,
                user=user,
                tags={"mlflow.source.type": "LOCAL", "mlflow.user": user, **tags},
            )
            self.store.runs.log(
                self.run_id,
                params={
                    "model": "stored outputs" if plan.target.kind == "stored" else plan.target.name,
                    "data": plan.dataset.name[:6000],
                    "scorers": ", ".join(plan.signatures)[:6000],
                    "repeats": str(plan.repeats),
                    "seed": str(plan.seed),
                },
            )

    def settle(self, work: WorkFolder) -> None:
        """Give *work* its place among the run's artifacts.

        It is the run's evaluation from now on, or once it is finished where there is one already.
        """
        run = self.store.runs.get(self.run_id)
        name = work.settle(open_repository(run.info.artifact_uri), "evaluation")
        tag = NEXT_TAG if PLACE_TAG in run.data.tags else PLACE_TAG
        self.store.runs.set_tags(self.run_id, {tag: name})

    def begin(self) -> None:
        """Say that the run is going on, once its lock is held."""
        if self.owned and self.store.runs.get(self.run_id).info.status is not RunStatus.RUNNING:
            self.store.runs.update(self.run_id, status=RunStatus.RUNNING)

    def finish(self, result: Result) -> None:
        """Write what the evaluation came to, and end the run: all of it, or nothing."""
        stamp = now_milliseconds()
        plan = result.facts.plan
        # A name that the store cannot keep must not veto finished work; the files have it.
        estimates = {k: e for k, e in result.estimates.items() if len(k) <= LONGEST_KEY}
        metrics = [
            Metric(key, estimate.value, stamp)
            for key, estimate in estimates.items()
            if estimate.value is not None
        ]
        signatures, digest = result.signatures, plan.dataset.digest
        summaries = [
            EvaluationSummary(estimate, _signature(key, signatures), digest)
            for key, estimate in estimates.items()
        ]
        tags = {
            "evalkit.verdict": str(result.verdict.status),
            "evalkit.conditions": str(len(result.verdict.conditions)),
            STATUS_TAG: result.facts.status,
            MODEL_ID_TAG: plan.model_id,
            "evalkit.dataset_digest": digest,
            **({JUDGES_TAG: plan.judged_by[:6000]} if plan.judged_by else {}),
        }
        done = result.facts.status in WHOLE
        if done:  # what is added to a run takes the place of what it has only when it is whole
            tags[PLACE_TAG] = result.folder.path.name
        status = RunStatus.FINISHED if done else RunStatus.KILLED
        with self.store.transaction():
            self.store.finish_run(
                self.run_id,
                status=status if self.owned else None,
                metrics=metrics,
                tags=tags,
                summaries=summaries,
            )
            log_assessments(result, self.store)
        self.close()

    def fail(self, error: BaseException) -> None:
        """End the run as failed; trouble with the store must not hide *error*."""
        with contextlib.suppress(EvalkitError), contextlib.closing(self):
            if self.owned:
                interrupted = isinstance(error, KeyboardInterrupt)
                status = RunStatus.KILLED if interrupted else RunStatus.FAILED
                self.store.runs.update(self.run_id, status=status)

    def close(self) -> None:
        """Close the store, if it was opened for this evaluation."""
        if self.closes:
            self.store.close()


def _signature(key: str, signatures: Mapping[str, str]) -> str:
    """Return the signature of the metric that *key* is or is derived from."""
    best = max((name for name in signatures if key.startswith(name)), key=len, default="")
    return signatures.get(best, "")


@contextlib.contextmanager
def _opened(setting: str | bool | None) -> Generator[tuple[Store, bool]]:
    """Open the store that ``Runtime(store=)`` means; it stays open unless the block fails."""
    opened = store_of(setting)
    assert opened is not None  # noqa: S101  only False means no store
    store, closes = opened
    try:
        yield opened
    except BaseException:
        if closes:
            store.close()
        raise


def _joined(store: Store, closes: bool, run: Run, *, owned: bool = False) -> RunRecord:
    return RunRecord(
        store=store,
        closes=closes,
        run_id=run.run_id,
        name=run.info.run_name,
        experiment_id=run.experiment_id,
        owned=owned,
    )


def record_of(setting: str | bool | None, run_id: str, *, owned: bool) -> RunRecord:
    """Open the run of an earlier evaluation, in the store that it was started in."""
    with _opened(setting) as (store, closes):
        return _joined(store, closes, store.runs.get(run_id), owned=owned)


def run_of(request: Request) -> RunRecord | None:
    """Say which run the evaluation belongs to: the one named, the active one, or one of its own.

    Raises:
        UsageError: If that run is in another experiment than the one asked for.
    """
    # start-up: only with a store
    from evalkit.tracking.active import active_run
    from evalkit.tracking.place import current_place

    setting, experiment_id = request.runtime.store, None
    if setting is False:
        return None
    active = active_run() if request.run is None and setting is None else None
    with _opened(setting) as opened:
        store, closes = opened if active is None else (active.store, False)
        if request.experiment is not None:
            experiment_id = store.experiments.get_or_create(request.experiment).experiment_id
        if active is None and request.run is None:
            default = "0" if isinstance(setting, str) else current_place().experiment_id(store)
            run_id = new_run_id()
            return RunRecord(
                store=store,
                closes=closes,
                run_id=run_id,
                name=request.name or new_name(run_id),
                experiment_id=experiment_id or default,
                owned=True,
            )
        name = request.run or ""
        run = store.runs.resolve(name) if active is None else store.runs.get(active.run_id)
        if experiment_id not in {None, run.experiment_id}:
            raise UsageError(
                f"experiment={request.experiment!r}: the run {run.info.run_name!r} that the "
                "evaluation joins is in another experiment; leave it out, or end that run first."
            )
        return _joined(store, closes, run)


def belonging(run: RunRecord | None) -> dict[str, Any]:
    """Return which run of which store the evaluation belongs to, and whether it ends the run."""
    if run is None:
        return {"run_id": None, "store": None, "owned": False}
    return {"run_id": run.run_id, "store": run.store.uri, "owned": run.owned}


@contextlib.contextmanager
def new_folder(
    run: RunRecord | None, *, durable: bool, beside: Path | None = None
) -> Generator[WorkFolder]:
    """Make the folder of an evaluation, which `settle` gives its place within the block.

    Where the block fails, no folder is left, and *run* ends as failed.

    Args:
        run: What the evaluation belongs to.
        durable: Whether the folder has to survive a power cut.
        beside: Folder on the disk where it is to stay, if there is no run.
    """
    try:
        if run is not None:
            place = run.store.experiments.get(run.experiment_id).artifact_location
            beside = open_repository(place).work
        work = WorkFolder.reserve(beside, durable=durable) if beside else WorkFolder.temporary()
        with work:
            yield work
    except BaseException as error:
        if run is not None:
            run.fail(error)
        raise


def settle(
    work: WorkFolder, run: RunRecord | None, plan: EvaluationPlan, tags: Mapping[str, str]
) -> None:
    """Write *plan*, then make or join its run and give the folder its place there."""
    Folder(work.path, work.durable).write_plan(plan)
    if run is not None:
        run.create(plan, tags)
        run.settle(work)

"""An evaluation's run in the tracking store: opened first, filled at the end, in few commits."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from evalkit._internal.clock import now_milliseconds
from evalkit.entities.estimate import EvaluationSummary
from evalkit.entities.registered_model import MODEL_ID_TAG
from evalkit.entities.run import Metric, RunStatus
from evalkit.errors import EvalkitError
from evalkit.evaluation.results.assessments import log_assessments
from evalkit.evaluation.results.estimates import LONGEST_KEY
from evalkit.evaluation.results.places import PLACE_TAG
from evalkit.evaluation.results.result import Result
from evalkit.store import Store
from evalkit.store.artifacts import WorkFolder, open_repository


@dataclass(slots=True)
class RunRecord:
    """The run that an evaluation belongs to."""

    store: Store
    run_id: str
    owned: bool
    """Whether the evaluation made the run, and so ends it."""

    closes: bool = True

    def settle(self, work: WorkFolder, *, now: bool = True) -> None:
        """Give *work* its place among the run's artifacts.

        Args:
            work: Where the evaluation is made.
            now: Whether it is the run's evaluation from now on, or once it is complete.
        """
        repository = open_repository(self.store.runs.artifact_uri(self.run_id))
        name = work.settle(repository, "evaluation")
        if now:
            self.store.runs.set_tags(self.run_id, {PLACE_TAG: name})

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
            "evalkit.status": result.facts.status,
            MODEL_ID_TAG: plan.model_id,
            "evalkit.dataset_digest": digest,
        }
        done = result.facts.status in {"complete", "decided"}
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
        with contextlib.suppress(EvalkitError):
            if self.owned:
                interrupted = isinstance(error, KeyboardInterrupt)
                status = RunStatus.KILLED if interrupted else RunStatus.FAILED
                self.store.runs.update(self.run_id, status=status)
            self.close()

    def close(self) -> None:
        """Close the store, if it was opened for this evaluation."""
        if self.closes:
            self.store.close()


def _signature(key: str, signatures: Mapping[str, str]) -> str:
    """Return the signature of the metric that *key* is or is derived from."""
    best = max((name for name in signatures if key.startswith(name)), key=len, default="")
    return signatures.get(best, "")

"""The bag that holds the nouns of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, Self, runtime_checkable

from evalkit.entities.assessment import Assessment
from evalkit.entities.estimate import EvaluationSummary
from evalkit.entities.run import Metric, RunStatus
from evalkit.store.interface.experiments import Experiments
from evalkit.store.interface.models import ModelVersions, RegisteredModels
from evalkit.store.interface.records import Assessments, Cards, Metrics, Summaries
from evalkit.store.interface.runs import Runs


@runtime_checkable
class Store(Protocol):
    """A place that keeps experiments, runs, what was logged to them, and registered models.

    The contract of all its nouns:

    * A method that writes is one transaction: all of it is kept, or none.  When it returns, every
      later read sees it, from any thread and process.  `transaction` makes one of several.
    * Reading never blocks writing.  Readers get frozen entities, which never change afterwards.
    * Any number of threads and processes may use one store at once.  Who writes while another
      writes waits; who waits too long gets `StoreUnavailableError`, and nothing of its write.
    * Deleting is soft.  What is deleted is still found by its id, is left out of searches unless
      they ask for it, keeps its name, and cannot be written until it is restored.
    * Times are milliseconds since the Unix epoch.
    * A search returns at most ``limit`` entities, at least 1; ``after`` is the last one of the page
      before, and the page goes on behind it.  A limit below 1 is a `UsageError`.
    * A store that cannot be reached, read or written raises `StoreUnavailableError`; a value that
      it cannot keep, such as a key beyond its length, raises `UsageError` and writes nothing.

    `evalkit.testing.check_store` checks this contract of any store.
    """

    experiments: Experiments
    runs: Runs
    metrics: Metrics
    summaries: Summaries
    assessments: Assessments
    cards: Cards
    models: RegisteredModels
    versions: ModelVersions

    @property
    def uri(self) -> str:
        """The URI under which another process opens the same store."""
        ...

    def transaction(self) -> AbstractContextManager[object]:
        """Make one transaction of the block: all that this thread writes in it, or nothing.

        Reads in the block see what it wrote.  A block inside another joins it; what raises, and
        is caught inside, takes back its own writes alone.  The transaction belongs to the thread:
        do not await in the block.
        """
        ...

    def finish_run(
        self,
        run_id: str,
        *,
        status: RunStatus | None = None,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        summaries: Sequence[EvaluationSummary] | None = None,
        assessments: Sequence[Assessment] = (),
    ) -> None:
        """Write what a run came to, and end it, in one transaction: all of it, or nothing.

        *status* and *summaries* that are ``None`` stay as they are.  Everything is taken, and
        refused, as by `Runs.log`, `Runs.update`, `Summaries.write` and `Assessments.log`.
        """
        with self.transaction():
            self.runs.log(run_id, metrics=metrics, params=params, tags=tags)
            if summaries is not None:
                self.summaries.write(run_id, summaries)
            self.assessments.log(assessments)
            if status is not None:
                self.runs.update(run_id, status=status)

    def close(self) -> None:
        """Let go of files and connections; closing twice is fine, using it afterwards is not."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

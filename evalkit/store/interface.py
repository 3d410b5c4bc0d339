"""What every store of runs promises, whatever it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from evalkit.entities.assessment import Assessment
from evalkit.entities.run import Experiment, Metric, Run, RunStatus, ViewType
from evalkit.entities.summary import EvaluationSummary
from evalkit.store.model_registry import ModelRegistry

DEFAULT_EXPERIMENT_ID = "0"
"""The experiment ``Default``, which every store has from the start."""


@runtime_checkable
class TrackingStore(ModelRegistry, Protocol):
    """A place that keeps experiments, runs, what was logged to them, and registered models.

    The contract:

    * A method that writes is one transaction: all of it is kept, or none.  When it returns, every
      later read sees it, from any thread and process.
    * Reading never blocks writing.  Readers get frozen entities, which never change afterwards.
    * Any number of threads and processes may use one store at once.  Who writes while another
      writes waits; who waits too long gets `StoreUnavailableError`, and nothing of its write.
    * Deleting is soft.  What is deleted is still found by its id, is left out of searches unless
      they ask for it, keeps its name, and cannot be written until it is restored.
    * Times are milliseconds since the Unix epoch.
    * A store that cannot be reached, read or written raises `StoreUnavailableError`; a value that
      it cannot keep, such as a key beyond its length, raises `UsageError` and writes nothing.
    """

    @property
    def uri(self) -> str:
        """The URI under which another process opens the same store."""
        ...

    # Experiments

    def create_experiment(self, name: str, *, tags: Mapping[str, str] | None = None) -> Experiment:
        """Create the experiment *name* and return it.

        Raises:
            AlreadyExistsError: If an experiment has the name, even a deleted one.
        """
        ...

    def get_or_create_experiment(self, name: str) -> Experiment:
        """Return the experiment *name*, created if there is none.

        Two processes that ask at once get the same experiment.

        Raises:
            AlreadyExistsError: If a deleted experiment has the name; restore it first.
        """
        ...

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return the experiment of an id, deleted or not.

        Raises:
            ExperimentNotFoundError: If there is none.
        """
        ...

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment *name*, deleted or not; ``None`` if there is none."""
        ...

    def search_experiments(
        self, *, view: ViewType = ViewType.ACTIVE_ONLY, limit: int = 1000
    ) -> list[Experiment]:
        """Return at most *limit* experiments, newest first."""
        ...

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Set tags on an experiment; a tag that it has changes its value."""
        ...

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment deleted; its runs stay as they are."""
        ...

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring a deleted experiment back."""
        ...

    # Runs

    def create_run(
        self,
        experiment_id: str = DEFAULT_EXPERIMENT_ID,
        *,
        run_id: str | None = None,
        name: str | None = None,
        parent_run_id: str | None = None,
        user: str = "",
        tags: Mapping[str, str] | None = None,
        start_time: int | None = None,
    ) -> Run:
        """Create a run, which is then ``RUNNING``, and return it.

        Args:
            experiment_id: Experiment to put it in; must be active.
            run_id: Its id: 1 to 64 letters, digits, ``-`` and ``_``.  By default 32 random
                hexadecimal digits.
            name: Name for people, not unique.  By default a readable one, made from the id.
            parent_run_id: Run that this one is a part of.
            user: Who runs it.
            tags: First tags.
            start_time: By default now.

        Raises:
            ExperimentNotFoundError: If there is no such active experiment.
            RunNotFoundError: If there is no run *parent_run_id*.
            AlreadyExistsError: If *run_id* is taken.
        """
        ...

    def get_run(self, run_id: str) -> Run:
        """Return the run of a full id, deleted or not.

        Raises:
            RunNotFoundError: If there is none.
        """
        ...

    def resolve_run(self, reference: str, *, experiment_id: str | None = None) -> Run:
        """Return the active run that a person means.

        Args:
            reference: In this order of precedence: ``latest`` (the run started last) or
                ``latest~N`` (N before it), a full id, a name (its newest run), or the unique
                beginning of an id, at least 4 characters.
            experiment_id: Look only at the runs of this experiment.

        Raises:
            RunNotFoundError: If there is none; the text suggests a close name.
            AmbiguousRunError: If several ids begin so.
        """
        ...

    def search_runs(
        self,
        experiment_ids: Sequence[str] | None = None,
        *,
        view: ViewType = ViewType.ACTIVE_ONLY,
        statuses: Iterable[RunStatus] | None = None,
        tags: Mapping[str, str] | None = None,
        name: str | None = None,
        parent_run_id: str | None = None,
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Run]:
        """Return runs, the one started last first.

        Args:
            experiment_ids: Only of these experiments; ``None`` means all.
            view: Which lifecycle stages.
            statuses: Only runs with one of these.
            tags: Only runs that have all these tags with these values.
            name: Only runs of this name.
            parent_run_id: Only the parts of this run.
            limit: At most this many, at least 1.
            after: Id of the last run of the page before; the page goes on behind it.

        Raises:
            RunNotFoundError: If there is no run *after*.
        """
        ...

    def update_run(
        self,
        run_id: str,
        *,
        status: RunStatus | None = None,
        end_time: int | None = None,
        name: str | None = None,
    ) -> Run:
        """Change a run and return it as it is now.

        A final *status* without *end_time* ends the run now; ``RUNNING`` and ``SCHEDULED`` take
        the end time away, as when a run is resumed.

        Raises:
            RunNotFoundError: If there is none.
            DeletedRunError: If it is deleted.
        """
        ...

    def delete_run(self, run_id: str) -> None:
        """Mark a run deleted; its artifacts stay."""
        ...

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back."""
        ...

    # What is logged to a run

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log metrics, params and tags to a run, all in one transaction.

        A metric joins the history of its key; one that is there already, equal in value,
        timestamp and step, is not added again, so that a batch may be sent twice.

        Raises:
            RunNotFoundError: If there is none.
            DeletedRunError: If it is deleted.
            ParamChangedError: If a param was logged before with another value.
        """
        ...

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags on a run; a tag that it has changes its value.

        The tag ``mlflow.runName`` is the run's name, ``mlflow.parentRunId`` its parent.
        """
        ...

    def delete_tag(self, run_id: str, key: str) -> None:
        """Take a tag from a run; one that it does not have is no error."""
        ...

    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return every measurement of one metric, by step, then timestamp."""
        ...

    # Evaluations

    def write_evaluation_summary(self, run_id: str, summaries: Sequence[EvaluationSummary]) -> None:
        """Make *summaries* the estimates of a run, in this order, in place of any it had.

        Raises:
            RunNotFoundError: If there is none.
            DeletedRunError: If it is deleted.
            UsageError: If two summaries share a key.
        """
        ...

    def evaluation_summaries(self, run_id: str) -> list[EvaluationSummary]:
        """Return the estimates of a run as they were written; none for a run without any."""
        ...

    # Assessments

    def log_assessments(self, assessments: Sequence[Assessment]) -> None:
        """Keep what was said of traces, all in one transaction.

        One whose id is there already takes the place of what is there, so that a batch may be sent
        twice.  Traces and runs that they name need not be in this store.

        Raises:
            UsageError: If one has no id, or something is too long.
        """
        ...

    def search_assessments(
        self,
        *,
        trace_id: str | None = None,
        span_id: str | None = None,
        run_id: str | None = None,
        name: str | None = None,
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Assessment]:
        """Return assessments that have all of these, the one logged last first.

        Args:
            trace_id: Only of this trace.
            span_id: Only of this span.
            run_id: Only from this run.
            name: Only of this name.
            limit: At most this many, at least 1.
            after: Id of the last assessment of the page before; the page goes on behind it.
        """
        ...

    # Cards of judges

    def add_calibration(self, *, judge: str, signature: str, created: int, card: str) -> None:
        """Keep the card of a judge, beside those that it had before.

        Args:
            judge: Metric that the judge gives.
            signature: What made its verdicts.
            created: When the card was made.
            card: The card as a JSON text.
        """
        ...

    def calibrations(self, judge: str) -> list[str]:
        """Return the newest cards of a judge as JSON texts, newest first; at most 50."""
        ...

    # Artifacts and life

    def artifact_uri(self, run_id: str) -> str:
        """Return the URI of a run's own folder of artifacts.

        A store with local artifacts returns a ``file:`` URI and has made the folder;
        `evalkit.store.artifacts.local_folder` turns it into a path.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; closing twice is fine, using it afterwards is not."""
        ...

    def __enter__(self) -> Self:
        """Return the store itself, to be closed at the end of the block."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close the store."""
        ...

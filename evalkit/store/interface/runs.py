"""What a store promises about runs, their params and their tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from evalkit.entities.run import Metric, Run, RunStatus, ViewType
from evalkit.store.interface.experiments import DEFAULT_EXPERIMENT_ID


class Runs(Protocol):
    """Runs of experiments, and what is logged to them.

    A run that is not there is a `RunNotFoundError`; one that is deleted, and is to be written, a
    `DeletedRunError`.  A value that is too long is a `UsageError` that says how long it may be.
    """

    def create(
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
            AlreadyExistsError: If *run_id* is taken.
        """
        ...

    def get(self, run_id: str) -> Run:
        """Return the run of a full id, deleted or not."""
        ...

    def resolve(self, reference: str, *, experiment_id: str | None = None) -> Run:
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

    def search(
        self,
        experiment_ids: Sequence[str] | None = None,
        *,
        view: ViewType = ViewType.ACTIVE_ONLY,
        statuses: Iterable[RunStatus] | None = None,
        tags: Mapping[str, str] | None = None,
        name: str | None = None,
        parent_run_id: str | None = None,
        filter: str = "",  # noqa: A002  MLflow's word
        order_by: str | Sequence[str] = (),
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Run]:
        """Return runs, by default the one started last first.

        Args:
            experiment_ids: Only of these experiments; ``None`` means all.
            view: Which lifecycle stages.
            statuses: Only runs with one of these.
            tags: Only runs that have all these tags with these values.
            name: Only runs of this name.
            parent_run_id: Only the parts of this run.
            filter: Such as ``metrics.f1 > 0.8 AND NOT tags.stage LIKE 'prod%'``: attributes
                (``status``, ``run_name``, ``start_time``…), ``metrics.``, ``params.``, ``tags.``.
            order_by: Such as ``["metrics.f1 DESC", "run_name"]``; equal ones newest first.
            limit: Length of a page.
            after: Id of the last run of the page before.

        Raises:
            FilterSyntaxError: If *filter* or *order_by* does not parse; points at the character.
        """
        ...

    def update(
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
        """
        ...

    def log(
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
            ParamChangedError: If a param was logged before with another value.
        """
        ...

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags on a run; a tag that it has changes its value.

        The tag ``mlflow.runName`` is the run's name, ``mlflow.parentRunId`` its parent.
        """
        self.log(run_id, tags=tags)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Take a tag from a run; one that it does not have is no error."""
        ...

    def delete(self, run_id: str) -> None:
        """Mark a run deleted; its artifacts stay."""
        ...

    def restore(self, run_id: str) -> None:
        """Bring a deleted run back."""
        ...

    def artifact_uri(self, run_id: str) -> str:
        """Return the URI of a run's own folder of artifacts.

        `evalkit.store.artifacts.open_repository` opens it.  A store with local artifacts returns a
        ``file:`` URI and has made the folder.
        """
        ...

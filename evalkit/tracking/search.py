"""Find runs and experiments in the store in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from evalkit.entities.run import Experiment, Metric, Run, RunStatus, ViewType
from evalkit.errors import ExperimentNotFoundError, UsageError, near_miss
from evalkit.tracking.place import current_store


def get_run(reference: str) -> Run:
    """Return the run that *reference* means: an id, its unique beginning, a name, ``latest``.

    Raises:
        RunNotFoundError: If there is none; the text suggests a close name.
        AmbiguousRunError: If several ids begin so.
    """
    return current_store().runs.resolve(reference)


def get_metric_history(run: str | Run, key: str) -> list[Metric]:
    """Return every value that was logged of a metric, by step and time; none where there is none.

    Args:
        run: A run, or what `get_run` takes.
        key: The metric, as `log_metric` got it.

    Raises:
        RunNotFoundError: If there is no such run; the text suggests a close name.
        AmbiguousRunError: If several ids begin so.

    Examples:
        >>> from evalkit import tracking
        >>> with tracking.use_place(tracking.Place("sqlite://")) as place:
        ...     with tracking.start_run(run_name="training"):
        ...         tracking.log_metric("loss", 0.9, step=1)
        ...         tracking.log_metric("loss", 0.4, step=2)
        ...     history = tracking.get_metric_history("training", "loss")
        >>> [(point.step, point.value) for point in history]
        [(1, 0.9), (2, 0.4)]
        >>> place.close()
    """
    store = current_store()
    run_id = store.runs.resolve(run).run_id if isinstance(run, str) else run.run_id
    return store.metrics.history(run_id, key)


def search_runs(
    experiments: str | Iterable[str] | None = None,
    *,
    status: RunStatus | str | None = None,
    tags: Mapping[str, str] | None = None,
    name: str | None = None,
    filter: str | None = None,  # noqa: A002  MLflow's word
    order_by: str | Sequence[str] | None = None,
    view: ViewType = ViewType.ACTIVE_ONLY,
    limit: int = 1000,
    after: str | None = None,
) -> list[Run]:
    """Return runs, by default the one started last first.

    Args:
        experiments: Only the runs of these experiments, by name; by default of all.
        status: Only runs that are so, such as ``"FINISHED"``.
        tags: Only runs that have all these tags with these values.
        name: Only runs of this name.
        filter: Such as ``metrics.f1 > 0.8 AND NOT tags.stage LIKE 'prod%'``; fields are the
            attributes ``run_id``, ``run_name``, ``status``, ``user_id``, ``start_time`` and
            ``end_time``, and ``metrics.KEY``, ``params.KEY``, ``tags.KEY``.
        order_by: Such as ``["metrics.f1 DESC", "run_name"]``; equal ones newest first.
        view: Active runs, deleted ones, or both.
        limit: At most this many.
        after: Id of the last run of the page before; the page goes on behind it.

    Raises:
        ExperimentNotFoundError: If there is no experiment of a name.
        UsageError: If there is no such status.
        FilterSyntaxError: If *filter* or *order_by* does not parse; points at the character.

    Examples:
        >>> from evalkit import tracking
        >>> with tracking.use_place(tracking.Place("sqlite://")) as place:
        ...     for score in (0.7, 0.9):
        ...         with tracking.start_run(run_name=f"bot {score}"):
        ...             tracking.log_metric("f1", score)
        ...     best = tracking.search_runs(filter="metrics.f1 > 0.5", order_by="metrics.f1 DESC")
        >>> [run.run_name for run in best]
        ['bot 0.9', 'bot 0.7']
        >>> place.close()
    """
    store = current_store()
    chosen: list[str] | None = None
    if experiments is not None:
        names = [experiments] if isinstance(experiments, str) else list(experiments)
        chosen = [_experiment(name).experiment_id for name in names]
    return store.runs.search(
        chosen,
        view=view,
        statuses=None if status is None else [_status(status)],
        tags=tags,
        name=name,
        filter=filter or "",
        order_by=order_by or (),
        limit=limit,
        after=after,
    )


def search_experiments(
    *,
    filter: str | None = None,  # noqa: A002  MLflow's word
    order_by: str | Sequence[str] | None = None,
    view: ViewType = ViewType.ACTIVE_ONLY,
    limit: int = 1000,
    after: str | None = None,
) -> list[Experiment]:
    """Return experiments, by default the newest first.

    Args:
        filter: As `search_runs` takes it, by ``name``, ``experiment_id``, ``creation_time``,
            ``last_update_time`` and ``tags.KEY``.
        order_by: Such as ``"name"``.
        view: Active experiments, deleted ones, or both.
        limit: At most this many.
        after: Id of the last experiment of the page before.

    Raises:
        FilterSyntaxError: If *filter* or *order_by* does not parse; points at the character.
    """
    return current_store().experiments.search(
        filter=filter or "", order_by=order_by or (), view=view, limit=limit, after=after
    )


def _status(name: str) -> RunStatus:
    try:
        return RunStatus(name.upper())
    except ValueError:
        hint = near_miss(name.upper(), [status.value for status in RunStatus])
        raise UsageError(f"No run is ever {name!r}.{hint}") from None


def _experiment(name: str) -> Experiment:
    store = current_store()
    experiment = store.experiments.find(name)
    if experiment is None:
        raise ExperimentNotFoundError(name, [e.name for e in store.experiments.search()])
    return experiment

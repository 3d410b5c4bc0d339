"""The active run: begun, found and ended, apart in each thread and task."""

from __future__ import annotations

import atexit
import getpass
import os
import sys
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Self

from evalkit.entities.run import Run, RunInfo, RunStatus
from evalkit.errors import ActiveRunError
from evalkit.store import Store
from evalkit.tracking.place import current_place, current_store


class ActiveRun:
    """A run that the log functions write to; a ``with`` block ends it, failed if it raises.

    Two threads, or two tasks, that each begin a run do not see each other's.  A task that is
    begun inside a run, and a thread that is given its context, log to that run.
    """

    def __init__(self, store: Store, run: Run) -> None:
        self.store = store
        self.info: RunInfo = run.info
        self.ended = False
        self._process = os.getpid()

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.info.run_id

    def end(self, status: RunStatus = RunStatus.FINISHED) -> None:
        """End the run; a run that has ended stays as it is."""
        if self.ended or self._process != os.getpid():  # a forked child ends no run of its parent
            return
        self.ended = True
        with _OPEN_LOCK:
            _OPEN.pop(id(self), None)
        self.store.runs.update(self.run_id, status=status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        _forget(self)
        if kind is None:
            self.end()
        else:
            self.end(RunStatus.FAILED if issubclass(kind, Exception) else RunStatus.KILLED)

    def __repr__(self) -> str:
        return f"<ActiveRun {self.run_id} {self.info.run_name!r}>"


_STACK: ContextVar[tuple[ActiveRun, ...]] = ContextVar("evalkit_active_runs", default=())
_OPEN: dict[int, ActiveRun] = {}
_OPEN_LOCK = threading.Lock()


def start_run(
    run_id: str | None = None,
    *,
    run_name: str | None = None,
    experiment_id: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> ActiveRun:
    """Begin a run and make it the active one, or go on with an earlier one.

    Args:
        run_id: Run to go on with, which is then ``RUNNING`` again: an id or its unique beginning,
            a name, or ``latest``.
        run_name: Name for people; by default a readable one.
        experiment_id: By default the experiment of `set_experiment`.
        nested: Begin a part of the active run.
        parent_run_id: Run that this one is a part of, if not the active one.
        tags: First tags.

    Raises:
        ActiveRunError: If a run is active and *nested* is false.
        RunNotFoundError: If there is no run *run_id* or *parent_run_id*.

    Examples:
        >>> from evalkit import tracking
        >>> tracking.set_tracking_uri("sqlite://")
        >>> with tracking.start_run(run_name="first"):
        ...     tracking.log_metric("accuracy", 0.9)
        >>> tracking.get_run("first").data.metrics
        {'accuracy': 0.9}
        >>> tracking.set_tracking_uri(None)
    """
    outer = active_run()
    if outer is not None and not nested:
        raise ActiveRunError(
            f"Run {outer.run_id} is active: end it by end_run(), or begin a part of it by "
            "start_run(nested=True)."
        )
    store = current_store() if outer is None else outer.store
    if run_id is not None:
        run = store.runs.update(store.runs.resolve(run_id).run_id, status=RunStatus.RUNNING)
    else:
        if outer is not None:
            parent_run_id = parent_run_id or outer.run_id
        run = store.runs.create(
            experiment_id or current_place().experiment_id(store),
            name=run_name,
            parent_run_id=parent_run_id,
            user=user_name(),
            tags={**_origin(), **(tags or {})},
        )
    begun = ActiveRun(store, run)
    _STACK.set((*_STACK.get(), begun))
    with _OPEN_LOCK:
        if not _OPEN:
            atexit.unregister(_end_what_is_left)
            atexit.register(_end_what_is_left)
        _OPEN[id(begun)] = begun
    return begun


def active_run() -> ActiveRun | None:
    """Return the run that this thread or task logs to; ``None`` if there is none."""
    return next((run for run in reversed(_STACK.get()) if not run.ended), None)


def end_run(status: RunStatus = RunStatus.FINISHED) -> None:
    """End the active run, if there is one; the run around it, if any, is active again."""
    run = active_run()
    if run is not None:
        _forget(run)
        run.end(status)


def _forget(run: ActiveRun) -> None:
    _STACK.set(tuple(other for other in _STACK.get() if other is not run))


def user_name() -> str:
    """Return the name of who runs this process; empty where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run under a nameless user
        return ""


def _origin() -> dict[str, str]:
    return {
        "mlflow.user": user_name(),
        "mlflow.source.name": sys.argv[0] if sys.argv else "",
        "mlflow.source.type": "LOCAL",
    }


def _end_what_is_left() -> None:
    """End the runs of a script that began them without a ``with`` block."""
    died = hasattr(sys, "last_value") and not hasattr(sys, "ps1")
    with _OPEN_LOCK:
        left = list(_OPEN.values())
    for run in left:
        run.end(RunStatus.FAILED if died else RunStatus.FINISHED)

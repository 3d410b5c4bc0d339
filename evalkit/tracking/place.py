"""Where runs are kept: the tracking URI, the open store, and the experiment of new runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from contextvars import ContextVar
from pathlib import Path

from evalkit.entities.run import Experiment
from evalkit.settings import settings
from evalkit.store import DEFAULT_EXPERIMENT_ID, Store, open_store


class Place:
    """A store, opened when it is first needed, and the experiment of the runs that begin.

    A process has one, which `set_tracking_uri` and `set_experiment` change; `use_place` puts
    another in its stead for a while, such as for one request of a server.

    Args:
        uri: As `evalkit.store.open_store` takes it; by default the environment's.
        artifact_root: Folder for the artifacts, or a URI such as ``s3://bucket/runs``, if not
            beside the database.
        experiment: Name of the experiment of new runs, created if missing.
    """

    def __init__(
        self,
        uri: str | None = None,
        *,
        artifact_root: str | Path | None = None,
        experiment: str | None = None,
    ) -> None:
        self._uri = uri
        self._artifact_root = artifact_root
        self._experiment = experiment
        self._lock = threading.RLock()
        self._opened: tuple[object, Store] | None = None

    @property
    def uri(self) -> str:
        """The URI that was given, else the environment's."""
        return settings().tracking_uri if self._uri is None else self._uri

    @property
    def store(self) -> Store:
        """The store, opened if it is not yet; raises what `current_store` raises."""
        with self._lock:
            # A relative path means the folder that is current now, not the one of the first call.
            root = self._artifact_root or settings().artifact_root
            key = (self.uri, root, Path.cwd())
            if self._opened is None or self._opened[0] != key:
                self._opened = (key, open_store(self.uri, artifact_root=root))
            return self._opened[1]

    def move(self, uri: str | None, artifact_root: str | Path | None) -> None:
        """Take another store from now on; the one in use stays open for those who hold it."""
        with self._lock:
            self._uri, self._artifact_root, self._opened = uri, artifact_root, None

    def set_experiment(self, name: str | None) -> Experiment:
        """Put the runs that begin from now on into the experiment *name*, created if missing."""
        with self._lock:
            experiments = self.store.experiments
            if name is None:
                experiment = experiments.get(DEFAULT_EXPERIMENT_ID)
            else:
                experiment = experiments.get_or_create(name)
            self._experiment = name
            return experiment

    def experiment_id(self, store: Store) -> str:
        """Return the id, in *store*, of the experiment of new runs."""
        if self._experiment is None:
            return DEFAULT_EXPERIMENT_ID
        return store.experiments.get_or_create(self._experiment).experiment_id

    def close(self) -> None:
        """Close the store, if it is open; the next use opens it again."""
        with self._lock:
            if self._opened is not None:
                self._opened[1].close()
            self._opened = None


_PROCESS = Place()
_SCOPED: ContextVar[Place | None] = ContextVar("evalkit_place", default=None)


def current_place() -> Place:
    """Return the place of this thread or task: that of `use_place`, else the process's."""
    return _SCOPED.get() or _PROCESS


@contextlib.contextmanager
def use_place(place: Place) -> Generator[Place]:
    """Keep runs in *place* within the block, and in tasks that begin in it.

    Other threads and tasks of the process do not see it, and a thread begins with the place of the
    process unless it is given its parent's context.  The place stays open; `Place.close` closes it.

    Examples:
        >>> from evalkit import tracking
        >>> with tracking.use_place(tracking.Place("sqlite://")) as place:
        ...     with tracking.start_run(run_name="apart"):
        ...         pass
        ...     [run.run_name for run in tracking.search_runs()]
        ['apart']
        >>> place.close()
    """
    token = _SCOPED.set(place)
    try:
        yield place
    finally:
        _SCOPED.reset(token)


def set_tracking_uri(uri: str | None, *, artifact_root: str | Path | None = None) -> None:
    """Name the store that the calls after this one use; ``None`` takes the choice back.

    The store is opened when it is first needed.  Runs that are active stay in the store in which
    they began.

    Args:
        uri: As `evalkit.store.open_store` takes it.
        artifact_root: Folder for the artifacts, or a URI such as ``s3://bucket/runs``, if not
            beside the database.

    Examples:
        >>> set_tracking_uri("sqlite:///team.db")
        >>> get_tracking_uri()
        'sqlite:///team.db'
        >>> set_tracking_uri(None)
    """
    current_place().move(uri, artifact_root)


def get_tracking_uri() -> str:
    """Return the URI of the store in use: the one that was set, else the environment's."""
    return current_place().uri


def current_store() -> Store:
    """Return the store in use, opened if it is not yet.

    Raises:
        UnsupportedStoreError: If the tracking URI names another kind of store.
        StoreUnavailableError: If the store cannot be opened and written.
    """
    return current_place().store


def set_experiment(name: str | None) -> Experiment:
    """Put the runs that begin after this call into the experiment *name*, created if missing.

    Args:
        name: ``None`` goes back to the experiment ``Default``.

    Raises:
        AlreadyExistsError: If the experiment is deleted; restore it first.
    """
    return current_place().set_experiment(name)

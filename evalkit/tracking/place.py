"""Where this process keeps its runs: the tracking URI, the open store, and the experiment."""

from __future__ import annotations

import threading
from pathlib import Path

from evalkit.entities.run import Experiment
from evalkit.settings import settings
from evalkit.store import DEFAULT_EXPERIMENT_ID, Store, open_store


class _Place:
    """The choice of a process; every thread sees the same."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.uri: str | None = None
        self.artifact_root: Path | None = None
        self.experiment: str | None = None
        self.opened: tuple[object, Store] | None = None


_PLACE = _Place()


def set_tracking_uri(uri: str | None, *, artifact_root: str | Path | None = None) -> None:
    """Name the store that the calls after this one use; ``None`` takes the choice back.

    The store is opened when it is first needed.  Runs that are active stay in the store in which
    they began.

    Args:
        uri: As `evalkit.store.open_store` takes it.
        artifact_root: Folder for the artifacts, if not beside the database.

    Examples:
        >>> set_tracking_uri("sqlite:///team.db")
        >>> get_tracking_uri()
        'sqlite:///team.db'
        >>> set_tracking_uri(None)
    """
    with _PLACE.lock:
        _PLACE.uri = uri
        _PLACE.artifact_root = None if artifact_root is None else Path(artifact_root)
        _PLACE.opened = None


def get_tracking_uri() -> str:
    """Return the URI of the store in use: the one that was set, else the environment's."""
    with _PLACE.lock:
        return settings().tracking_uri if _PLACE.uri is None else _PLACE.uri


def current_store() -> Store:
    """Return the store in use, opened if it is not yet.

    Raises:
        UnsupportedStoreError: If the tracking URI names another kind of store.
        StoreUnavailableError: If the store cannot be opened and written.
    """
    with _PLACE.lock:
        uri = get_tracking_uri()
        # A relative path means the folder that is current now, not the one of the first call.
        key = (uri, _PLACE.artifact_root, Path.cwd())
        if _PLACE.opened is None or _PLACE.opened[0] != key:
            _PLACE.opened = (key, open_store(uri, artifact_root=_PLACE.artifact_root))
        return _PLACE.opened[1]


def set_experiment(name: str | None) -> Experiment:
    """Put the runs that begin after this call into the experiment *name*, created if missing.

    Args:
        name: ``None`` goes back to the experiment ``Default``.

    Raises:
        AlreadyExistsError: If the experiment is deleted; restore it first.
    """
    with _PLACE.lock:
        store = current_store()
        if name is None:
            found = store.experiments.get(DEFAULT_EXPERIMENT_ID)
        else:
            found = store.experiments.get_or_create(name)
        _PLACE.experiment = name
        return found


def current_experiment_id(store: Store) -> str:
    """Return the id, in *store*, of the experiment that was set."""
    name = _PLACE.experiment
    if name is None:
        return DEFAULT_EXPERIMENT_ID
    return store.experiments.get_or_create(name).experiment_id

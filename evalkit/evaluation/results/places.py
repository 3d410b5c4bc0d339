"""Where evaluations are kept: the store, and a run's folder."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Final

from evalkit.entities.run import Run, RunStatus
from evalkit.store import Store, open_store
from evalkit.store.artifacts import WorkFolder, open_repository
from evalkit.store.open import without_password

PLACE_TAG = "evalkit.evaluation"
"""Tag of a run that holds an evaluation: the folder's name among its artifacts."""

NEXT_TAG = "evalkit.evaluation.next"
"""Tag of such a run: the folder of what is being added to it, which takes the other's place."""

_TEMPORARY: Final = frozenset({"sqlite://", "sqlite:///", "sqlite:///:memory:"})


def store_of(setting: str | bool | None) -> tuple[Store, bool] | None:
    """Return the store that ``Runtime(store=)`` means, and whether to close it after use."""
    if setting is False:
        return None
    # start-up: only with a store
    from evalkit.tracking.place import current_store, get_tracking_uri

    # The one in use may have been opened with a place for artifacts that its URI does not tell.
    if not isinstance(setting, str) or _absolute(setting) == _absolute(get_tracking_uri()):
        return current_store(), False
    # One in a temporary folder goes with what holds it: a result keeps it for its files.
    return open_store(setting), setting not in _TEMPORARY


@contextlib.contextmanager
def using_store(setting: str | bool | None) -> Generator[Store]:
    """Give the store that ``Runtime(store=)`` means, if not ``False``, and close it after use."""
    opened = store_of(setting)
    assert opened is not None  # noqa: S101  only False means no store
    store, closes = opened
    try:
        yield store
    finally:
        if closes:
            store.close()


def _absolute(uri: str) -> str:
    path = uri.removeprefix("sqlite:///")
    return (
        without_password(uri) if path in {uri, ":memory:"} else f"sqlite:///{Path(path).absolute()}"
    )


def is_there(uri: str) -> bool:
    """Say whether a store exists: opening one that does not would make it."""
    return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).is_file()


def evaluation_folder(run: Run, *, unfinished: bool = False) -> Path:
    """Return the folder of a run's newest evaluation, which need not exist.

    What is kept elsewhere is fetched, unless it lies here, as it does while it is being made.

    Args:
        run: The run.
        unfinished: Whether to go on in it: also in what is being added to a finished one.
    """
    name = run.data.tags.get(PLACE_TAG, "evaluation")
    repository = open_repository(run.info.artifact_uri)
    if unfinished:
        name = run.data.tags.get(NEXT_TAG, name)
    here = repository.work / name
    if (here / "plan.json").is_file():
        return here
    try:
        return WorkFolder.reopen(repository, name).path if unfinished else repository.get(name)
    except FileNotFoundError:
        return here


def status_of(run: Run) -> RunStatus:
    """Return how *run* stands: one whose process is gone without a word is killed, not running."""
    if run.info.status is not RunStatus.RUNNING:
        return run.info.status
    from evalkit.engine.journal import is_being_written  # start-up: no result is opened for it

    tags = run.data.tags
    name = tags.get(NEXT_TAG, tags.get(PLACE_TAG, "evaluation"))
    written = is_being_written(open_repository(run.info.artifact_uri).work / name)
    return RunStatus.KILLED if written is False else RunStatus.RUNNING

"""The model session of one evaluation: where its cache lies, and what limits it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from evalkit._internal.clock import now_milliseconds
from evalkit.entities.target import Target
from evalkit.errors import UsageError
from evalkit.evaluation.running.runtime import Runtime
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.budget import Budget
from evalkit.llm.cache import Cache
from evalkit.llm.exchanges import tape_clients
from evalkit.llm.limits import Controllers
from evalkit.llm.mode import Mode
from evalkit.llm.prices import Prices
from evalkit.llm.recorder import Recorder
from evalkit.llm.recordings import RecordingFolder
from evalkit.llm.session import ModelSession
from evalkit.llm.usage import Ledger
from evalkit.settings import settings, user_cache_folder

if TYPE_CHECKING:
    from evalkit.llm.batch.carrier import PendingFolder
    from evalkit.llm.batch.desk import Desk

CACHE_FILE: Final = "evalkit-cache/calls.db"
"""The cache, beside the store."""

BATCHES_FOLDER: Final = "batches"
"""Batches on their way, beside the cache."""

_SQLITE: Final = "sqlite:///"


def worker_session(runtime: Runtime, since: int) -> Callable[[], ModelSession]:
    """Return what opens the session of one of several worker processes; it pickles."""
    n = runtime.limits().workers
    requests, tokens = runtime.requests_per_minute, runtime.tokens_per_minute
    share = dataclasses.replace(
        runtime,
        requests_per_minute=None if requests is None else requests / n,
        tokens_per_minute=None if tokens is None else tokens / n,
        store=runtime.store if runtime.store is False else _uri(runtime.store),
    )
    return functools.partial(session_of, share, since=since)


def session_of(
    runtime: Runtime,
    *,
    ledger: Ledger | None = None,
    since: int | None = None,
    desk: Desk | None = None,
) -> ModelSession:
    """Return a session that keeps the recordings, limits and budget of *runtime*.

    Args:
        runtime: How models are asked.
        ledger: Where calls are counted; a new one by default.
        since: Time from which on ``live`` takes recordings as made by itself; now by default.
        desk: What sends calls by batches; by default every call is made at once.

    Raises:
        UsageError: If the cache cannot be opened.
    """
    return ModelSession(
        ledger=ledger,
        recorder=recorder_of(runtime, since=now_milliseconds() if since is None else since),
        controllers=Controllers(
            requests_per_minute=runtime.requests_per_minute,
            tokens_per_minute=runtime.tokens_per_minute,
        ),
        budget=Budget.of(runtime.budget),
        prices=Prices(runtime.prices),
        desk=desk,
    )


def desk_of(runtime: Runtime, *, since: int, stopped: Callable[[], bool]) -> Desk | None:
    """Return what sends calls by batches, where any are to be; a replay asks nobody.

    Args:
        runtime: How models are asked.
        since: When the run began.
        stopped: Says whether the run is being interrupted.
    """
    settings = BatchSettings.of(runtime.batch)
    if settings is None or runtime.mode == "replay":
        return None
    from evalkit.llm.batch.desk import Desk  # start-up: few runs ask by batches

    return Desk(
        settings,
        folder=pending_folder(runtime),
        # What answers from recordings may take over a batch of any run; else, one's own alone.
        since=0 if runtime.mode == "auto" else since,
        stopped=stopped,
        keep_files=runtime.mode == "none",
    )


def pending_folder(runtime: Runtime) -> PendingFolder:
    """Return the place where batches on their way are written down."""
    from evalkit.llm.batch.carrier import PendingFolder  # start-up: few runs ask by batches

    cache = cache_path(runtime.store)
    return PendingFolder(None if cache is None else cache.parent / BATCHES_FOLDER)


def checking_session(runtime: Runtime) -> ModelSession:
    """Return a session that tells targets, before the first call, whether models will be asked."""
    return ModelSession(recorder=Recorder(mode=cast("Mode", runtime.mode)))


def recorder_of(runtime: Runtime, *, since: int, made: bool = True) -> Recorder:
    """Return what answers from recordings and makes them.

    Args:
        runtime: Where recordings lie, and what is done with them.
        since: In mode ``live``: recordings from this moment on are the run's own.
        made: Whether a cache is made where there is none.
    """
    places: list[Cache | RecordingFolder] = []
    if runtime.mode != "none":
        if runtime.recordings is not None:
            folder = RecordingFolder(Path(runtime.recordings))
            if made and runtime.mode != "replay":
                folder.check()
            places.append(folder)
        cache = cache_path(runtime.store)
        # A replay with recordings that lie in the repository must not depend on this machine.
        wanted = cache is not None and not (runtime.mode == "replay" and places)
        if cache is not None and wanted and (made or cache.is_file()):
            places.append(Cache(cache, reading=runtime.mode == "replay" or not made))
        if runtime.record_http:
            tape_clients()
    return Recorder(
        mode=cast("Mode", runtime.mode), places=places, since=since, http=runtime.record_http
    )


def cache_path(store: str | bool | None) -> Path | None:
    """Return the file of the cache; ``None`` where nothing is to be kept.

    It lies in ``EVALKIT_HOME`` if that is set, else beside a store in a file, else in the user's
    cache folder.

    Examples:
        >>> cache_path("sqlite:////data/runs.db").as_posix()
        '/data/evalkit-cache/calls.db'
        >>> cache_path(False) is None
        True
    """
    if store is False:
        return None
    home = settings().data_directory
    if home:
        return Path(home) / CACHE_FILE
    store = _uri(store)
    if store.startswith(_SQLITE) and ":memory:" not in store:
        file = store.removeprefix(_SQLITE).partition("?")[0]
        return Path(file).parent / CACHE_FILE
    return user_cache_folder() / CACHE_FILE


def _uri(store: str | bool | None) -> str:
    if isinstance(store, str):
        return store
    from evalkit.tracking.place import get_tracking_uri  # start-up: only with a store

    return get_tracking_uri()


def check_replayable(target: Target | None, runtime: Runtime) -> None:
    """Refuse to replay a target that nothing was ever recorded of.

    An estimator computes on this machine and is run; a chat model is replayed call by call.

    Raises:
        UsageError: If it is a function or an endpoint without a version, and it is outputs that
            are recorded.
    """
    if runtime.mode != "replay" or target is None:
        return
    identity = target.identity
    kinds = {"endpoint"} if runtime.record_http else {"callable", "endpoint"}
    if identity.kind in kinds and identity.version is None:
        raise UsageError(
            f"mode='replay' cannot answer for {identity.name!r}, which has no version: outputs are "
            "recorded of targets that have one. Give version='1' or 'files:app/**', or have a "
            "function run on recorded HTTP with record_http, and record first."
        )

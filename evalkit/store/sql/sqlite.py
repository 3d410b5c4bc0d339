"""SQLite: one file, its connections, locks and errors, and what only SQLite says or does."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from evalkit._internal import clock
from evalkit._internal.sqlite_file import connect_to_read, only_readable
from evalkit.errors import StoreUnavailableError
from evalkit.store.sql.database import on_conflict

BUSY_TIMEOUT_SECONDS = 10.0
"""How long SQLite itself waits for a lock, each time it is asked for one."""

LOCK_TIMEOUT_SECONDS = 60.0
"""How long a transaction asks for the write lock before it gives up."""

_WRITE_ELSEWHERE = "name another place by --store or EVALKIT_TRACKING_URI"
_FREE_SPACE = f"free some space, or {_WRITE_ELSEWHERE}"
_LOCKED = ("is locked by another process", "wait for that process or stop it, then try again")
_UNWRITABLE = ("cannot be written", _WRITE_ELSEWHERE)
_UNOPENED = ("cannot be opened, or its folder cannot be written", _WRITE_ELSEWHERE)
_PROBLEMS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: _UNOPENED,
    sqlite3.SQLITE_FULL: ("cannot be written: the disk is full", _FREE_SPACE),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: the disk is full or fails", _FREE_SPACE),
    sqlite3.SQLITE_NOTADB: ("is not a SQLite database", f"check the path, or {_WRITE_ELSEWHERE}"),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        "bring it back from a copy, or save what is left by 'sqlite3 FILE .recover'",
    ),
}


class SqliteDialect:
    """A SQLite file in write-ahead mode; one thread of a process writes at a time.

    One that may not be written is opened for reading alone, so that finished work can be looked at.
    """

    def __init__(self, path: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> None:
        self.path = path.absolute()
        self.uri = f"sqlite:///{self.path.as_posix()}"
        self.place = str(self.path)
        self._lock_timeout_seconds = lock_timeout_seconds
        self._write_lock = threading.Lock()

    def connect(self) -> Engine:
        creator = partial(_connect, self.path, self._lock_timeout_seconds)
        if only_readable(self.path):
            creator = partial(connect_to_read, self.path)
        else:
            self._make()
        engine = create_engine(
            "sqlite://", creator=creator, poolclass=QueuePool, pool_size=5, max_overflow=-1
        )
        event.listen(engine, "begin", partial(_begin, self._lock_timeout_seconds))
        return engine

    def _make(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Only its owner reads it, and SQLite's side files take over its mode.
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            os.close(os.open(self.path, flags, 0o600))
        except OSError as error:
            problem = f"cannot be opened for writing ({error.strerror})"
            raise StoreUnavailableError(self.place, problem, _WRITE_ELSEWHERE) from error

    @contextlib.contextmanager
    def begin(self, engine: Engine) -> Generator[Connection]:
        with self._write_lock, engine.connect() as plain:
            connection = plain.execution_options(evalkit_write=True)
            with connection.begin():
                yield connection

    def upsert(self, table: Table, *, by: Sequence[str] = (), replace: bool = True) -> Insert:
        return on_conflict(insert(table), table, by, replace=replace)

    def keep_copy(self, version: str) -> None:
        """Write the file as it is now, whole, beside it, with the version in its name."""
        copy = self.path.with_name(f"{self.path.name}.{version}")
        unfinished = copy.with_name(f"{copy.name}.tmp")
        try:
            os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            with (
                contextlib.closing(connect_to_read(self.path)) as source,
                contextlib.closing(sqlite3.connect(unfinished)) as target,
            ):
                source.backup(target)
            unfinished.replace(copy)
        except (OSError, sqlite3.Error) as error:
            unfinished.unlink(missing_ok=True)
            problem = f"is older, and no copy of it can be made before it changes ({error})"
            raise StoreUnavailableError(self.place, problem, _FREE_SPACE) from error

    def explain(self, error: Exception) -> StoreUnavailableError | None:
        if isinstance(error, DBAPIError) and isinstance(error.orig, Exception):
            error = error.orig
        if isinstance(error, sqlite3.Error):
            problem = _PROBLEMS.get(_primary_code(error))
            return None if problem is None else StoreUnavailableError(self.place, *problem)
        return None

    def leave_parent(self) -> None:
        self._write_lock = threading.Lock()


def _connect(path: Path, lock_timeout_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=min(BUSY_TIMEOUT_SECONDS, lock_timeout_seconds),
        isolation_level=None,  # transactions begin and end where this module says
        check_same_thread=False,  # the pool hands a connection to one thread at a time
    )
    try:
        # Two processes that switch a new file to write-ahead mode at once: one is told "busy"
        # at once, without waiting.
        _patiently(connection, "PRAGMA journal_mode=WAL", lock_timeout_seconds)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _begin(lock_timeout_seconds: float, connection: Connection) -> None:
    writing = connection.get_execution_options().get("evalkit_write", False)
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):  # pragma: no cover  _connect makes them
        raise TypeError(f"expected a SQLite connection, got {type(raw).__name__}")
    _patiently(raw, "BEGIN IMMEDIATE" if writing else "BEGIN", lock_timeout_seconds)


def _patiently(connection: sqlite3.Connection, statement: str, timeout_seconds: float) -> None:
    """Execute *statement*, again and again while the database is locked."""
    deadline = clock.monotonic() + timeout_seconds
    pause = 0.001
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY or clock.monotonic() >= deadline:
                raise
        else:
            return
        # Waiting processes must not march in step; no result depends on this draw.
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
        pause = min(2 * pause, 0.1)


def _primary_code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF

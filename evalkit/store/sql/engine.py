"""The one database file of a store: connections, transactions, locks, and SQLite's errors.

Everything that only SQLite says or does is in this module.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Generator
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import Pool, QueuePool

from evalkit._internal import clock
from evalkit.errors import StoreUnavailableError

BUSY_TIMEOUT_SECONDS = 10.0
"""How long SQLite itself waits for a lock, each time it is asked for one."""

LOCK_TIMEOUT_SECONDS = 60.0
"""How long a transaction asks for the write lock before it gives up."""

_WRITE_ELSEWHERE = "name another place by --store or EVALKIT_TRACKING_URI"
_LOCKED = (
    "is locked by another process",
    "wait for that process or stop it, then try again",
)
_PROBLEMS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: ("cannot be written", _WRITE_ELSEWHERE),
    sqlite3.SQLITE_PERM: ("cannot be written", _WRITE_ELSEWHERE),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened, or its folder cannot be written",
        _WRITE_ELSEWHERE,
    ),
    sqlite3.SQLITE_FULL: (
        "cannot be written: the disk is full",
        "free some space, or " + _WRITE_ELSEWHERE,
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk is full or fails",
        "free some space, or " + _WRITE_ELSEWHERE,
    ),
    sqlite3.SQLITE_NOTADB: (
        "is not a SQLite database",
        "check the path, or " + _WRITE_ELSEWHERE,
    ),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        "bring it back from a copy, or save what is left by 'sqlite3 FILE .recover'",
    ),
}


class Database:
    """A SQLite database in write-ahead mode, for any number of threads and processes.

    One thread of a process writes at a time; readers see a snapshot and never wait.  A copy that a
    forked child inherits opens connections of its own.
    """

    def __init__(self, path: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> None:
        self.path = path
        self._write_lock = threading.Lock()
        self._pools_of_parents: list[Pool] = []
        with self._translated():
            _make_private_file(path)
        self.engine = create_engine(
            "sqlite://",
            creator=partial(_connect, path, lock_timeout_seconds),
            poolclass=QueuePool,
            pool_size=5,
            max_overflow=-1,
        )
        # Neither knows this object, so that it is closed as soon as nobody holds it any more.
        event.listen(self.engine, "begin", partial(_begin, lock_timeout_seconds))
        weakref.finalize(self, self.engine.dispose)
        _DATABASES.add(self)

    @contextlib.contextmanager
    def read(self) -> Generator[Connection]:
        """Open a snapshot for reading; all statements of the block see the same state.

        Raises:
            StoreUnavailableError: If the database cannot be read.
        """
        with self._translated(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Generator[Connection]:
        """Open a transaction that holds the write lock, committed if the block raises nothing.

        Raises:
            StoreUnavailableError: If the database cannot be written or stays locked.
        """
        with self._translated(), self._write_lock, self.engine.connect() as plain:
            connection = plain.execution_options(evalkit_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close every connection; the last process to do so folds the log into the file."""
        self.engine.dispose()

    def forget_parent(self) -> None:
        """Leave the connections and locks of the parent process alone, in a forked child.

        SQLite's connections must not cross a fork, not even to be closed.
        """
        self._pools_of_parents.append(self.engine.pool)
        self.engine.dispose(close=False)
        self._write_lock = threading.Lock()

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error):
                raise
            raise _clear_error(self.path, error.orig) from error
        except sqlite3.Error as error:
            raise _clear_error(self.path, error) from error
        except OSError as error:
            problem = f"cannot be opened for writing ({error.strerror})"
            raise StoreUnavailableError(str(self.path), problem, _WRITE_ELSEWHERE) from error


def _make_private_file(path: Path) -> None:
    """Make an empty database that only its owner reads; SQLite's side files take over its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))


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


def _clear_error(path: Path, error: sqlite3.Error) -> Exception:
    """Return *error* in words that say what to do, or itself where it is a bug of ours."""
    found = _PROBLEMS.get(_primary_code(error))
    return error if found is None else StoreUnavailableError(str(path), *found)


_DATABASES: weakref.WeakSet[Database] = weakref.WeakSet()


def _after_fork() -> None:
    for database in _DATABASES:
        database.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

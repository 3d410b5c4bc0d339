"""One database of a store: connections, transactions, and errors in clear words."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Engine, Insert, Table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import Pool

from evalkit.errors import EvalkitError

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


class Dialect(Protocol):
    """A kind of database, and where the one in use is."""

    uri: str
    """What opens the same database in another process."""

    place: str
    """What messages call the database: a path, or an address without its password."""

    def connect(self) -> Engine:
        """Return an engine whose connections are ready for use."""
        ...

    def begin(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Open a transaction that may write, committed if the block raises nothing."""
        ...

    def upsert(self, table: Table, *, by: Sequence[str] = (), replace: bool = True) -> Insert:
        """Return an insert for rows whose key may be there.

        Args:
            table: Where to.
            by: Columns of the key, which a constraint keeps unique; by default the primary key.
            replace: Whether a row takes the place of the one that is there, in all columns but
                those of the primary key and of *by*, or is left out.
        """
        ...

    def keep_copy(self, version: str) -> None:
        """Copy a file whose schema, *version*, is about to change; a server has its own backups."""
        ...

    def explain(self, error: Exception) -> EvalkitError | None:
        """Return what a user can do about an error of the driver; ``None`` for a bug of ours."""
        ...

    def leave_parent(self) -> None:
        """Make locks anew in a forked child: the parent's may be held by a thread it lacks."""
        ...


def on_conflict(
    statement: sqlite.Insert | postgresql.Insert, table: Table, by: Sequence[str], *, replace: bool
) -> Insert:
    """Return an insert in the words that SQLite took over from PostgreSQL; see `Dialect.upsert`."""
    primary = {column.name for column in table.primary_key}
    key = list(by or primary)
    others = [c.name for c in table.columns if c.name not in {*primary, *key}]
    if not replace or not others:
        return statement.on_conflict_do_nothing(index_elements=key)
    values = {name: statement.excluded[name] for name in others}
    return statement.on_conflict_do_update(index_elements=key, set_=values)


class Database:
    """A database for any number of threads and processes.

    Readers see a snapshot and never wait.  A copy that a forked child inherits opens connections
    of its own.  A database that cannot be read or written, or stays locked, is a
    `StoreUnavailableError`.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._pools_of_parents: list[Pool] = []
        self._own = threading.local()  # .connection: the transaction that this thread is in
        with self._explained():
            self.engine = dialect.connect()
        # The engine does not know this object, which is closed as soon as nobody holds it any more.
        weakref.finalize(self, self.engine.dispose)
        _DATABASES.add(self)

    @contextlib.contextmanager
    def read(self) -> Generator[Connection]:
        """Open a snapshot for reading; all statements of the block see the same state.

        Inside a transaction of the thread, it is that one, which sees its own writes.
        """
        outer: Connection | None = getattr(self._own, "connection", None)
        with self._explained():
            if outer is not None:
                yield outer
            else:
                with self.engine.connect() as connection:
                    yield connection

    @contextlib.contextmanager
    def write(self) -> Generator[Connection]:
        """Open a transaction, committed if the block raises nothing, or join the thread's own."""
        outer: Connection | None = getattr(self._own, "connection", None)
        with self._explained():
            if outer is not None:
                with outer.begin_nested():  # who catches an error keeps nothing of what raised it
                    yield outer
                return
            with self.dialect.begin(self.engine) as connection:
                self._own.connection = connection
                try:
                    yield connection
                finally:
                    self._own.connection = None

    def put(
        self,
        connection: Connection,
        table: Table,
        rows: Sequence[Mapping[str, Any]],
        *,
        by: Sequence[str] = (),
    ) -> None:
        """Insert rows; one whose key is there takes the place of what is there."""
        if rows:
            connection.execute(self.dialect.upsert(table, by=by), list(rows))

    def add_new(
        self,
        connection: Connection,
        table: Table,
        rows: Sequence[Mapping[str, Any]],
        *,
        by: Sequence[str] = (),
    ) -> int:
        """Insert the rows whose key is not there, and return how many were."""
        if not rows:
            return 0
        # One row is no list: only then do all drivers count.
        given = rows[0] if len(rows) == 1 else list(rows)
        statement = self.dialect.upsert(table, by=by, replace=False)
        return connection.execute(statement, given).rowcount

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def leave_parent(self) -> None:
        """Leave the connections and locks of the parent process alone, in a forked child.

        Connections must not cross a fork, not even to be closed.
        """
        self._pools_of_parents.append(self.engine.pool)
        self.engine.dispose(close=False)
        self._own = threading.local()
        self.dialect.leave_parent()

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except Exception as error:
            clear = self.dialect.explain(error)
            if clear is None:
                raise
            raise clear from error


_DATABASES: weakref.WeakSet[Database] = weakref.WeakSet()


def _after_fork() -> None:
    for database in _DATABASES:
        database.leave_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

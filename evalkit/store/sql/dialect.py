"""What one kind of database does differently from the others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine, Insert, Table

from evalkit.errors import EvalkitError


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

    def lock_schema(self, connection: Connection) -> None:
        """Keep other processes from changing the schema until the transaction ends."""
        ...

    def explain(self, error: Exception) -> EvalkitError | None:
        """Return what a user can do about an error of the driver; ``None`` for a bug of ours."""
        ...

    def leave_parent(self) -> None:
        """Make locks anew in a forked child: the parent's may be held by a thread it lacks."""
        ...

"""Bring a database to the newest schema; one that has it is only read.

Whoever changes `tables` adds a file to ``versions`` that does the same to a database that has data
in it, and moves `HEAD`; tests compare the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, insert, inspect, select

from evalkit._internal import clock
from evalkit.entities.run import LifecycleStage
from evalkit.errors import SchemaVersionError, StoreUnavailableError
from evalkit.store.sql import tables
from evalkit.store.sql.database import Database

HEAD: Final = "0006"
"""The newest revision: the number of schemas before it, in four digits."""

DEFAULT_EXPERIMENT_NAME = "Default"


def prepare(database: Database, head: str = HEAD) -> None:
    """Bring a database to the schema *head*.

    Any number of processes may do this at once: the first one works, the others wait and find it
    done.  A file is copied before its schema changes.

    Raises:
        SchemaVersionError: If the database is from a newer version.
        StoreUnavailableError: If it belongs to another program, or cannot be written.
    """
    with database.read() as connection:
        version = _version(connection, database)
    if version == head:
        return
    with database.write() as connection:
        version = _version(connection, database)  # another process may have been first
        if version is None:
            _create(database, connection, head)
        elif version > head:
            raise SchemaVersionError(database.dialect.place, int(version), int(head))
        elif version < head:
            # start-up: Alembic is for those whose database is older
            from evalkit.store.sql.migrations.upgrade import upgrade

            database.dialect.keep_copy(version)
            upgrade(connection, version)


def _version(connection: Connection, database: Database) -> str | None:
    """Return the revision of the schema; ``None`` for a database that is not made."""
    inspector = inspect(connection)
    if inspector.has_table(tables.schema_version.name):
        return connection.scalar(select(tables.schema_version.c.version_num))
    if inspector.has_table(tables.numbered_versions.name):
        number = connection.scalar(select(func.max(tables.numbered_versions.c.version)))
        return None if number is None else f"{number:04d}"
    if inspector.get_table_names():
        raise StoreUnavailableError(
            database.dialect.place,
            "is a database of another program",
            "name another place by --store or EVALKIT_TRACKING_URI",
        )
    return None


def _create(database: Database, connection: Connection, head: str) -> None:
    # MySQL keeps each table at once.  The first says whose database it is, and the version comes
    # last, so that a later start goes on where this one was killed.
    tables.schema_version.create(connection, checkfirst=True)
    tables.metadata.create_all(connection)
    now = clock.now_milliseconds()
    default = {
        "experiment_id": 0,
        "name": DEFAULT_EXPERIMENT_NAME,
        "lifecycle_stage": LifecycleStage.ACTIVE,
        "creation_time": now,
        "last_update_time": now,
    }
    database.add_new(connection, tables.experiments, [default])
    connection.execute(insert(tables.schema_version).values(version_num=head))

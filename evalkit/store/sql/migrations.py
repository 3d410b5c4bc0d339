"""The schema and its versions: a new database is made whole, an older one is brought up in steps.

A step and the record of it are one transaction.  Whoever changes `tables` adds a `Migration` that
does the same to a database that has data in it; a test compares the two.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, insert, inspect, select

from evalkit._internal import clock
from evalkit.entities.run import LifecycleStage
from evalkit.errors import SchemaVersionError, StoreUnavailableError
from evalkit.store.sql import tables
from evalkit.store.sql.database import Database

FIRST_VERSION = 1
DEFAULT_EXPERIMENT_NAME = "Default"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from a schema version to the next."""

    version: int
    """Version that the database has afterwards; the steps count up by one from 2."""

    description: str

    apply: Callable[[Connection], None]
    """Changes the tables and their rows; never commits."""


def _add(*added: Table) -> Callable[[Connection], None]:
    """Return a step that makes tables, empty, as they are defined now.

    Who changes one of them in a later step gives this one a copy of the table as it was.
    """

    def apply(connection: Connection) -> None:
        tables.metadata.create_all(connection, tables=added, checkfirst=False)

    return apply


_REGISTRY = (tables.models, tables.model_tags, tables.versions, tables.version_tags, tables.aliases)
MIGRATIONS: tuple[Migration, ...] = (
    Migration(2, "add the registry of models", _add(*_REGISTRY)),
    Migration(3, "add assessments", _add(tables.assessments)),
    Migration(4, "add the cards of judges", _add(tables.calibrations)),
)


def prepare(database: Database, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring a database to the newest schema; one that is there already is only read.

    Any number of processes may do this at once: the first one works, the others wait and find it
    done.

    Raises:
        SchemaVersionError: If the database is from a newer version.
        StoreUnavailableError: If it belongs to another program, or cannot be written.
    """
    newest = migrations[-1].version if migrations else FIRST_VERSION
    with database.read() as connection:
        version = _version(connection, database)
    if version == newest:
        return
    if version is not None and version > newest:
        raise SchemaVersionError(database.dialect.place, version, newest)
    if version is None:
        with _changing(database) as connection:
            if _version(connection, database) is None:  # else another process was first
                _create(database, connection, newest)
                return
    for migration in migrations:
        with _changing(database) as connection:
            if (_version(connection, database) or 0) < migration.version:
                migration.apply(connection)
                _record(connection, migration.version, migration.description)


@contextlib.contextmanager
def _changing(database: Database) -> Generator[Connection]:
    with database.write() as connection:
        database.dialect.lock_schema(connection)
        yield connection


def _version(connection: Connection, database: Database) -> int | None:
    """Return the schema version; ``None`` for an empty database."""
    inspector = inspect(connection)
    if inspector.has_table(tables.schema_versions.name):
        newest = select(func.max(tables.schema_versions.c.version))
        version: int | None = connection.scalar(newest)
        return version
    if inspector.get_table_names():
        raise StoreUnavailableError(
            database.dialect.place,
            "is a database of another program",
            "name another place by --store or EVALKIT_TRACKING_URI",
        )
    return None


def _create(database: Database, connection: Connection, version: int) -> None:
    # MySQL keeps each table at once.  The first says whose database it is, and the version comes
    # last, so that a later start goes on where this one was killed.
    tables.schema_versions.create(connection, checkfirst=True)
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
    _record(connection, version, "create all tables")


def _record(connection: Connection, version: int, description: str) -> None:
    connection.execute(
        insert(tables.schema_versions).values(
            version=version, description=description, applied_at=clock.now_milliseconds()
        )
    )

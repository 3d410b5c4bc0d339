"""Take a database through the steps of ``versions``, with Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect

from evalkit.store.sql import tables

FOLDER: Final = Path(__file__).parent


def steps() -> ScriptDirectory:
    """Return all steps, each a file of ``versions``, in their order."""
    return ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER / "versions")])


def upgrade(connection: Connection, version: str) -> None:
    """Bring the schema from *version* to the newest, in the transaction of *connection*.

    MySQL commits each change of a table by itself: who is interrupted there goes on with the step
    that was not recorded.
    """
    if not inspect(connection).has_table(tables.schema_version.name):
        tables.schema_version.create(connection)
        connection.execute(insert(tables.schema_version).values(version_num=version))
    script = steps()

    def to_head(revision: Any, _context: Any) -> Any:
        # As Alembic's documents have it, for want of a public name.
        return script._upgrade_revs("head", revision)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    with EnvironmentContext(Config(), script, fn=to_head) as environment:
        environment.configure(
            connection=connection,
            target_metadata=tables.metadata,
            version_table=tables.schema_version.name,
            transactional_ddl=True,  # where the database can, in the transaction that is open
        )
        environment.run_migrations()

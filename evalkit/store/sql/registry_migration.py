"""The step that adds the registry of models to a database that has runs in it."""

from __future__ import annotations

from sqlalchemy import Connection, MetaData

from evalkit.store.sql.registry_tables import define
from evalkit.store.sql.tables import metadata

DESCRIPTION = "add the registry of models"


def add_registry(connection: Connection) -> None:
    """Make the registry's tables, empty, as this schema version has them."""
    made = MetaData(naming_convention=metadata.naming_convention)
    define(made)
    made.create_all(connection, checkfirst=False)

"""Aliases of registered models in SQL.  Nothing here commits."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from evalkit.errors import ModelVersionNotFoundError, UsageError
from evalkit.store.sql import model_versions, registered_models, registry_tables

_ALIAS = registry_tables.aliases.c
_FITTING = re.compile(rf"[A-Za-z0-9_-]{{1,{registry_tables.ALIAS_LENGTH}}}")
_READ_AS_VERSION = re.compile(r"latest|v[0-9]+", re.IGNORECASE)


def fitting_alias(alias: str) -> str:
    """Return *alias* if a version can have it.

    Raises:
        UsageError: If it has other characters, is too long, or reads as a version.
    """
    if _FITTING.fullmatch(alias) is None:
        raise UsageError(
            f"{alias!r} cannot be an alias: give 1 to {registry_tables.ALIAS_LENGTH} letters, "
            "digits, '-' or '_', such as champion."
        )
    if _READ_AS_VERSION.fullmatch(alias):
        raise UsageError(f"{alias!r} reads as a version; give an alias such as champion.")
    return alias


def point(connection: Connection, number: int, alias: str, version: int) -> None:
    """Point an alias at a version of a model, which it has."""
    alias = fitting_alias(alias)
    connection.execute(
        delete(registry_tables.aliases).where(_ALIAS.model_number == number, _ALIAS.alias == alias)
    )
    connection.execute(
        insert(registry_tables.aliases).values(model_number=number, alias=alias, version=version)
    )


def remove(connection: Connection, name: str, alias: str) -> None:
    """Take an alias from a model, if it has it.

    Raises:
        RegisteredModelNotFoundError: If there is no such model.
    """
    number = registered_models.find_by_name(connection, name).model_number
    gone = connection.execute(
        delete(registry_tables.aliases).where(_ALIAS.model_number == number, _ALIAS.alias == alias)
    )
    if gone.rowcount:
        registered_models.touch(connection, number)


def version_of(connection: Connection, name: str, alias: str) -> Row[Any]:
    """Return the row of the version that an alias points to.

    Raises:
        RegisteredModelNotFoundError: If there is no such model.
        ModelVersionNotFoundError: If it has no such alias.
    """
    number = registered_models.find_by_name(connection, name).model_number
    known = {
        row.alias: int(row.version)
        for row in connection.execute(
            select(registry_tables.aliases).where(_ALIAS.model_number == number)
        )
    }
    if alias not in known:
        raise ModelVersionNotFoundError(name, "alias", alias, known)
    return model_versions.find_by_number(connection, name, known[alias])

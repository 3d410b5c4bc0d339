"""Versions of registered models in SQL.  Nothing here commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, tuple_, update

from evalkit._internal import clock
from evalkit.entities.registered_model import ModelVersion, ModelVersionStatus
from evalkit.errors import ModelVersionNotFoundError, UsageError
from evalkit.store.sql import checks, registered_models, registry_tables
from evalkit.store.sql.chunks import chunks

_MOST_KNOWN = 200
_PAIRS_A_STATEMENT = 250
_LARGEST = 2**31 - 1
_MODEL = registry_tables.models.c
_VERSION = registry_tables.versions.c


def add(
    connection: Connection,
    name: str,
    *,
    source: str,
    run_id: str | None,
    model_id: str | None,
    user: str,
    description: str,
) -> tuple[int, int]:
    """Add the next version of a model and return the model's and the version's number.

    The number comes from the model's own count, not from the versions that are there, so that
    one that was deleted is not given again.

    Raises:
        RegisteredModelNotFoundError: If there is no such model.
        UsageError: If something is too long.
    """
    number = registered_models.find_by_name(connection, name).model_number
    # Counted in the database: where several may write at once, the row is locked until the end.
    connection.execute(
        update(registry_tables.models)
        .where(_MODEL.model_number == number)
        .values(last_version=_MODEL.last_version + 1)
    )
    query = select(_MODEL.last_version).where(_MODEL.model_number == number)
    version = connection.execute(query).scalar_one()
    now = registered_models.touch(connection, number)
    connection.execute(
        insert(registry_tables.versions).values(
            model_number=number,
            version=version,
            source=checks.text("source", source, registry_tables.SOURCE_LENGTH),
            run_id=None if run_id is None else checks.run_id(run_id),
            model_id=None
            if model_id is None
            else checks.text("model's id", model_id, registry_tables.MODEL_ID_LENGTH),
            user_id=checks.text("user's name", user, 256),
            description=registered_models.fitting_description(description),
            status=ModelVersionStatus.READY,
            creation_time=now,
            last_update_time=now,
        )
    )
    return number, version


def find_by_number(connection: Connection, name: str, version: int) -> Row[Any]:
    """Return the row of one version.

    Raises:
        RegisteredModelNotFoundError: If there is no such model.
        ModelVersionNotFoundError: If it has no such version.
    """
    number = registered_models.find_by_name(connection, name).model_number
    row = None
    if 0 < version <= _LARGEST:  # a larger one would be an error of the database's
        query = _rows().where(_VERSION.model_number == number, _VERSION.version == version)
        row = connection.execute(query).first()
    if row is None:
        newest = select(_VERSION.version).where(_VERSION.model_number == number)
        newest = newest.order_by(_VERSION.version.desc()).limit(_MOST_KNOWN)
        known = [str(found) for found in connection.scalars(newest)]
        raise ModelVersionNotFoundError(name, "version", str(version), known)
    return row


def newest(connection: Connection, name: str) -> Row[Any]:
    """Return the row of a model's newest version.

    Raises:
        RegisteredModelNotFoundError: If there is no such model.
        ModelVersionNotFoundError: If it has no version yet.
    """
    number = registered_models.find_by_name(connection, name).model_number
    query = _rows().where(_VERSION.model_number == number).order_by(_VERSION.version.desc())
    row = connection.execute(query.limit(1)).first()
    if row is None:
        raise ModelVersionNotFoundError(name, "version", "latest")
    return row


def matching(
    connection: Connection,
    name: str | None,
    *,
    run_id: str | None,
    model_id: str | None,
    tags: Mapping[str, str],
    limit: int,
) -> Sequence[Row[Any]]:
    """Return rows of versions by name, the newest of each model first.

    Raises:
        RegisteredModelNotFoundError: If there is no model *name*.
        UsageError: If *limit* is below 1.
    """
    if limit < 1:
        raise UsageError(f"limit must be at least 1, got {limit}.")
    query = _rows().order_by(_MODEL.name, _VERSION.version.desc()).limit(limit)
    if name is not None:
        number = registered_models.find_by_name(connection, name).model_number
        query = query.where(_VERSION.model_number == number)
    if run_id is not None:
        query = query.where(_VERSION.run_id == run_id)
    if model_id is not None:
        query = query.where(_VERSION.model_id == model_id)
    column = registry_tables.version_tags.c
    for key, value in tags.items():
        query = query.where(
            select(column.key)
            .where(column.model_number == _VERSION.model_number)
            .where(column.version == _VERSION.version)
            .where(column.key == key, column.value == value)
            .exists()
        )
    return connection.execute(query).all()


def describe(connection: Connection, row: Row[Any], description: str) -> None:
    """Change the description of a version."""
    connection.execute(
        update(registry_tables.versions)
        .where(_VERSION.model_number == row.model_number, _VERSION.version == row.version)
        .values(description=registered_models.fitting_description(description))
    )


def touch(connection: Connection, row: Row[Any]) -> None:
    """Say that a version, and so its model, changed now."""
    registered_models.touch(connection, row.model_number)
    connection.execute(
        update(registry_tables.versions)
        .where(_VERSION.model_number == row.model_number, _VERSION.version == row.version)
        .values(last_update_time=clock.now_milliseconds())
    )


def _rows() -> Select[Any]:
    return select(registry_tables.versions, _MODEL.name).join(registry_tables.models)


def to_entities(connection: Connection, rows: Sequence[Row[Any]]) -> list[ModelVersion]:
    """Return what the rows say, with tags and aliases."""
    keys = [(row.model_number, row.version) for row in rows]
    tags: dict[tuple[int, int], dict[str, str]] = {key: {} for key in keys}
    aliases: dict[tuple[int, int], list[str]] = {key: [] for key in keys}
    tag, alias = registry_tables.version_tags, registry_tables.aliases
    for some in chunks(keys, _PAIRS_A_STATEMENT):
        query = select(tag).where(tuple_(tag.c.model_number, tag.c.version).in_(some))
        for row in connection.execute(query.order_by(tag.c.key)):
            tags[row.model_number, row.version][row.key] = row.value
        pointing = select(alias).where(tuple_(alias.c.model_number, alias.c.version).in_(some))
        for row in connection.execute(pointing.order_by(alias.c.alias)):
            aliases[row.model_number, row.version].append(row.alias)
    return [
        ModelVersion(
            name=row.name,
            version=row.version,
            source=row.source,
            run_id=row.run_id,
            model_id=row.model_id,
            user_id=row.user_id,
            description=row.description,
            status=ModelVersionStatus(row.status),
            tags=tags[key],
            aliases=tuple(aliases[key]),
            creation_time=row.creation_time,
            last_update_time=row.last_update_time,
        )
        for key, row in zip(keys, rows, strict=True)
    ]

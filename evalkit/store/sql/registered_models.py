"""Registered models in SQL.  Each function works in its caller's transaction and never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from evalkit._internal import clock
from evalkit.entities.registered_model import RegisteredModel
from evalkit.errors import AlreadyExistsError, RegisteredModelNotFoundError, UsageError
from evalkit.store.sql import checks, experiments, registry_tables
from evalkit.store.sql.chunks import chunks

_NAMES_TO_SUGGEST = 200
_MODEL = registry_tables.models.c
_ALIAS = registry_tables.aliases.c


def add(connection: Connection, name: str, description: str, tags: Mapping[str, str]) -> None:
    """Add a registered model without versions.

    Raises:
        AlreadyExistsError: If the name is taken.
        UsageError: If something does not fit.
    """
    name = fitting_name(name)
    if find(connection, name) is not None:
        raise AlreadyExistsError("a registered model", name, "add a version to that one")
    now = clock.now_milliseconds()
    added = connection.execute(
        insert(registry_tables.models).values(
            name=name,
            description=fitting_description(description),
            last_version=0,
            creation_time=now,
            last_update_time=now,
        )
    )
    put_tags(connection, registry_tables.model_tags, (experiments.inserted_number(added),), tags)


def fitting_name(name: str) -> str:
    """Return *name* if a registered model can have it.

    Raises:
        UsageError: If it is blank, too long, or has a character that URIs need.
    """
    if not name.strip() or name != name.strip():
        raise UsageError(f"{name!r} cannot name a registered model: it is blank or ends in blanks.")
    if "/" in name or ":" in name:
        raise UsageError(f"{name!r} cannot name a registered model: leave out '/' and ':'.")
    return checks.text("registered model's name", name, registry_tables.MODEL_NAME_LENGTH)


def fitting_description(text: str) -> str:
    """Return a description if it is not too long.

    Raises:
        UsageError: If it is.
    """
    return checks.text("description", text, registry_tables.LONG_TEXT_LENGTH)


def find(connection: Connection, name: str) -> Row[Any] | None:
    """Return the row of the registered model *name*."""
    query = select(registry_tables.models).where(_MODEL.name == name)
    return connection.execute(query).first()


def find_by_name(connection: Connection, name: str) -> Row[Any]:
    """Return the row of the registered model *name*.

    Raises:
        RegisteredModelNotFoundError: If there is none.
    """
    row = find(connection, name)
    if row is None:
        known = select(_MODEL.name).order_by(_MODEL.last_update_time.desc())
        names = connection.scalars(known.limit(_NAMES_TO_SUGGEST))
        raise RegisteredModelNotFoundError(name, set(names))
    return row


def matching(
    connection: Connection, *, contains: str, tags: Mapping[str, str], limit: int, after: str | None
) -> Sequence[Row[Any]]:
    """Return rows of registered models, in the order of their names.

    Raises:
        UsageError: If *limit* is below 1.
    """
    if limit < 1:
        raise UsageError(f"limit must be at least 1, got {limit}.")
    query = select(registry_tables.models).order_by(_MODEL.name).limit(limit)
    if contains:
        query = query.where(func.lower(_MODEL.name).contains(contains.lower(), autoescape=True))
    if after is not None:
        query = query.where(_MODEL.name > after)
    column = registry_tables.model_tags.c
    for key, value in tags.items():
        query = query.where(
            select(column.key)
            .where(column.model_number == _MODEL.model_number)
            .where(column.key == key, column.value == value)
            .exists()
        )
    return connection.execute(query).all()


def describe(connection: Connection, name: str, description: str) -> None:
    """Change the description of a model."""
    touch(connection, find_by_name(connection, name).model_number)
    connection.execute(
        update(registry_tables.models)
        .where(_MODEL.name == name)
        .values(description=fitting_description(description))
    )


def touch(connection: Connection, number: int) -> int:
    """Say that a model changed now, and return the time."""
    now = clock.now_milliseconds()
    connection.execute(
        update(registry_tables.models)
        .where(_MODEL.model_number == number)
        .values(last_update_time=now)
    )
    return now


def put_tags(
    connection: Connection, table: Table, owner: tuple[int, ...], given: Mapping[str, str]
) -> None:
    """Set tags of a model or version: *owner* is its key in the first columns of *table*.

    Raises:
        UsageError: If a key or value is too long.
    """
    fitting = checks.pairs("tag", given, registry_tables.LONG_TEXT_LENGTH)
    for key in fitting:
        remove_tag(connection, table, owner, key)
    names = [column.name for column in table.c]
    rows = [dict(zip(names, (*owner, *tag), strict=True)) for tag in fitting.items()]
    if rows:
        connection.execute(insert(table), rows)


def remove_tag(connection: Connection, table: Table, owner: tuple[int, ...], key: str) -> None:
    """Take a tag from a model or version, if it has it."""
    columns = list(table.c)[: len(owner)]
    own = [column == value for column, value in zip(columns, owner, strict=True)]
    connection.execute(delete(table).where(*own, table.c.key == key))


def to_entities(connection: Connection, rows: Sequence[Row[Any]]) -> list[RegisteredModel]:
    """Return what the rows say, with tags and aliases."""
    numbers = [row.model_number for row in rows]
    tags: dict[int, dict[str, str]] = {number: {} for number in numbers}
    aliases: dict[int, dict[str, int]] = {number: {} for number in numbers}
    newest: dict[int, int] = {}
    table, version = registry_tables.model_tags, registry_tables.versions.c
    for some in chunks(numbers):
        query = select(table).where(table.c.model_number.in_(some)).order_by(table.c.key)
        for row in connection.execute(query):
            tags[row.model_number][row.key] = row.value
        pointing = select(registry_tables.aliases).where(_ALIAS.model_number.in_(some))
        for row in connection.execute(pointing.order_by(_ALIAS.alias)):
            aliases[row.model_number][row.alias] = row.version
        latest = select(version.model_number, func.max(version.version))
        latest = latest.where(version.model_number.in_(some)).group_by(version.model_number)
        newest |= {row[0]: row[1] for row in connection.execute(latest)}
    return [
        RegisteredModel(
            name=row.name,
            description=row.description,
            tags=tags[row.model_number],
            aliases=aliases[row.model_number],
            latest_version=newest.get(row.model_number),
            creation_time=row.creation_time,
            last_update_time=row.last_update_time,
        )
        for row in rows
    ]

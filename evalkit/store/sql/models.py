"""Registered models in SQL, with their tags and aliases, and their versions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from evalkit._internal import clock
from evalkit.entities.registered_model import ModelVersion, ModelVersionStatus, RegisteredModel
from evalkit.errors import (
    AlreadyExistsError,
    ModelVersionNotFoundError,
    RegisteredModelNotFoundError,
    UsageError,
)
from evalkit.store.filters import MODELS
from evalkit.store.filters.sql import Fields, Search
from evalkit.store.interface import ModelVersions, RegisteredModels
from evalkit.store.sql import checks, tables
from evalkit.store.sql.database import Database
from evalkit.store.sql.rows import (
    among,
    chunks,
    drop_tag,
    entity,
    labels_of,
    put_tags,
    read_labels,
    with_tags,
)

_ALIAS_FORM = re.compile(rf"[A-Za-z0-9_-]{{1,{tables.ALIAS_LENGTH}}}")
_READ_AS_VERSION = re.compile(r"latest|v[0-9]+", re.IGNORECASE)
_NAMES_TO_SUGGEST = 200
_LARGEST = 2**31 - 1
_MODEL = tables.models.c
_ALIAS = tables.aliases.c
_VERSION = tables.versions.c
_VERSIONS = select(tables.versions, _MODEL.name).join(tables.models)
_MODEL_TAGS = tables.model_tags
_VERSION_TAGS = tables.version_tags
_SEARCH = Search(
    MODELS,
    Fields(
        attributes={name: _MODEL[name] for name in MODELS.attributes},
        collections={"tag": partial(labels_of, _MODEL_TAGS, _MODEL.model_number)},
    ),
    ((_MODEL.name, False),),
)


@dataclass(frozen=True)
class SqlModels(RegisteredModels):
    """See `RegisteredModels`."""

    database: Database

    def create(
        self, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        with self.database.write() as connection:
            if not self.add(connection, name, description):
                advice = "add a version to that one"
                raise AlreadyExistsError("a registered model", name, advice)
            owner = (model_row(connection, name).model_number,)
            put_tags(self.database, connection, _MODEL_TAGS, owner, tags or {})
            return self._entities(connection, [model_row(connection, name)])[0]

    def get(self, name: str) -> RegisteredModel:
        with self.database.read() as connection:
            return self._entities(connection, [model_row(connection, name)])[0]

    def search(
        self,
        *,
        contains: str = "",
        tags: Mapping[str, str] | None = None,
        filter: str = "",  # noqa: A002  MLflow's word
        order_by: str | Sequence[str] = (),
        limit: int = 1000,
        after: str | None = None,
    ) -> list[RegisteredModel]:
        query = with_tags(select(tables.models).limit(checks.limit(limit)), _MODEL_TAGS, tags)
        if contains:
            query = query.where(func.lower(_MODEL.name).contains(contains.lower(), autoescape=True))
        with self.database.read() as connection:
            last = None if after is None else _MODEL.name == model_row(connection, after).name
            return self._entities(
                connection, _SEARCH.page(connection, query, filter, order_by, last)
            )

    def update(self, name: str, *, description: str) -> RegisteredModel:
        with self.database.write() as connection:
            number = model_row(connection, name).model_number
            change_model(connection, number, description=checks.description(description))
            return self._entities(connection, [model_row(connection, name)])[0]

    def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        with self.database.write() as connection:
            number = model_row(connection, name).model_number
            put_tags(self.database, connection, _MODEL_TAGS, (number,), tags)
            change_model(connection, number)

    def delete_tag(self, name: str, key: str) -> None:
        with self.database.write() as connection:
            number = model_row(connection, name).model_number
            drop_tag(connection, _MODEL_TAGS, (number,), key)
            change_model(connection, number)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        alias = _fitting_alias(alias)
        with self.database.write() as connection:
            number = version_row(connection, name, version).model_number
            row = {"model_number": number, "alias": alias, "version": version}
            self.database.put(connection, tables.aliases, [row])
            change_model(connection, number)

    def delete_alias(self, name: str, alias: str) -> None:
        with self.database.write() as connection:
            number = model_row(connection, name).model_number
            own = (_ALIAS.model_number == number, _ALIAS.alias == alias)
            if connection.execute(delete(tables.aliases).where(*own)).rowcount:
                change_model(connection, number)

    def add(self, connection: Connection, name: str, description: str = "") -> bool:
        """Add a registered model, if its name is free, and return whether it was."""
        now = clock.now_milliseconds()
        row = {
            "name": _fitting_name(name),
            "description": checks.description(description),
            "last_version": 0,
            "creation_time": now,
            "last_update_time": now,
        }
        return bool(self.database.add_new(connection, tables.models, [row], by=["name"]))

    def _entities(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[RegisteredModel]:
        numbers = [row.model_number for row in rows]
        tags = read_labels(connection, _MODEL_TAGS, [(number,) for number in numbers])
        aliases: dict[int, dict[str, int]] = {number: {} for number in numbers}
        newest: dict[int, int] = {}
        for some in chunks(numbers):
            pointing = select(tables.aliases).where(_ALIAS.model_number.in_(some))
            for row in connection.execute(pointing.order_by(_ALIAS.alias)):
                aliases[row.model_number][row.alias] = row.version
            latest = select(_VERSION.model_number, func.max(_VERSION.version))
            latest = latest.where(_VERSION.model_number.in_(some)).group_by(_VERSION.model_number)
            newest |= {row[0]: row[1] for row in connection.execute(latest)}
        return [
            entity(
                RegisteredModel,
                row,
                tags=tags[row.model_number,],
                aliases=aliases[row.model_number],
                latest_version=newest.get(row.model_number),
            )
            for row in rows
        ]


def model_row(connection: Connection, name: str) -> Row[Any]:
    """Return the row of the registered model *name*."""
    query = select(tables.models).where(_MODEL.name == name)
    row = connection.execute(query).first()
    if row is None:
        newest = select(_MODEL.name).order_by(_MODEL.last_update_time.desc())
        names = connection.scalars(newest.limit(_NAMES_TO_SUGGEST))
        raise RegisteredModelNotFoundError(name, set(names))
    return row


def version_row(connection: Connection, name: str, version: int) -> Row[Any]:
    """Return the row of one version."""
    number = model_row(connection, name).model_number
    row = None
    if 0 < version <= _LARGEST:  # a larger one would be an error of the database's
        query = _VERSIONS.where(_VERSION.model_number == number, _VERSION.version == version)
        row = connection.execute(query).first()
    if row is None:
        newest = select(_VERSION.version).where(_VERSION.model_number == number)
        newest = newest.order_by(_VERSION.version.desc()).limit(_NAMES_TO_SUGGEST)
        versions = [str(number) for number in connection.scalars(newest)]
        raise ModelVersionNotFoundError(name, "version", str(version), versions)
    return row


def change_model(connection: Connection, number: int, **values: Any) -> int:
    """Change columns of a model, say that it changed now, and return the time."""
    now = clock.now_milliseconds()
    change = update(tables.models).where(_MODEL.model_number == number)
    connection.execute(change.values(last_update_time=now, **values))
    return now


def _fitting_name(name: str) -> str:
    if not name.strip() or name != name.strip():
        raise UsageError(f"{name!r} cannot name a registered model: it is blank or ends in blanks.")
    if "/" in name or ":" in name:
        raise UsageError(f"{name!r} cannot name a registered model: leave out '/' and ':'.")
    return checks.text("registered model's name", name, tables.MODEL_NAME_LENGTH)


def _fitting_alias(alias: str) -> str:
    if _ALIAS_FORM.fullmatch(alias) is None:
        raise UsageError(
            f"{alias!r} cannot be an alias: give 1 to {tables.ALIAS_LENGTH} letters, "
            "digits, '-' or '_', such as champion."
        )
    if _READ_AS_VERSION.fullmatch(alias):
        raise UsageError(f"{alias!r} reads as a version; give an alias such as champion.")
    return alias


@dataclass(frozen=True)
class SqlVersions(ModelVersions):
    """See `ModelVersions`."""

    database: Database
    models: SqlModels

    def create(
        self,
        name: str,
        *,
        source: str = "",
        run_id: str | None = None,
        model_id: str | None = None,
        user: str = "",
        description: str = "",
        tags: Mapping[str, str] | None = None,
        aliases: Sequence[str] = (),
        create_model: bool = False,
    ) -> ModelVersion:
        longest_id = tables.MODEL_ID_LENGTH
        values: dict[str, Any] = {
            "source": checks.text("source", source, tables.SOURCE_LENGTH),
            "run_id": None if run_id is None else checks.run_id(run_id),
            "model_id": None if model_id is None else checks.text("id", model_id, longest_id),
            "user_id": checks.text("user's name", user, 256),
            "description": checks.description(description),
            "status": ModelVersionStatus.READY,
        }
        with self.database.write() as connection:
            if create_model:
                self.models.add(connection, name)
            number = model_row(connection, name).model_number
            # The model's own count, not that of the versions that are there: the number of one
            # that was deleted is not given again.  Counting locks the row until the end.
            now = change_model(connection, number, last_version=_MODEL.last_version + 1)
            count = select(_MODEL.last_version).where(_MODEL.model_number == number)
            version = connection.execute(count).scalar_one()
            values |= {"model_number": number, "version": version}
            values |= {"creation_time": now, "last_update_time": now}
            connection.execute(insert(tables.versions).values(values))
            put_tags(self.database, connection, _VERSION_TAGS, (number, version), tags or {})
            for alias in aliases:
                self.models.set_alias(name, alias, version)
            return self._entities(connection, [version_row(connection, name, version)])[0]

    def get(self, name: str, version: int) -> ModelVersion:
        with self.database.read() as connection:
            return self._entities(connection, [version_row(connection, name, version)])[0]

    def by_alias(self, name: str, alias: str) -> ModelVersion:
        table = tables.aliases
        with self.database.read() as connection:
            number = model_row(connection, name).model_number
            rows = connection.execute(select(table).where(table.c.model_number == number))
            versions: dict[str, int] = {row.alias: row.version for row in rows}
            if alias not in versions:
                raise ModelVersionNotFoundError(name, "alias", alias, versions)
            return self._entities(connection, [version_row(connection, name, versions[alias])])[0]

    def latest(self, name: str) -> ModelVersion:
        newest = self.search(name, limit=1)
        if not newest:
            raise ModelVersionNotFoundError(name, "version", "latest")
        return newest[0]

    def search(
        self,
        name: str | None = None,
        *,
        run_id: str | None = None,
        model_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        limit: int = 1000,
    ) -> list[ModelVersion]:
        query = _VERSIONS.order_by(_MODEL.name, _VERSION.version.desc())
        query = with_tags(query.limit(checks.limit(limit)), _VERSION_TAGS, tags)
        if run_id is not None:
            query = query.where(_VERSION.run_id == run_id)
        if model_id is not None:
            query = query.where(_VERSION.model_id == model_id)
        with self.database.read() as connection:
            if name is not None:
                number = model_row(connection, name).model_number
                query = query.where(_VERSION.model_number == number)
            return self._entities(connection, connection.execute(query).all())

    def update(self, name: str, version: int, *, description: str) -> ModelVersion:
        with self.database.write() as connection:
            row = version_row(connection, name, version)
            _change(connection, row, description=checks.description(description))
            return self._entities(connection, [version_row(connection, name, version)])[0]

    def set_tags(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        with self.database.write() as connection:
            row = version_row(connection, name, version)
            owner = (row.model_number, row.version)
            put_tags(self.database, connection, _VERSION_TAGS, owner, tags)
            _change(connection, row)

    def delete_tag(self, name: str, version: int, key: str) -> None:
        with self.database.write() as connection:
            row = version_row(connection, name, version)
            drop_tag(connection, _VERSION_TAGS, (row.model_number, row.version), key)
            _change(connection, row)

    def _entities(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[ModelVersion]:
        keys = [(row.model_number, row.version) for row in rows]
        tags = read_labels(connection, _VERSION_TAGS, keys)
        aliases: dict[tuple[int, int], list[str]] = {key: [] for key in keys}
        table = tables.aliases
        for some in chunks(keys):
            pointing = select(table).where(among([table.c.model_number, table.c.version], some))
            for row in connection.execute(pointing.order_by(table.c.alias)):
                aliases[row.model_number, row.version].append(row.alias)
        return [
            entity(
                ModelVersion,
                row,
                status=ModelVersionStatus(row.status),
                tags=tags[key],
                aliases=tuple(aliases[key]),
            )
            for key, row in zip(keys, rows, strict=True)
        ]


def _change(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Change columns of a version, and say that it, and so its model, changed now."""
    now = change_model(connection, row.model_number)
    own = (_VERSION.model_number == row.model_number, _VERSION.version == row.version)
    connection.execute(update(tables.versions).where(*own).values(last_update_time=now, **values))

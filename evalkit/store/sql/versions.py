"""Versions of registered models in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from evalkit._internal import clock
from evalkit.entities.registered_model import ModelVersion, ModelVersionStatus
from evalkit.errors import ModelVersionNotFoundError
from evalkit.store.interface import ModelVersions
from evalkit.store.sql import checks, registry_tables
from evalkit.store.sql.database import Database
from evalkit.store.sql.models import (
    SqlModels,
    change_model,
    fitting_description,
    model_row,
    version_row,
    version_rows,
)
from evalkit.store.sql.rows import among, chunks, drop_tag, put_tags, read_labels, with_tags

_MODEL = registry_tables.models.c
_VERSION = registry_tables.versions.c
_TAGS = registry_tables.version_tags


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
        longest_id = registry_tables.MODEL_ID_LENGTH
        values: dict[str, Any] = {
            "source": checks.text("source", source, registry_tables.SOURCE_LENGTH),
            "run_id": None if run_id is None else checks.run_id(run_id),
            "model_id": None if model_id is None else checks.text("id", model_id, longest_id),
            "user_id": checks.text("user's name", user, 256),
            "description": fitting_description(description),
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
            connection.execute(insert(registry_tables.versions).values(values))
            self._put_tags(connection, (number, version), tags or {})
            for alias in aliases:
                self.models.set_alias(name, alias, version)
            return self._entities(connection, [version_row(connection, name, version)])[0]

    def get(self, name: str, version: int) -> ModelVersion:
        with self.database.read() as connection:
            return self._entities(connection, [version_row(connection, name, version)])[0]

    def by_alias(self, name: str, alias: str) -> ModelVersion:
        table = registry_tables.aliases
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
        query = version_rows().order_by(_MODEL.name, _VERSION.version.desc())
        query = with_tags(query.limit(checks.limit(limit)), _TAGS, tags)
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
            _change(connection, row, description=fitting_description(description))
            return self._entities(connection, [version_row(connection, name, version)])[0]

    def set_tags(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        with self.database.write() as connection:
            row = version_row(connection, name, version)
            self._put_tags(connection, (row.model_number, row.version), tags)
            _change(connection, row)

    def delete_tag(self, name: str, version: int, key: str) -> None:
        with self.database.write() as connection:
            row = version_row(connection, name, version)
            drop_tag(connection, _TAGS, (row.model_number, row.version), key)
            _change(connection, row)

    def _put_tags(
        self, connection: Connection, owner: tuple[int, int], tags: Mapping[str, str]
    ) -> None:
        longest = registry_tables.LONG_TEXT_LENGTH
        put_tags(self.database, connection, _TAGS, owner, tags, longest=longest)

    def _entities(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[ModelVersion]:
        keys = [(row.model_number, row.version) for row in rows]
        tags = read_labels(connection, _TAGS, keys)
        aliases: dict[tuple[int, int], list[str]] = {key: [] for key in keys}
        table = registry_tables.aliases
        for some in chunks(keys):
            pointing = select(table).where(among([table.c.model_number, table.c.version], some))
            for row in connection.execute(pointing.order_by(table.c.alias)):
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


def _change(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Change columns of a version, and say that it, and so its model, changed now."""
    change_model(connection, row.model_number)
    own = (_VERSION.model_number == row.model_number, _VERSION.version == row.version)
    now = clock.now_milliseconds()
    change = update(registry_tables.versions).where(*own)
    connection.execute(change.values(last_update_time=now, **values))

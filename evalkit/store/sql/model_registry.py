"""The registry of models of a SQL store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.exc import IntegrityError

from evalkit.entities.registered_model import ModelVersion, RegisteredModel
from evalkit.errors import AlreadyExistsError
from evalkit.store.sql import model_aliases, model_versions, registered_models, registry_tables
from evalkit.store.sql.engine import Database


class SqlModelRegistry:
    """Keep registered models in a database; see `ModelRegistry` for what each method promises."""

    _database: Database

    def create_registered_model(
        self, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        """Create the registered model *name*, without versions, and return it."""
        try:
            with self._database.write() as connection:
                registered_models.add(connection, name, description, tags or {})
                row = registered_models.find_by_name(connection, name)
                return registered_models.to_entities(connection, [row])[0]
        except IntegrityError as error:  # where several may write at once
            advice = "add a version to that one"
            raise AlreadyExistsError("a registered model", name, advice) from error

    def get_registered_model(self, name: str) -> RegisteredModel:
        """Return the registered model *name*."""
        with self._database.read() as connection:
            row = registered_models.find_by_name(connection, name)
            return registered_models.to_entities(connection, [row])[0]

    def search_registered_models(
        self,
        *,
        contains: str = "",
        tags: Mapping[str, str] | None = None,
        limit: int = 1000,
        after: str | None = None,
    ) -> list[RegisteredModel]:
        """Return registered models in the order of their names."""
        with self._database.read() as connection:
            rows = registered_models.matching(
                connection, contains=contains, tags=tags or {}, limit=limit, after=after
            )
            return registered_models.to_entities(connection, rows)

    def update_registered_model(self, name: str, *, description: str) -> RegisteredModel:
        """Change the description of a model and return it as it is now."""
        with self._database.write() as connection:
            registered_models.describe(connection, name, description)
            row = registered_models.find_by_name(connection, name)
            return registered_models.to_entities(connection, [row])[0]

    def set_registered_model_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Set tags on a model."""
        with self._database.write() as connection:
            number = registered_models.find_by_name(connection, name).model_number
            registered_models.put_tags(connection, registry_tables.model_tags, (number,), tags)
            registered_models.touch(connection, number)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Take a tag from a model."""
        with self._database.write() as connection:
            number = registered_models.find_by_name(connection, name).model_number
            registered_models.remove_tag(connection, registry_tables.model_tags, (number,), key)
            registered_models.touch(connection, number)

    def create_model_version(
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
        """Add the next version of a model, with *aliases* pointing to it, and return it."""
        with self._database.write() as connection:
            if create_model and registered_models.find(connection, name) is None:
                registered_models.add(connection, name, "", {})
            key = model_versions.add(
                connection,
                name,
                source=source,
                run_id=run_id,
                model_id=model_id,
                user=user,
                description=description,
            )
            registered_models.put_tags(connection, registry_tables.version_tags, key, tags or {})
            for alias in aliases:
                model_aliases.point(connection, key[0], alias, key[1])
            row = model_versions.find_by_number(connection, name, key[1])
            return model_versions.to_entities(connection, [row])[0]

    def get_model_version(self, name: str, version: int) -> ModelVersion:
        """Return one version of a model."""
        with self._database.read() as connection:
            row = model_versions.find_by_number(connection, name, version)
            return model_versions.to_entities(connection, [row])[0]

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias of a model points to."""
        with self._database.read() as connection:
            row = model_aliases.version_of(connection, name, alias)
            return model_versions.to_entities(connection, [row])[0]

    def get_latest_model_version(self, name: str) -> ModelVersion:
        """Return the newest version of a model."""
        with self._database.read() as connection:
            row = model_versions.newest(connection, name)
            return model_versions.to_entities(connection, [row])[0]

    def search_model_versions(
        self,
        name: str | None = None,
        *,
        run_id: str | None = None,
        model_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        limit: int = 1000,
    ) -> list[ModelVersion]:
        """Return versions by name, the newest of each model first."""
        with self._database.read() as connection:
            rows = model_versions.matching(
                connection, name, run_id=run_id, model_id=model_id, tags=tags or {}, limit=limit
            )
            return model_versions.to_entities(connection, rows)

    def update_model_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        """Change the description of a version and return it as it is now."""
        with self._database.write() as connection:
            row = model_versions.find_by_number(connection, name, version)
            model_versions.describe(connection, row, description)
            model_versions.touch(connection, row)
            row = model_versions.find_by_number(connection, name, version)
            return model_versions.to_entities(connection, [row])[0]

    def set_model_version_tags(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        """Set tags on a version."""
        with self._database.write() as connection:
            row = model_versions.find_by_number(connection, name, version)
            key = (row.model_number, row.version)
            registered_models.put_tags(connection, registry_tables.version_tags, key, tags)
            model_versions.touch(connection, row)

    def delete_model_version_tag(self, name: str, version: int, key: str) -> None:
        """Take a tag from a version."""
        with self._database.write() as connection:
            row = model_versions.find_by_number(connection, name, version)
            owner = (row.model_number, row.version)
            registered_models.remove_tag(connection, registry_tables.version_tags, owner, key)
            model_versions.touch(connection, row)

    def set_model_alias(self, name: str, alias: str, version: int) -> None:
        """Point an alias at a version of a model; from another version it moves away."""
        with self._database.write() as connection:
            row = model_versions.find_by_number(connection, name, version)
            model_aliases.point(connection, row.model_number, alias, row.version)
            registered_models.touch(connection, row.model_number)

    def delete_model_alias(self, name: str, alias: str) -> None:
        """Take an alias from a model."""
        with self._database.write() as connection:
            model_aliases.remove(connection, name, alias)

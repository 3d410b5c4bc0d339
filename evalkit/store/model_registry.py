"""What every store promises about registered models and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from evalkit.entities.registered_model import ModelVersion, RegisteredModel


@runtime_checkable
class ModelRegistry(Protocol):
    """The part of a store that names models, numbers their versions, and points aliases at them.

    The contract, besides that of `TrackingStore`:

    * Versions of a model are numbered 1, 2, 3 … in the order in which they were made.  However
      many threads and processes register at once, no number is given twice, and none again later.
    * An alias points to exactly one version of its model; set again, it moves.  It has up to 255
      letters, digits, ``-`` and ``_``, and is neither ``latest`` nor ``v`` and digits, which read
      as versions.
    * A name has 1 to 256 characters without ``/`` and ``:``.  Keys of tags have up to 250
      characters, values of tags and descriptions up to 100,000, as a prompt's text is one.
    * A run that a version names need not be in the same store.
    * Every change of a model, its versions and aliases moves its ``last_update_time``.
    """

    # Registered models

    def create_registered_model(
        self, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        """Create the registered model *name*, without versions, and return it.

        Raises:
            AlreadyExistsError: If the name is taken.
            UsageError: If the name, or what describes the model, does not fit.
        """
        ...

    def get_registered_model(self, name: str) -> RegisteredModel:
        """Return the registered model *name*.

        Raises:
            RegisteredModelNotFoundError: If there is none; the text suggests a close name.
        """
        ...

    def search_registered_models(
        self,
        *,
        contains: str = "",
        tags: Mapping[str, str] | None = None,
        limit: int = 1000,
        after: str | None = None,
    ) -> list[RegisteredModel]:
        """Return registered models in the order of their names.

        Args:
            contains: Only models whose name has this in it, in upper or lower case.
            tags: Only models that have all these tags with these values.
            limit: At most this many, at least 1.
            after: Name of the last model of the page before; the page goes on behind it.
        """
        ...

    def update_registered_model(self, name: str, *, description: str) -> RegisteredModel:
        """Change the description of a model and return it as it is now."""
        ...

    def set_registered_model_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Set tags on a model; a tag that it has changes its value."""
        ...

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Take a tag from a model; one that it does not have is no error."""
        ...

    # Versions

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
        """Add the next version of a model, with *aliases* pointing to it, and return it.

        Args:
            name: Name of the registered model.
            source: URI of what is registered, at most 8,000 characters.
            run_id: Run that it comes from.
            model_id: Identity of the model, at most 64 characters.
            user: Who registers it.
            description: What is new in the version.
            tags: First tags of the version.
            aliases: Aliases to point at it; from other versions they move away.
            create_model: Make the registered model, if there is none of the name.

        Raises:
            RegisteredModelNotFoundError: If there is no such model, and none is to be made.
            UsageError: If an alias cannot be one, or something is too long.
        """
        ...

    def get_model_version(self, name: str, version: int) -> ModelVersion:
        """Return one version of a model.

        Raises:
            RegisteredModelNotFoundError: If there is no such model.
            ModelVersionNotFoundError: If it has no such version.
        """
        ...

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias of a model points to.

        Raises:
            RegisteredModelNotFoundError: If there is no such model.
            ModelVersionNotFoundError: If it has no such alias; the text suggests a close one.
        """
        ...

    def get_latest_model_version(self, name: str) -> ModelVersion:
        """Return the newest version of a model.

        Raises:
            RegisteredModelNotFoundError: If there is no such model.
            ModelVersionNotFoundError: If it has no version yet.
        """
        ...

    def search_model_versions(
        self,
        name: str | None = None,
        *,
        run_id: str | None = None,
        model_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        limit: int = 1000,
    ) -> list[ModelVersion]:
        """Return versions by name, the newest of each model first.

        Args:
            name: Only versions of this model; ``None`` means of all.
            run_id: Only versions registered from this run.
            model_id: Only versions of this identity.
            tags: Only versions that have all these tags with these values.
            limit: At most this many, at least 1.

        Raises:
            RegisteredModelNotFoundError: If there is no model *name*.
        """
        ...

    def update_model_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        """Change the description of a version and return it as it is now."""
        ...

    def set_model_version_tags(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        """Set tags on a version; a tag that it has changes its value."""
        ...

    def delete_model_version_tag(self, name: str, version: int, key: str) -> None:
        """Take a tag from a version; one that it does not have is no error."""
        ...

    # Aliases

    def set_model_alias(self, name: str, alias: str, version: int) -> None:
        """Point an alias at a version of a model; from another version it moves away.

        Raises:
            RegisteredModelNotFoundError: If there is no such model.
            ModelVersionNotFoundError: If it has no such version.
            UsageError: If *alias* cannot be one.
        """
        ...

    def delete_model_alias(self, name: str, alias: str) -> None:
        """Take an alias from a model; one that it does not have is no error.

        Raises:
            RegisteredModelNotFoundError: If there is no such model.
        """
        ...

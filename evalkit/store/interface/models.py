"""What a store promises about registered models, their versions and aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from evalkit.entities.registered_model import ModelVersion, RegisteredModel


class RegisteredModels(Protocol):
    """Names under which versions of models are kept, and aliases that point at the versions.

    * A name has 1 to 256 characters without ``/`` and ``:``.  Keys of tags have up to 250
      characters, values of tags and descriptions up to 100,000, as a prompt's text is one.
    * An alias points to exactly one version of its model; set again, it moves.  It has up to 255
      letters, digits, ``-`` and ``_``, and is neither ``latest`` nor ``v`` and digits, which read
      as versions.
    * Every change of a model, its versions and aliases moves its ``last_update_time``.
    * A model that is not there is a `RegisteredModelNotFoundError`, which suggests a close name.
    """

    def create(
        self, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        """Create the registered model *name*, without versions, and return it.

        Raises:
            AlreadyExistsError: If the name is taken.
            UsageError: If the name, or what describes the model, does not fit.
        """
        ...

    def get(self, name: str) -> RegisteredModel:
        """Return the registered model *name*."""
        ...

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
        """Return registered models, by default in the order of their names.

        Args:
            contains: Only models whose name has this in it, in upper or lower case.
            tags: Only models that have all these tags with these values.
            filter: As `Runs.search` has it, by ``name``, ``creation_time``, ``last_update_time``
                and ``tags.``.
            order_by: Such as ``"last_update_time DESC"``.
            limit: Length of a page.
            after: Name of the last model of the page before.
        """
        ...

    def update(self, name: str, *, description: str) -> RegisteredModel:
        """Change the description of a model and return it as it is now."""
        ...

    def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Set tags on a model; a tag that it has changes its value."""
        ...

    def delete_tag(self, name: str, key: str) -> None:
        """Take a tag from a model; one that it does not have is no error."""
        ...

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Point an alias at a version of a model; from another version it moves away.

        Raises:
            ModelVersionNotFoundError: If it has no such version.
            UsageError: If *alias* cannot be one.
        """
        ...

    def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias from a model; one that it does not have is no error."""
        ...


class ModelVersions(Protocol):
    """Versions of registered models, numbered 1, 2, 3 … in the order in which they were made.

    However many threads and processes register at once, no number is given twice, and none again
    later.  A model that is not there is a `RegisteredModelNotFoundError`, a version or alias that
    it does not have a `ModelVersionNotFoundError`.  A run that a version names need not be in the
    same store.
    """

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
            UsageError: If an alias cannot be one, or something is too long.
        """
        ...

    def get(self, name: str, version: int) -> ModelVersion:
        """Return one version of a model."""
        ...

    def by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias points to; an error suggests a close alias."""
        ...

    def latest(self, name: str) -> ModelVersion:
        """Return the newest version of a model."""
        ...

    def search(
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
            limit: Length of a page.
        """
        ...

    def update(self, name: str, version: int, *, description: str) -> ModelVersion:
        """Change the description of a version and return it as it is now."""
        ...

    def set_tags(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        """Set tags on a version; a tag that it has changes its value."""
        ...

    def delete_tag(self, name: str, version: int, key: str) -> None:
        """Take a tag from a version; one that it does not have is no error."""
        ...

"""What a store promises about the versions of registered models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from evalkit.entities.registered_model import ModelVersion


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

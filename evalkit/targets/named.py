"""A target under another name or version."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Target, TargetIdentity
from evalkit.targets.version import resolved_version


class NamedTarget:
    """Delegates to another target, whose name or version the user has given."""

    def __init__(self, inner: Target, *, name: str | None, version: str | None) -> None:
        """Show *inner* as *name* and *version*; ``None`` leaves its own."""
        own = inner.identity
        self.inner = inner
        self.lane: Literal["async", "thread", "batch"] = inner.lane
        self.identity: TargetIdentity = dataclasses.replace(
            own, name=name or own.name, version=resolved_version(version) or own.version
        )

    def check(self, batch: CaseBatch) -> None:
        """Refuse what the inner target refuses."""
        self.inner.check(batch)

    def __getattr__(self, attribute: str) -> Any:
        """Return the inner target's method of its lane, and whatever else it has."""
        if attribute == "inner":
            raise AttributeError(attribute)
        return getattr(self.inner, attribute)

"""Our own targets, registered as any plug-in's are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from evalkit.hooks.specs import hookimpl

if TYPE_CHECKING:
    from evalkit.entities.target import Target


@hookimpl
def evalkit_targets() -> Mapping[str, Callable[[str], Target]]:
    """Return the maker of endpoints, for ``http`` and ``https``."""
    return {"http": _endpoint, "https": _endpoint}


def _endpoint(url: str) -> Target:
    from evalkit.targets.endpoint import endpoint  # start-up: HTTP, where it is asked for

    return cast("Target", endpoint(url))

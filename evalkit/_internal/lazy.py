"""Names of a module that are imported from their homes when they are first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping


def lazily(module: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Make the ``__getattr__`` of a module (PEP 562) whose names live elsewhere.

    Args:
        module: The module's ``__name__``.
        homes: Name -> the module that defines it.

    Examples:
        >>> lazily("math", {"tau": "math"})("tau") > 6
        True
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[module], name, value)  # so that the next use does not come here
        return value

    return find

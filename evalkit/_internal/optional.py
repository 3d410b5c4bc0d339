"""Lazy imports of optional dependencies, with a one-line error that names the extra."""

from __future__ import annotations

import importlib
from typing import Any

from evalkit._internal.installed import requirements
from evalkit.errors import MissingExtraError


def require(module: str, *, extra: str) -> Any:
    """Import and return *module*, or say which extra brings it and what to install.

    A namespace package of the same name (a folder such as ``datasets/`` on the path) does not
    count as the library.

    Raises:
        MissingExtraError: If the module is not installed.

    Examples:
        >>> require("json", extra="none").loads("1")
        1
    """
    try:
        imported = importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(module, extra, tuple(requirements(extra))) from error
    if getattr(imported, "__file__", "built in") is None:
        raise MissingExtraError(module, extra, tuple(requirements(extra)))
    return imported

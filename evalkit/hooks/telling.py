"""Telling plug-ins what happens; a plug-in that raises never harms the work it is told of."""

from __future__ import annotations

import logging
from typing import Any

from evalkit.hooks.catalog import catalog

_log = logging.getLogger("evalkit.plugins")


def tell(hook: str, **facts: Any) -> None:
    """Call *hook* of every plug-in; what one raises is logged in a line that names it."""
    plugins = catalog().plugins
    for implementation in getattr(plugins.manager.hook, hook).get_hookimpls():
        named = {name: facts[name] for name in implementation.argnames}
        try:
            implementation.function(**named)
        except Exception as error:  # noqa: BLE001  a stranger's hook may raise anything
            _log.warning(
                "Plug-in %r raised in %s: %s: %s",
                implementation.plugin_name,
                hook,
                type(error).__name__,
                error,
            )

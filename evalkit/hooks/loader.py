"""Finding plug-ins: our own loop over the entry points, so that nothing is dropped silently."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import pluggy

from evalkit._internal.installed import named
from evalkit.errors import DuplicatePluginError, PluginError
from evalkit.hooks import specs
from evalkit.settings import settings

_log = logging.getLogger("evalkit.plugins")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where something in the catalog comes from."""

    plugin: str
    """Name of the entry point."""

    distribution: str
    """Name of the installed distribution."""

    version: str
    """Version of the distribution."""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True)
class Plugins:
    """The plug-ins of this process."""

    manager: pluggy.PluginManager
    provenance: dict[str, Provenance]
    broken: dict[str, str]
    """Plug-ins that do not load, or that fail when asked what they offer: one line on why."""

    def leave_out(self, origin: Provenance, why: str) -> None:
        """Note and warn that something of a plug-in is left out."""
        line = f"{origin}: {why}"
        self.broken.setdefault(origin.plugin, line)
        _log.warning("Plug-in %r does not load (%s); it is left out.", origin.plugin, line)


def load_plugins(points: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load every plug-in of the entry-point group ``evalkit`` that is not blocked.

    A plug-in that does not import is left out with one warning naming its distribution.

    Raises:
        DuplicatePluginError: If two distributions use one entry-point name.
        PluginError: If a plug-in implements a hook that does not exist, or with wrong arguments.
    """
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    plugins = Plugins(manager, {}, {})
    blocked = set(settings().disabled_plugins)
    points = entry_points(group="evalkit") if points is None else points
    for point in sorted(points, key=lambda point: point.name):
        if point.name not in blocked:
            _load_one(point, plugins)
    return plugins


def _load_one(point: EntryPoint, plugins: Plugins) -> None:
    distribution = point.dist
    name, version = ("unknown",) * 2 if distribution is None else named(distribution)
    origin = Provenance(point.name, name, version)
    other = plugins.provenance.get(point.name)
    if other == origin:
        return  # one distribution seen twice on the path, as with an editable install
    if other is not None:
        raise DuplicatePluginError(point.name, str(other), str(origin))
    try:
        module = point.load()
    except Exception as error:  # noqa: BLE001  a stranger's module may raise anything
        plugins.leave_out(origin, f"{type(error).__name__}: {error}")
        return
    try:
        plugins.manager.register(module, name=point.name)
        plugins.manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(
            f"Plug-in {point.name!r} of {origin} does not fit: {error}. "
            "Hooks are listed in evalkit.hooks.specs."
        ) from error
    plugins.provenance[point.name] = origin

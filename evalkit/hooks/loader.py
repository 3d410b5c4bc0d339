"""Finding plug-ins: our own loop over the entry points, so that nothing is dropped silently."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import pluggy

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


@dataclass(frozen=True, slots=True)
class Plugins:
    """The plug-ins of this process."""

    manager: pluggy.PluginManager
    provenance: dict[str, Provenance]
    broken: dict[str, str]
    """Entry points that do not load, with one line on why."""


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
    found = entry_points(group="evalkit") if points is None else points
    for point in sorted(found, key=lambda point: point.name):
        if point.name not in blocked:
            _load_one(point, plugins)
    return plugins


def _provenance(point: EntryPoint) -> Provenance:
    distribution = point.dist
    if distribution is None:
        return Provenance(point.name, "unknown", "unknown")
    return Provenance(point.name, distribution.name, distribution.version)


def _load_one(point: EntryPoint, plugins: Plugins) -> None:
    origin = _provenance(point)
    known = plugins.provenance.get(point.name)
    if known is not None:
        if known == origin:
            return  # one distribution seen twice on the path, as with an editable install
        raise DuplicatePluginError(
            point.name,
            f"{known.distribution} {known.version}",
            f"{origin.distribution} {origin.version}",
        )
    try:
        module = point.load()
    except Exception as error:  # noqa: BLE001  a stranger's module may raise anything
        line = f"{origin.distribution} {origin.version}: {type(error).__name__}: {error}"
        plugins.broken[point.name] = line
        _log.warning("Plug-in %r does not load (%s); it is left out.", point.name, line)
        return
    try:
        plugins.manager.register(module, name=point.name)
        plugins.manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(
            f"Plug-in {point.name!r} of {origin.distribution} {origin.version} does not fit: "
            f"{error}. Hooks are listed in evalkit.hooks.specs."
        ) from error
    plugins.provenance[point.name] = origin

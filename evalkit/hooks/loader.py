"""Finding plug-ins: our own loop over the entry points, so that nothing is dropped silently."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from evalkit._internal.installed import DISTRIBUTION, named
from evalkit.errors import near_miss
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

    @property
    def ours(self) -> bool:
        """Whether it comes with evalkit."""
        return self.distribution == DISTRIBUTION

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True)
class Plugins:
    """The plug-ins of this process."""

    manager: pluggy.PluginManager
    provenance: dict[str, Provenance] = field(default_factory=dict[str, Provenance])
    """Those that are loaded, by name."""

    left_out: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """What is not used, a plug-in or a part of one: its name, and distribution and why."""

    def leave_out(self, origin: Provenance, why: str) -> None:
        """Note, and warn once, that a plug-in or something of it is not used."""
        part = (origin.plugin, f"{origin}: {' '.join(why.split())}")
        if part not in self.left_out:
            self.left_out.append(part)
            _log.warning("Left out of plug-in %r of %s", *part)


def load_plugins(points: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load every plug-in of the entry-point group ``evalkit`` that is not blocked.

    What does not fit is left out with one warning that names plug-in and distribution: a plug-in
    that does not import or whose name another one has, and a hook that does not exist.
    """
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    plugins = Plugins(manager)
    points = entry_points(group="evalkit") if points is None else points
    origins = {_origin(point): point for point in points}
    # Of two that share a name the first is loaded: evalkit's own before a stranger's.
    for origin in sorted(origins, key=lambda each: (each.plugin, not each.ours, str(each))):
        if origin.plugin not in settings().disabled_plugins:
            _load(origins[origin], origin, plugins)
    return plugins


def _origin(point: EntryPoint) -> Provenance:
    distribution = ("unknown",) * 2 if point.dist is None else named(point.dist)
    return Provenance(point.name, *distribution)


def _load(point: EntryPoint, origin: Provenance, plugins: Plugins) -> None:
    other = plugins.provenance.get(point.name)
    if other is not None:
        plugins.leave_out(origin, f"all of it, since {other} has a plug-in of this name, too")
        return
    try:
        plugin = point.load()
        plugins.manager.register(plugin, name=point.name)
        misfits = list(_misfits(plugin, plugins.manager))
    except (Exception, SystemExit) as error:  # noqa: BLE001  a stranger's module may raise anything
        if plugins.manager.has_plugin(point.name):
            plugins.manager.unregister(name=point.name)
        plugins.leave_out(origin, f"all of it, for {_told(error, point.module)}")
        return
    plugins.provenance[point.name] = origin
    for why in misfits:
        plugins.leave_out(origin, why)


def _told(error: BaseException, module: str) -> str:
    """Return what was raised, and the last line of the package of *module* that led to it."""
    package = module.partition(".")[0]
    places = [
        f" ({frame.f_code.co_filename}:{line})"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package
    ]
    text = ": ".join(part for part in (type(error).__name__, str(error)) if part)
    return text + "".join(places[-1:])


def _misfits(plugin: Any, manager: pluggy.PluginManager) -> Iterator[str]:
    """Say which functions of *plugin* look like hooks and are none."""
    prefix = "evalkit_"
    hooks = [name for name in vars(specs) if name.startswith(prefix)]
    for name in dir(plugin):
        marks = manager.parse_hookimpl_opts(plugin, name)
        if marks is not None:
            hook = marks.get("specname") or name
            if hook not in hooks:
                yield f"there is no hook {hook!r}.{near_miss(hook, hooks)}"
        elif name.startswith(prefix) and callable(getattr(plugin, name)):
            # Without the prefix, since that alone would make any name a near one.
            stem, stems = name.removeprefix(prefix), [hook.removeprefix(prefix) for hook in hooks]
            if near_miss(stem, stems):
                yield f"{name!r} is not decorated with hookimpl, so it is never called"
    if not manager.get_hookcallers(plugin):
        yield "it implements no hook"

"""The catalog: every scorer, judge, data source, target and exporter by name, with provenance."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final, Generic, TypeVar, cast

from evalkit.entities.dataset import DatasetSource
from evalkit.entities.target import Target
from evalkit.errors import DuplicatePluginError, PluginError, UnknownScorerError, UsageError
from evalkit.hooks.loader import Plugins, Provenance, load_plugins
from evalkit.scoring.configured import ConfiguredScorer, Extract
from evalkit.scoring.parameters import checked_parameters, parameter_types
from evalkit.scoring.protocol import Scorer

T = TypeVar("T")

_log = logging.getLogger("evalkit.plugins")

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "evalkit_scorers": ("facts",),
    "evalkit_judges": ("facts",),
    "evalkit_datasets": ("extensions", "schemes", "accepts", "read"),
    "evalkit_reports": ("extensions", "write"),
    "evalkit_commands": (),
}
"""What each thing that a hook lists must have beside its name; other hooks map names to makers."""


@dataclasses.dataclass(frozen=True)
class Entry(Generic[T]):
    """One thing in the catalog and where it comes from."""

    make: Callable[[], T]
    provenance: Provenance

    @functools.cached_property
    def item(self) -> T:
        """The thing itself, made when it is first asked for.

        Raises:
            PluginError: If the plug-in gives only its name, and cannot make it.
        """
        return self.make()


class Catalog:
    """Everything that the loaded plug-ins offer.

    What a plug-in offers by one hook is left out whole, with one warning, where the hook raises or
    something lacks what its kind needs; everything else works.
    """

    def __init__(self, plugins: Plugins) -> None:
        """Look things up in *plugins*; each kind is collected when first asked for."""
        self.plugins = plugins

    def _collect(self, *hooks: str) -> dict[str, Entry[Any]]:
        entries: dict[str, Entry[Any]] = {}
        for name, make, origin in (offer for hook in hooks for offer in self._offers(hook)):
            if name in entries:
                first = entries[name].provenance
                raise DuplicatePluginError(
                    name, f"{first.plugin} of {first}", f"{origin.plugin} of {origin}"
                )
            entries[name] = Entry(make, origin)
        return entries

    def _offers(self, hook: str) -> Iterator[tuple[str, Callable[[], Any], Provenance]]:
        """Yield the maker of each thing that plug-ins offer by *hook*; all or nothing of each."""
        for implementation in getattr(self.plugins.manager.hook, hook).get_hookimpls():
            origin = self.plugins.provenance[implementation.plugin_name]
            try:
                offers = list(_named(implementation.function(), hook, origin))
            except Exception as error:  # noqa: BLE001  a stranger's hook may raise anything
                self.plugins.leave_out(origin, f"{hook}: {type(error).__name__}: {error}")
            else:
                yield from ((name, make, origin) for name, make in offers)

    @functools.cached_property
    def scorers(self) -> Mapping[str, Entry[Scorer]]:
        """Scorers and judges by name."""
        return self._collect("evalkit_scorers", "evalkit_judges")

    @functools.cached_property
    def scorer_families(self) -> Mapping[str, Entry[Callable[[str], Scorer]]]:
        """Makers of scorers by name prefix."""
        return self._collect("evalkit_scorer_families")

    @functools.cached_property
    def datasets(self) -> Mapping[str, Entry[DatasetSource]]:
        """Data sources by name."""
        return self._collect("evalkit_datasets")

    @functools.cached_property
    def targets(self) -> Mapping[str, Entry[Callable[[str], Target]]]:
        """Makers of targets by URI scheme."""
        return self._collect("evalkit_targets")

    @functools.cached_property
    def reports(self) -> Mapping[str, Entry[Any]]:
        """Exporters by name."""
        return self._collect("evalkit_reports")

    @functools.cached_property
    def calibrators(self) -> Mapping[str, Entry[Callable[..., Any]]]:
        """What examines judges, by name."""
        return self._collect("evalkit_calibrators")

    @functools.cached_property
    def commands(self) -> Mapping[str, Entry[Any]]:
        """Commands of the command line by name."""
        return self._collect("evalkit_commands")

    def usable_scorers(self, prefix: str = "") -> Iterator[tuple[str, Entry[Scorer]]]:
        """Yield the scorers whose names begin with *prefix*, sorted.

        One that its plug-in cannot make is left out, with one warning.
        """
        for name, entry in sorted(self.scorers.items()):
            if not name.startswith(prefix):
                continue
            try:
                _ = entry.item
            except PluginError as error:
                _log.warning("%s", error)
            else:
                yield name, entry

    def scorer(self, name: str) -> Scorer:
        """Return the scorer registered as *name*.

        Raises:
            UnknownScorerError: If there is none.
        """
        entry = self.scorers.get(name)
        if entry is not None:
            return entry.item
        for prefix, family in self.scorer_families.items():
            if name.startswith(prefix):
                return family.item(name)
        raise UnknownScorerError(name, [*self._in_families(name), *self.scorers])

    def _in_families(self, name: str) -> list[str]:
        """Return the names of families' scorers that a name without its prefix may stand for."""
        likely: list[str] = []
        for prefix, family in self.scorer_families.items():
            with contextlib.suppress(LookupError):
                likely.append(family.item(f"{prefix}{name}").name)
        return likely


def _named(offered: Any, hook: str, origin: Provenance) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the name of each thing that is offered with what makes it.

    Raises:
        TypeError: If one lacks what every other of its kind has.
    """
    makers = isinstance(offered, Mapping)
    if not makers and hook not in _NEEDS:
        raise TypeError(f"{type(offered).__name__} is no mapping of names to makers")
    pairs = offered.items() if makers else ((item.name, item) for item in offered)
    for name, item in pairs:
        if not isinstance(name, str):
            raise TypeError(f"the name {name!r} is no text")
        if makers and not callable(item):
            raise TypeError(f"{name!r} has no __call__")
        if makers and hook in _NEEDS:
            yield name, functools.partial(_made, name, item, hook, origin)
            continue
        if not makers:
            _check(name, item, hook)
        yield name, functools.partial(_itself, item)


def _check(name: str, item: Any, hook: str) -> None:
    # The class is asked first: a property such as a judge's facts may have to read files.
    needs = _NEEDS[hook]
    lacks = [need for need in needs if not hasattr(type(item), need) and not hasattr(item, need)]
    if lacks:
        raise TypeError(f"{name!r} has no {', '.join(lacks)}")


def _itself(item: T) -> T:
    return item


def _made(name: str, make: Callable[[], Any], hook: str, origin: Provenance) -> Any:
    """Make the thing that a plug-in offers by its name, and check it as one that is listed."""
    try:
        item = make()
        _check(name, item, hook)
        if item.name != name:
            raise TypeError(f"{name!r} is called {item.name!r}")  # noqa: TRY301  as any other
    except Exception as error:
        raise PluginError(
            f"Plug-in {origin.plugin!r} of {origin} offers {name!r} by {hook} and cannot make it: "
            f"{type(error).__name__}: {error}"
        ) from error
    return item


_scoped: ContextVar[Catalog | None] = ContextVar("evalkit_catalog", default=None)


@functools.lru_cache(maxsize=1)
def _of_process() -> Catalog:
    return Catalog(load_plugins())


def catalog() -> Catalog:
    """Return the catalog in use: that of `use_catalog`, else of the plug-ins that are installed.

    The latter are loaded once a process.
    """
    return _scoped.get() or _of_process()


@contextlib.contextmanager
def use_catalog(catalog: Catalog) -> Generator[Catalog]:
    """Look everything up in *catalog* for a while, in this task and what it starts."""
    token = _scoped.set(catalog)
    try:
        yield catalog
    finally:
        _scoped.reset(token)


def tell(hook: str, **facts: Any) -> None:
    """Call *hook* of every plug-in; what one raises is logged in a line that names it."""
    for implementation in getattr(catalog().plugins.manager.hook, hook).get_hookimpls():
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


def get_scorer(
    scorer: str,
    /,
    *,
    name: str | None = None,
    reads: Mapping[str, str] | None = None,
    extract: Extract | Mapping[str, Extract] | None = None,
    **parameters: Any,
) -> Scorer:
    """Return a registered scorer, configured.

    Args:
        scorer: Registered name, such as ``text.rouge`` or ``sklearn.f1_score``.
        name: Name in the result, where it is to differ.
        reads: Field to dotted path, such as ``{"outputs": "answer.text"}``.
        extract: Regular expression (first group of the last match) or function that cuts the
            answer out of the output; ``{"outputs": …, "expectations": …}`` cuts both.
        **parameters: The scorer's own settings; ``evalkit scorers show NAME`` lists them.

    Raises:
        UnknownScorerError: If no plug-in registers it.
        UsageError: If it has no such parameter, or refuses the value.

    Examples:
        >>> get_scorer("text.rouge", stemmer=True).name
        'text.rouge'
    """
    if isinstance(extract, Mapping):
        unknown = sorted(set(extract) - {"outputs", "expectations"})
        if unknown:
            raise UsageError(f"extract= cuts outputs and expectations, not {', '.join(unknown)}.")
    inner = catalog().scorer(scorer)
    if parameters:
        inner = with_parameters(inner, parameters)
    if name is None and not reads and extract is None:
        return inner
    return ConfiguredScorer(
        inner=inner, name=name or inner.name, reads=dict(reads or {}), extract=extract
    )


def with_parameters(scorer: Scorer, parameters: Mapping[str, Any]) -> Scorer:
    """Return *scorer* with some of its parameters changed.

    Raises:
        UsageError: If it has no such parameter, or refuses the value.
    """
    # A scorer of a family takes keywords that are not its fields, and checks them itself.
    configured = getattr(scorer, "configured", None)
    if configured is None:
        parameters = checked_parameters(scorer.name, parameters, parameter_types(scorer))
        configured = functools.partial(dataclasses.replace, cast("Any", scorer))
    try:
        return cast("Scorer", configured(**parameters))
    except (TypeError, ValueError) as error:
        if str(error).startswith(f"Scorer {scorer.name!r}"):
            raise
        raise UsageError(f"Scorer {scorer.name!r} refuses {dict(parameters)}: {error}") from error

"""The catalog: every scorer, judge, data source, target and exporter by name, with provenance."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar, cast

from evalkit.entities.dataset import DatasetSource
from evalkit.entities.target import Target
from evalkit.errors import (
    DuplicatePluginError,
    EvalkitError,
    PluginError,
    UnknownScorerError,
    UsageError,
)
from evalkit.hooks.loader import Plugins, load_plugins
from evalkit.hooks.offers import Entry, checked, entries_of
from evalkit.scoring.configured import ConfiguredScorer, Extract
from evalkit.scoring.parameters import checked_parameters, parameter_types
from evalkit.scoring.protocol import Scorer

T = TypeVar("T")

_log = logging.getLogger("evalkit.plugins")


class Catalog:
    """Everything that the loaded plug-ins offer.

    What a plug-in offers by one hook is left out whole, with one warning, where the hook raises or
    something lacks what its kind needs; so is a name that evalkit has itself, and one that two
    strangers offer is an error when it is used.  Everything else works.
    """

    def __init__(self, plugins: Plugins) -> None:
        """Look things up in *plugins*; each kind is collected when first asked for."""
        self.plugins = plugins

    def _collect(self, *hooks: str) -> dict[str, Entry[Any]]:
        offers = (entry for hook in hooks for entry in self._offers(hook))
        return self._settled((entry.name, entry) for entry in offers)

    def _offers(self, hook: str) -> Iterator[Entry[Any]]:
        """Yield what plug-ins offer by *hook*, evalkit's own first; all or nothing of each."""
        implementations = getattr(self.plugins.manager.hook, hook).get_hookimpls()
        origins = self.plugins.provenance
        for each in sorted(implementations, key=lambda each: not origins[each.plugin_name].ours):
            origin = origins[each.plugin_name]
            try:
                entries = list(entries_of(each.function(), hook, origin))
            except Exception as error:  # noqa: BLE001  a stranger's hook may raise anything
                self.plugins.leave_out(origin, f"{hook}: {type(error).__name__}: {error}")
            else:
                yield from entries

    def _settled(self, claims: Iterable[tuple[str, Entry[T]]]) -> dict[str, Entry[T]]:
        """Give what several claim to evalkit's own, which comes first, or to no stranger."""
        settled: dict[str, Entry[T]] = {}
        for key, entry in claims:
            first = settled.setdefault(key, entry)
            if first is entry:
                continue
            if first.provenance.ours:
                self.plugins.leave_out(entry.provenance, f"{key!r}, which is evalkit's own")
            else:
                clash = DuplicatePluginError(key, first.origin, entry.origin)
                self.plugins.leave_out(entry.provenance, str(clash))
                settled[key] = Entry(key, functools.partial(_refuse, clash), first.provenance)
        return settled

    def usable(self, entries: Mapping[str, Entry[T]]) -> Iterator[Entry[T]]:
        """Yield the entries without those that their plug-ins cannot make, with a warning each."""
        for entry in entries.values():
            try:
                _ = entry.item
            except DuplicatePluginError:
                continue  # there was a warning when it was collected
            except EvalkitError as error:
                problem = error.__cause__ if isinstance(error, PluginError) else error
                self.plugins.leave_out(entry.provenance, f"{entry.name!r}: {problem!r}")
            else:
                yield entry

    def claims(
        self, entries: Mapping[str, Entry[T]], keys: Callable[[T], Iterable[str]]
    ) -> dict[str, Entry[T]]:
        """Return usable entries by the *keys* that they claim, such as extensions of files.

        A key that two claim is evalkit's own, or an error when it is used.
        """
        usable = self.usable(entries)
        return self._settled((key, entry) for entry in usable for key in keys(entry.item))

    @functools.cached_property
    def scorers(self) -> Mapping[str, Entry[Scorer]]:
        """Scorers and judges by name."""
        scorers = self._collect("evalkit_scorers", "evalkit_judges")
        return {name: entry for name, entry in scorers.items() if not self._is_taken(entry)}

    def _is_taken(self, entry: Entry[Scorer]) -> bool:
        """Say whether a stranger's name is one that evalkit's own families make."""
        for prefix, family in self.scorer_families.items():
            if entry.name.startswith(prefix) and family.provenance.ours > entry.provenance.ours:
                with contextlib.suppress(LookupError):
                    family.item(entry.name)
                    why = f"{entry.name!r}, which is evalkit's own"
                    self.plugins.leave_out(entry.provenance, why)
                    return True
        return False

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

    def usable_scorers(self, prefix: str = "") -> Iterator[Entry[Scorer]]:
        """Yield the scorers that can be made and whose names begin with *prefix*, sorted."""
        names = sorted(name for name in self.scorers if name.startswith(prefix))
        return self.usable({name: self.scorers[name] for name in names})

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
                with family.blamed(f"make {name!r}"):
                    return checked(family.item(name), "evalkit_scorers")
        raise UnknownScorerError(name, [*self._in_families(name), *self.scorers])

    def _in_families(self, name: str) -> list[str]:
        """Return the names of families' scorers that a name without its prefix may stand for."""
        likely: list[str] = []
        for prefix, family in self.scorer_families.items():
            with contextlib.suppress(Exception):  # a stranger's maker may raise anything
                likely.append(family.item(f"{prefix}{name}").name)
        return likely


def _refuse(error: PluginError) -> NoReturn:
    raise error


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

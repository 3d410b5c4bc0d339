"""The catalog: every scorer, judge, data source, target and exporter by name, with provenance."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

from evalkit.entities.dataset import DatasetSource
from evalkit.entities.target import Target
from evalkit.errors import DuplicatePluginError, UnknownScorerError, UsageError, near_miss
from evalkit.hooks.loader import Plugins, Provenance, load_plugins
from evalkit.scoring.configured import ConfiguredScorer, Extract
from evalkit.scoring.protocol import Scorer

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One thing in the catalog and where it comes from."""

    item: T
    provenance: Provenance


class Catalog:
    """Everything that the loaded plug-ins offer."""

    def __init__(self, plugins: Plugins) -> None:
        """Look things up in *plugins*; each kind is collected when first asked for."""
        self.plugins = plugins

    def _offered(self, hook: str) -> Iterator[tuple[Any, Provenance]]:
        caller = getattr(self.plugins.manager.hook, hook)
        for implementation in caller.get_hookimpls():
            origin = self.plugins.provenance[implementation.plugin_name]
            yield implementation.function(), origin

    def _collect(self, *hooks: str) -> dict[str, Entry[Any]]:
        found: dict[str, Entry[Any]] = {}
        for offered, origin in (pair for hook in hooks for pair in self._offered(hook)):
            pairs = (
                offered.items() if isinstance(offered, Mapping) else ((i.name, i) for i in offered)
            )
            for name, item in cast("Iterator[tuple[str, Any]]", iter(pairs)):
                if name in found:
                    first = found[name].provenance
                    raise DuplicatePluginError(
                        name,
                        f"{first.plugin} of {first.distribution} {first.version}",
                        f"{origin.plugin} of {origin.distribution} {origin.version}",
                    )
                found[name] = Entry(item, origin)
        return found

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
        raise UnknownScorerError(name, self.scorers)


@functools.lru_cache(maxsize=1)
def catalog() -> Catalog:
    """Return the catalog of this process; plug-ins are loaded once."""
    return Catalog(load_plugins())


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
    found = catalog().scorer(scorer)
    if parameters:
        found = with_parameters(found, parameters)
    if name is None and not reads and extract is None:
        return found
    return ConfiguredScorer(
        inner=found, name=name or found.name, reads=dict(reads or {}), extract=extract
    )


def with_parameters(scorer: Scorer, parameters: Mapping[str, Any]) -> Scorer:
    """Return *scorer* with some of its parameters changed.

    Raises:
        UsageError: If it has no such parameter, or refuses the value.
    """
    # A scorer of a family takes keywords that are not its fields, and checks them itself.
    configured = getattr(scorer, "configured", None) or _replaced(scorer, parameters)
    try:
        return cast("Scorer", configured(**parameters))
    except (TypeError, ValueError) as error:
        raise UsageError(f"Scorer {scorer.name!r} refuses {dict(parameters)}: {error}") from error


def _replaced(scorer: Scorer, parameters: Mapping[str, Any]) -> Callable[..., Any]:
    accepts = [field.name for field in dataclasses.fields(cast("Any", scorer)) if field.init]
    accepts = [name for name in accepts if name != "name"]
    for name in parameters:
        if name not in accepts:
            listed = ", ".join(accepts) or "none"
            raise UsageError(
                f"Scorer {scorer.name!r} has no parameter {name!r}.{near_miss(name, accepts)} "
                f"It has: {listed}; every scorer also takes name, reads and extract."
            )
    return functools.partial(dataclasses.replace, cast("Any", scorer))

"""What made a number: a scorer's signature, and the specification that rebuilds it."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.errors import SpecificationError
from evalkit.scoring.code import code_digest
from evalkit.scoring.configured import ConfiguredScorer
from evalkit.scoring.decorator import FunctionScorer
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.protocol import Scorer


def import_path(thing: Any) -> str | None:
    """Return ``module:qualname`` if importing it gives *thing* back, else ``None``.

    Things of ``__main__``, of notebooks and inside functions have none: another process could not
    find them.
    """
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if module in {None, "__main__"} or name is None or "<" in name or "<" in str(module):
        return None
    return f"{module}:{name}"


def parameters_of(scorer: Scorer) -> dict[str, Any]:
    """Return the settings of a scorer that differ from its defaults, by name."""
    if not dataclasses.is_dataclass(scorer) or isinstance(scorer, type):
        return {}
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(scorer):
        if field.name in {"name", "facts"} or not field.init:
            continue
        value = getattr(scorer, field.name)
        if value != _default(field):
            changed[field.name] = value
    return changed


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _written(value: Any) -> Any:
    if callable(value) and not isinstance(value, type):
        return {"function": import_path(value), "digest": code_digest(value)}
    return value


def specification(scorer: Scorer) -> dict[str, Any]:
    """Return what rebuilds *scorer* elsewhere: import path, parameters and digest, JSON values.

    ``rebuildable`` is false where the code lives in a notebook, a script or inside a function.
    """
    if isinstance(scorer, ConfiguredScorer):
        inner = specification(scorer.inner)
        extract = _written(scorer.extract)
        if isinstance(extract, Mapping) and "function" not in extract:
            extract = {role: _written(cut) for role, cut in extract.items()}
        cuts = extract.values() if isinstance(extract, Mapping) else ()
        functions = [extract, *cuts]
        outside = any(
            isinstance(cut, Mapping) and "function" in cut and cut["function"] is None
            for cut in functions
        )
        return {
            "name": scorer.name,
            "inner": inner,
            "reads": dict(scorer.reads),
            "extract": extract,
            "rebuildable": inner["rebuildable"] and not outside,
        }
    if isinstance(scorer, FunctionScorer):
        path = import_path(scorer.function)
        return {
            "name": scorer.name,
            "function": path,
            "digest": code_digest(scorer.function),
            "version": scorer.version,
            "lane": scorer.lane,
            "facts": dataclasses.asdict(scorer.facts),
            "rebuildable": path is not None,
        }
    path = import_path(type(scorer))
    written = {name: _written(value) for name, value in parameters_of(scorer).items()}
    outside = any(
        isinstance(v, Mapping) and "function" in v and v["function"] is None
        for v in written.values()
    )
    return {
        "name": scorer.name,
        "class": path,
        "parameters": written,
        "version": getattr(scorer, "version", None),
        "rebuildable": path is not None and not outside,
        **_identity(scorer),
    }


def _identity(scorer: Scorer) -> dict[str, Any]:
    """Return what a scorer says of itself beyond its parameters: a judge's prompt and model."""
    identity: Mapping[str, Any] | None = getattr(scorer, "identity", None)
    return {} if identity is None else {"identity": dict(identity)}


def signature(scorer: Scorer) -> str:
    """Return the scorer's signature: name, version, parameters, and a digest over all of it.

    Numbers with different signatures are not comparable.

    Examples:
        >>> from evalkit.scoring.decorator import scorer as decorate
        >>> signature(decorate(lambda outputs: 1.0)).partition("|")[0]
        '<lambda>'
    """
    spec = specification(scorer)
    spec.pop("rebuildable")
    digest = content_hash(canonical_json(spec), size=6)
    inner = scorer.inner if isinstance(scorer, ConfiguredScorer) else scorer
    shown = [scorer.name]
    version = getattr(inner, "version", None)
    if version is not None:
        shown.append(f"version:{version}")
    if not isinstance(inner, FunctionScorer):
        identity = _identity(inner).get("identity")
        parameters = sorted(parameters_of(inner).items()) if identity is None else identity.items()
        shown += [f"{name}:{_shown(value)}" for name, value in parameters]
    return "|".join([*shown, f"digest:{digest}"])


def _shown(value: Any) -> str:
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return value if isinstance(value, str) else canonical_json(value).decode()


def load(path: str) -> Any:
    """Return what ``module:qualname`` names.

    Raises:
        SpecificationError: If it cannot be imported.
    """
    module, _, name = path.partition(":")
    try:
        thing: Any = importlib.import_module(module)
        for step in name.split("."):
            thing = getattr(thing, step)
    except (ImportError, AttributeError) as error:
        raise SpecificationError(f"Cannot import {path!r}: {error}.") from error
    return thing


def rebuild(spec: Mapping[str, Any]) -> Scorer:
    """Return the scorer that *spec* describes.

    The specification only names code that is installed; still, rebuilding imports what it names,
    so this is for finishing work that one started, never for reading a result.

    Raises:
        SpecificationError: If it was made in a notebook or script, or no longer imports.
    """
    if not spec["rebuildable"]:
        raise SpecificationError(
            f"Scorer {spec['name']!r} lives in a script or notebook and cannot be rebuilt here; "
            "run there: evaluate(..., runtime=Runtime(resume=RUN))."
        )
    if "inner" in spec:
        return ConfiguredScorer(
            inner=rebuild(spec["inner"]),
            name=spec["name"],
            reads=spec["reads"],
            extract=_rebuilt_value(spec["extract"]),
        )
    if "function" in spec:
        function = load(spec["function"])
        if isinstance(function, FunctionScorer):
            return dataclasses.replace(function, name=spec["name"])
        from evalkit.scoring.decorator import scorer as decorate

        facts = dataclasses.asdict(MetricFacts(**spec["facts"]))
        facts.pop("best_for_identity")
        return decorate(name=spec["name"], lane=spec["lane"], version=spec["version"], **facts)(
            function
        )
    parameters = {name: _rebuilt_value(value) for name, value in spec["parameters"].items()}
    kind = load(spec["class"])
    if not _is_scorer_class(kind):
        raise SpecificationError(f"{spec['class']} is no scorer; {spec['name']!r} is left alone.")
    fields = {field.name for field in dataclasses.fields(kind) if field.init}
    if not fields >= set(parameters):
        raise SpecificationError(f"{spec['class']} has no {', '.join(set(parameters) - fields)}.")
    if "name" in fields:
        parameters["name"] = spec["name"]
    rebuilt: Scorer = kind(**parameters)
    if rebuilt.name != spec["name"]:
        return ConfiguredScorer(inner=rebuilt, name=spec["name"])
    return rebuilt


def _is_scorer_class(kind: Any) -> bool:
    return (
        isinstance(kind, type)
        and dataclasses.is_dataclass(kind)
        and (hasattr(kind, "score") or hasattr(kind, "score_batch"))
    )


def _rebuilt_value(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"function", "digest"}:
        return load(value["function"])
    if isinstance(value, Mapping):
        return {name: _rebuilt_value(part) for name, part in value.items()}
    return value

"""What made a number: a scorer's signature, and the specification that rebuilds it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.errors import SpecificationError
from evalkit.scoring.configured import ConfiguredScorer
from evalkit.scoring.decorator import FunctionScorer
from evalkit.scoring.decorator import scorer as decorate
from evalkit.scoring.protocol import Scorer

_PLAIN: Final = (str, bytes, int, float, complex, type(None))
_FUNCTIONS: Final = (types.FunctionType, types.MethodType, functools.partial)
_Within = tuple[int, ...]
"""Ids of what is being written: a function may enclose itself."""


def import_path(thing: Any) -> str | None:
    """Return ``module:qualname`` if importing it gives *thing* back, else ``None``.

    Things of ``__main__``, of notebooks and inside functions have none: another process could not
    find them.
    """
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if module in {None, "__main__"} or name is None or "<" in name or "<" in str(module):
        return None
    return f"{module}:{name}"


def class_path(kind: type) -> str | None:
    """Return the path that a scorer's class is signed by: its first, where it has moved.

    Baselines and unfinished runs hold it; its package goes on offering the class.
    """
    return vars(kind).get("signed_as") or import_path(kind)


def parameters_of(scorer: object) -> dict[str, Any]:
    """Return the settings of a scorer that differ from its defaults, by name."""
    if not dataclasses.is_dataclass(scorer) or isinstance(scorer, type):
        return {}
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(scorer):
        if field.name in {"name", "facts"} or not field.init:
            continue
        value, make = getattr(scorer, field.name), field.default_factory
        if value != (field.default if make is dataclasses.MISSING else make()):
            changed[field.name] = value
    return changed


def _is_code(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


def _written(value: Any) -> Any:
    if _is_code(value):
        return {"function": import_path(value), "digest": code_digest(value)}
    return value


def _found_elsewhere(values: Iterable[Any]) -> bool:
    """Say whether another process can import every function among *values*."""
    return all(import_path(value) is not None for value in values if _is_code(value))


def specification(scorer: Scorer) -> dict[str, Any]:
    """Return what rebuilds *scorer* elsewhere: import path, parameters and digest, JSON values.

    ``rebuildable`` is false where the code lives in a notebook, a script or inside a function.
    """
    if isinstance(scorer, ConfiguredScorer):
        inner, extract = specification(scorer.inner), scorer.extract
        by_role = extract if isinstance(extract, Mapping) else {"outputs": extract}
        written = {role: _written(cut) for role, cut in by_role.items()}
        return {
            "name": scorer.name,
            "inner": inner,
            "reads": dict(scorer.reads),
            "extract": written if isinstance(extract, Mapping) else written["outputs"],
            "rebuildable": inner["rebuildable"] and _found_elsewhere(by_role.values()),
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
    path, parameters = class_path(type(scorer)), parameters_of(scorer)
    return {
        "name": scorer.name,
        "class": path,
        "parameters": {name: _written(value) for name, value in parameters.items()},
        "version": getattr(scorer, "version", None),
        "rebuildable": path is not None and _found_elsewhere(parameters.values()),
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
        return attrgetter(name)(importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        moved = getattr(sys.modules.get(module.rpartition(".")[0]), name, None)
        if getattr(moved, "signed_as", None) == path:
            return moved
        raise SpecificationError(f"Cannot import {path!r}: {error}.") from error


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
        make = decorate(
            name=spec["name"], lane=spec["lane"], version=spec["version"], **spec["facts"]
        )
        return make(function)
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


def code_digest(function: Callable[..., Any], within: _Within = ()) -> str:
    """Return a digest of a function's code: names, constants, bytecode, and what it holds.

    Defaults and enclosed values count by their content.  Where the code lies in a file, and where
    an object lies in memory, does not count.

    Examples:
        >>> def at_least(limit):
        ...     return lambda outputs: len(outputs) >= limit
        >>> code_digest(at_least(1)) == code_digest(at_least(1))
        True
        >>> code_digest(at_least(1)) == code_digest(at_least(2))
        False
    """
    within = (*within, id(function))
    if isinstance(function, functools.partial):
        held = content_text([function.args, function.keywords], within)
        return content_hash((code_digest(function.func, within) + held).encode(), size=8)
    code = getattr(inspect.unwrap(function), "__code__", None)
    held = content_text(
        [
            getattr(function, "__defaults__", None),
            getattr(function, "__kwdefaults__", None),
            [_enclosed(cell) for cell in getattr(function, "__closure__", None) or ()],
            getattr(function, "__self__", None) if isinstance(function, types.MethodType) else None,
        ],
        within,
    )
    if code is None:
        # An instance with __call__: its class holds the code.
        code = getattr(getattr(type(function), "__call__"), "__code__", None)  # noqa: B004, B009
        held = _of_object(function, within)
    if code is None:
        return content_hash(_name(function).encode(), size=8)
    digest = hashlib.blake2b(digest_size=8)
    _digest_code(code, digest.update)
    digest.update(held.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def body_digest(function: Any) -> str | None:
    """Return a digest of a function's bytecode alone, whatever it holds; ``None`` without any.

    Examples:
        >>> body_digest(lambda x: x) == body_digest(lambda x: x + 1)
        False
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return None
    digest = hashlib.blake2b(digest_size=8)
    _digest_code(code, digest.update)
    return digest.hexdigest()


def _digest_code(code: types.CodeType, update: Callable[[bytes], None]) -> None:
    update(code.co_code)
    update(repr((code.co_names, code.co_varnames)).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _digest_code(constant, update)
        elif isinstance(constant, frozenset):
            update(repr(sorted(constant, key=repr)).encode())
        else:
            update(repr(constant).encode())
    update(f"{sys.version_info[0]}.{sys.version_info[1]}".encode())


def _enclosed(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is bound only later
        return None


def content_text(value: Any, within: _Within = ()) -> str:
    """Return *value* as a text that is equal for equal content, in any process.

    An object counts by its class and its public attributes, objects among these by class alone.

    Examples:
        >>> content_text({"b": {3, 1}, "a": (None, 0.5)})
        '{"a":[null,0.5],"b":[1,3]}'
        >>> content_text([len, 1])
        '[builtins:len,1]'
    """
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, (type, types.ModuleType, types.BuiltinFunctionType)):
        return _name(value)
    if id(value) in within:
        return "…"
    if isinstance(value, _FUNCTIONS):
        return code_digest(value, within)
    return _of_object(value, within)


def _of_object(value: Any, within: _Within) -> str:
    inside = (*within, id(value))
    is_built_in = type(value).__module__ == "builtins"
    name = "" if is_built_in else _name(type(value))
    if dataclasses.is_dataclass(value):
        fields = {
            field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)
        }
        return name + _of_parts(fields, inside)
    try:
        return name + canonical_json(value).decode()
    except Exception:  # noqa: BLE001  an object of anyone's may raise anything
        return name + _of_parts(value, inside)


def _of_parts(value: Any, inside: _Within) -> str:
    if isinstance(value, Mapping):
        pairs = [
            f"{content_text(key, inside)}:{content_text(part, inside)}"
            for key, part in value.items()
        ]
        return f"{{{','.join(sorted(pairs))}}}"
    if isinstance(value, (set, frozenset)):
        return f"{{{','.join(sorted(content_text(part, inside) for part in value))}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(content_text(part, inside) for part in value)}]"
    if isinstance(value, re.Pattern):
        return f"{value.pattern!r}/{value.flags}"
    public = {
        name: part for name, part in getattr(value, "__dict__", {}).items() if name[:1] != "_"
    }
    shallow = {
        name: part if isinstance(part, _FUNCTIONS) or not hasattr(part, "__dict__") else type(part)
        for name, part in public.items()
    }
    return _of_parts(shallow, inside)


def _name(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    if name is None:
        return _name(type(thing))
    return f"{getattr(thing, '__module__', None)}:{name}"

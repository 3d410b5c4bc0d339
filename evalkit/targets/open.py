"""What a user means by ``model=``: an object, a URL, an import path, or a model's name.

A plan keeps what describes a target, from which another process rebuilds it.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, cast

from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Target, TargetIdentity
from evalkit.errors import SpecificationError, UsageError, near_miss
from evalkit.hooks.catalog import catalog
from evalkit.targets.batches import batch_predictor
from evalkit.targets.callable import CallableTarget
from evalkit.targets.estimator import EstimatorTarget
from evalkit.targets.version import resolved_version

DATA_SUFFIXES: Final = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".yaml", ".yml", ".eval")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):/")
_PYTHON = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_REGISTRIES: Final = {
    "models": "a registered version keeps what was evaluated, not the model; give the model itself "
    "here, and the version as baseline=.",
    "runs": "Models of runs arrive with the registry; give the model itself for now.",
    "prompts": "A prompt is no model; give evalkit.chat(MODEL, prompt=FILE).",
    "datasets": "A dataset is no model; give it as data=.",
}


def open_target(
    model: Any, *, version: str | None = None, name: str | None = None
) -> Target | None:
    """Return the target that *model* stands for; ``None`` for stored outputs.

    Args:
        model: ``None``, a target, a callable, an estimator, or a text: a URL or registered
            scheme, ``module.path:name``, or else the name of a chat model.
        version: Version by which the answers of a callable or an estimator are recorded;
            ``git`` stands for the commit.
        name: Name in tables, where it is to differ.

    Raises:
        UsageError: If it is none of these, looks like data, or cannot be imported.

    Examples:
        >>> open_target(None) is None
        True
        >>> open_target(len).identity.name
        'len'
    """
    if model is None:
        return None
    if isinstance(model, (str, os.PathLike)):
        return _from_text(os.fspath(cast("str", model)), version=version, name=name)
    return _from_object(model, version=version, name=name)


def _from_object(
    model: Any, *, version: str | None, name: str | None, reference: str | None = None
) -> Target:
    if not isinstance(model, type) and isinstance(model, Target):
        try:
            return _named(_with_method(model), version=version, name=name)
        except TypeError as error:
            raise UsageError(f"model= is no target: {error}.") from None
    predictor = batch_predictor(model)
    if predictor is not None:
        return cast(
            "Target",
            EstimatorTarget(
                estimator=predictor, version=version, name=name or "", reference=reference
            ),
        )
    return CallableTarget(model, version=version, name=name, reference=reference)


def _named(target: Target, *, version: str | None, name: str | None) -> Target:
    if version is None and name is None:
        return target
    return NamedTarget(target, name=name, version=version)


def _from_text(text: str, *, version: str | None, name: str | None) -> Target:
    if not text.strip():
        raise UsageError("model= is empty; leave it out to evaluate stored outputs.")
    scheme = _SCHEME.match(text)
    if scheme is not None:
        return _named(_from_scheme(scheme.group(1).lower(), text), version=version, name=name)
    if text.lower().endswith(DATA_SUFFIXES) or text.startswith("hf:") or os.sep in text[:1]:
        raise UsageError(f"{text!r} looks like data, not like a model; give it as data={text!r}.")
    if _PYTHON.fullmatch(text):
        return _from_object(located(text), version=version, name=name, reference=text)
    if Path(text).is_file():
        raise UsageError(f"{text!r} is a file, not a model; give 'module:name' for Python code.")
    module = text.replace(".", os.sep)
    if Path(f"{module}.py").is_file() or Path(module, "__init__.py").is_file():
        raise UsageError(
            f"{text!r} is a module of this folder; give '{text}:function' for a function of it, "
            f"or 'PROVIDER/{text}' for a model."
        )
    _refuse_bare_scheme(text)
    from evalkit.targets.chat import chat  # start-up: clients of models

    return chat(text, name=name, version=version)


def names_chat_model(text: str) -> bool:
    """Say whether *text*, given as a model, is the name of a chat model and nothing else.

    Examples:
        >>> names_chat_model("openai/gpt-5-mini"), names_chat_model("app:bot")
        (True, False)
    """
    return not (_SCHEME.match(text) or _PYTHON.fullmatch(text))


def _from_scheme(scheme: str, uri: str) -> Target:
    if scheme in _REGISTRIES:
        raise UsageError(f"Cannot open {uri!r}: {_REGISTRIES[scheme]}")
    openers = catalog().targets
    if scheme not in openers:
        offered = ", ".join(f"{name}://" for name in sorted(openers)) or "none"
        raise UsageError(
            f"No plug-in opens models of {scheme}:.{near_miss(scheme, openers)} "
            f"Registered schemes: {offered}."
        )
    with openers[scheme].blamed(f"open {uri!r}"):
        target = cast("object", openers[scheme].item(uri))
        if not isinstance(target, Target):
            raise TypeError(f"{type(target).__name__} has not all of lane, identity and check")
        return _with_method(target)


def _with_method(target: Target) -> Target:
    """Refuse a target without the method of its lane, before a case is lost by it."""
    method = {"async": "acall", "thread": "call", "batch": "call_batch"}.get(target.lane)
    if method is None:
        raise TypeError(f"lane {target.lane!r} is none of 'async', 'thread', 'batch'")
    if not hasattr(target, method):
        raise TypeError(f"{type(target).__name__} of lane {target.lane!r} has no {method}")
    return target


def _refuse_bare_scheme(text: str) -> None:
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in catalog().targets:
        raise UsageError(f"{text!r} lacks the slashes of an address: give '{scheme}://{rest}'.")


class NamedTarget:
    """Delegates to another target, whose name or version the user has given."""

    def __init__(self, inner: Target, *, name: str | None, version: str | None) -> None:
        """Show *inner* as *name* and *version*; ``None`` leaves its own."""
        own = inner.identity
        self.inner = inner
        self.lane: Literal["async", "thread", "batch"] = inner.lane
        self.identity: TargetIdentity = dataclasses.replace(
            own, name=name or own.name, version=resolved_version(version) or own.version
        )

    def check(self, batch: CaseBatch) -> None:
        """Refuse what the inner target refuses."""
        self.inner.check(batch)

    def __getattr__(self, attribute: str) -> Any:
        """Return the inner target's method of its lane, and whatever else it has."""
        if attribute == "inner":
            raise AttributeError(attribute)
        return getattr(self.inner, attribute)


def located(path: str) -> Any:
    """Return what ``module.path:name`` names; modules of the current directory are found too.

    Raises:
        UsageError: If there is no such module or name, or the module fails to import.

    Examples:
        >>> located("math:sqrt")(9.0)
        3.0
    """
    module_name, _, name = path.partition(":")
    thing: Any = _imported(module_name, path)
    for step in name.split("."):
        if not hasattr(thing, step):
            offered = [public for public in vars(thing) if not public.startswith("_")]
            where = getattr(thing, "__file__", None) or module_name
            raise UsageError(f"{path!r}: {where} has no {step!r}.{near_miss(step, offered)}")
        thing = getattr(thing, step)
    return thing


def _imported(module_name: str, path: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise UsageError(_broken(module_name, error)) from error
        _refuse_bare_scheme(path)
        files = [file.stem for file in Path(here).glob("*.py")]
        raise UsageError(
            f"{path!r}: there is no module {error.name!r}, in {here} or installed."
            f"{near_miss(module_name, files)} A model's name has its provider before it: "
            "'ollama/…', 'openai/…'."
        ) from None
    except Exception as error:
        raise UsageError(_broken(module_name, error)) from error


def _broken(module_name: str, error: Exception) -> str:
    return f"Importing {module_name!r} failed: {type(error).__name__}: {error}"


def rebuild_target(described: Mapping[str, Any]) -> Target:
    """Return the target that an identity's fields describe.

    Args:
        described: ``kind, name, parameters, reference, version``, as a plan keeps them.

    Raises:
        SpecificationError: If it lives in a script or notebook, or was given header values, which
            are never kept.

    Examples:
        >>> rebuild_target({"kind": "callable", "name": "len", "reference": "builtins:len",
        ...                 "parameters": {}, "version": None}).identity.name
        'len'
    """
    build = {"endpoint": _endpoint, "chat": _chat}.get(described["kind"], _python)
    return build(described)


def _python(described: Mapping[str, Any]) -> Target:
    target = None
    if described["reference"] is not None:
        target = open_target(
            described["reference"], version=described["version"], name=described["name"]
        )
    if target is None:
        raise SpecificationError(
            f"Target {described['name']!r} lives in a script or notebook; resume there, by "
            "evaluate(..., runtime=Runtime(resume=RUN))."
        )
    return target


def _endpoint(described: Mapping[str, Any]) -> Target:
    from evalkit.targets.endpoint import endpoint  # start-up: HTTP, where it is asked for

    settings = dict(described["parameters"])
    headers = settings.pop("headers")
    if headers:
        raise SpecificationError(
            f"Endpoint {described['name']!r} was given the headers {', '.join(headers)}, whose "
            "values are never kept; resume by evaluate(..., runtime=Runtime(resume=RUN))."
        )
    _require_reference(described)
    return endpoint(
        described["reference"], name=described["name"], version=described["version"], **settings
    )


def _chat(described: Mapping[str, Any]) -> Target:
    from evalkit.targets.chat import chat  # start-up: clients of models

    _require_reference(described)
    settings = dict(described["parameters"])
    sampling = settings.pop("sampling")
    return chat(
        described["reference"],
        name=described["name"],
        version=described["version"],
        **settings,
        **sampling,
    )


def _require_reference(described: Mapping[str, Any]) -> None:
    if described["reference"] is None:
        raise SpecificationError(
            f"The address of {described['name']!r} held a secret, which was never kept; resume by "
            "evaluate(..., runtime=Runtime(resume=RUN)), and name secrets by auth_environment=."
        )

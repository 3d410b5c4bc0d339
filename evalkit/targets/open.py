"""What a user means by ``model=``: an object, a URL, an import path, or a model's name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final, cast

from evalkit.entities.target import Target
from evalkit.errors import UsageError, near_miss
from evalkit.hooks.catalog import catalog
from evalkit.targets.callable import CallableTarget
from evalkit.targets.chat import chat
from evalkit.targets.estimator import EstimatorTarget, is_estimator
from evalkit.targets.located import located
from evalkit.targets.named import NamedTarget

DATA_SUFFIXES: Final = (
    ".jsonl",
    ".json",
    ".csv",
    ".tsv",
    ".parquet",
    ".yaml",
    ".yml",
    ".eval",
)
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
        return _named(model, version=version, name=name)
    if is_estimator(model):
        return cast(
            "Target",
            EstimatorTarget(estimator=model, version=version, name=name or "", reference=reference),
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
    known = catalog().targets
    if scheme not in known:
        offered = ", ".join(f"{name}://" for name in sorted(known)) or "none"
        raise UsageError(
            f"No plug-in opens models of {scheme}:.{near_miss(scheme, known)} "
            f"Registered schemes: {offered}."
        )
    return known[scheme].item(uri)

"""Judges as files: YAML, or a prompt in Markdown whose front matter holds the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeVar

from evalkit.errors import SpecificationError, UsageError, near_miss
from evalkit.judging.settings import JudgeSettings
from evalkit.scoring.signature import import_path, load

J = TypeVar("J", bound=JudgeSettings)

_RULE: Final = "---"
_FIELDS: Final = tuple(field.name for field in dataclasses.fields(JudgeSettings) if field.init)


def as_yaml(judge: JudgeSettings) -> str:
    """Return *judge* as YAML: every setting that differs from its default.

    Raises:
        UsageError: If it aggregates by a function that no other process can import.

    Examples:
        >>> judge = JudgeSettings(name="polite", instructions="Is {{ outputs }} polite?")
        >>> print(as_yaml(judge), end="")
        name: polite
        instructions: Is {{ outputs }} polite?
    """
    import yaml

    settings: dict[str, Any] = {}
    for field in dataclasses.fields(judge):
        value = getattr(judge, field.name) if field.init else None
        if field.init and (field.name == "name" or value != _default(field)):
            settings[field.name] = _plain(field.name, value)

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines as blocks."""

    Dumper.add_representer(str, _text_node)
    text: str = yaml.dump(settings, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def read_judge(path: str | PathLike[str], kind: type[J]) -> J:
    """Return the judge of *kind* that a file describes; see `load_judge`."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecificationError(f"Judge {str(path)!r} cannot be read: {reason}.") from error
    settings = _settings(text, file)
    for name in settings:
        if name not in _FIELDS:
            raise SpecificationError(
                f"{file}: a judge has no {name!r}.{near_miss(name, _FIELDS)} "
                f"It has: {', '.join(_FIELDS)}."
            )
    settings.setdefault("name", file.stem)
    if "instructions" not in settings:
        raise SpecificationError(f"{file}: a judge needs its instructions.")
    aggregate = settings.get("aggregate")
    if isinstance(aggregate, str) and ":" in aggregate:
        settings["aggregate"] = load(aggregate)
    try:
        return kind(**settings)
    except UsageError as error:
        raise SpecificationError(f"{file}: {error}") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise SpecificationError(f"{file}: a setting has the wrong form: {error}.") from error


def _settings(text: str, file: Path) -> dict[str, Any]:
    import yaml

    from evalkit._internal.plain_yaml import PlainLoader  # start-up: it imports yaml

    body: str | None = None
    head = text
    if file.suffix not in {".yaml", ".yml"}:
        head, body = _front_matter(text)
    try:
        content: Any = yaml.load(head, Loader=PlainLoader)  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        raise SpecificationError(f"{file} is not YAML: {error}.") from error
    if content is None:
        content = {}
    if not isinstance(content, Mapping):
        raise SpecificationError(f"{file}: a judge is a mapping of settings.")
    settings = {str(key): value for key, value in content.items()}
    if body is not None and body.strip():
        settings["instructions"] = body.strip("\n")
    return settings


def _front_matter(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    if lines[0].rstrip() != _RULE:
        return "", text
    ends = (n for n, line in enumerate(lines[1:], 1) if line.rstrip() == _RULE)
    end = next(ends, None)
    if end is None:
        return "", text
    return "\n".join(lines[1:end]), "\n".join(lines[end + 1 :])


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _plain(name: str, value: Any) -> Any:
    """Return a setting as its user would write it."""
    if callable(value):
        path = import_path(value)
        if path is None:
            raise UsageError(f"{name}= is a function that no file can name; move it to a module.")
        return path
    if name == "choices":
        labels_only = all(worth is None for _, worth in value)
        return [label for label, _ in value] if labels_only else dict(value)
    anchored = name == "scale" and isinstance(value[0], tuple)
    return dict(value) if anchored else _listed(value)


def _listed(value: Any) -> Any:
    """Return *value* with lists for tuples, which YAML does not know."""
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_listed(item) for item in value]
    return value


def _text_node(dumper: Any, text: str) -> Any:
    # Blocks lose some characters that other line ends are made of; quotes keep everything.
    odd = not text.replace("\n", "").isprintable()
    style = '"' if odd else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

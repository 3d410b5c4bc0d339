"""A judge's settings, in one form whether they come from Python, a file or a stored plan.

Files are YAML, or a prompt in Markdown whose front matter holds the settings.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from evalkit.entities.case import CASE_FIELDS
from evalkit.entities.estimate import Direction
from evalkit.errors import SpecificationError, UsageError, near_miss
from evalkit.judging.form import choice_pairs, scale_steps
from evalkit.judging.precheck import CHECKS
from evalkit.llm.secrets import public_url, secret_setting
from evalkit.scoring.signature import import_path, load, parameters_of

J = TypeVar("J", bound="JudgeSettings")

_RULE: Final = "---"

_EXAMPLE_KEYS: Final = frozenset(
    {*CASE_FIELDS, "choice", "explanation", "parts", "calls", "span_id"}
)
_OWN: Final = frozenset({"messages", "tools", "tool_choice", "response_format", "stream", "n"})
"""What a request has besides sampling settings: the judge's own to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """What a judge is, as data; `make_judge` says what each setting means.

    They may be given in any form that `make_judge` takes, and are kept in one.

    Raises:
        UsageError: If a setting cannot be used.
    """

    name: str = "judge"
    instructions: str
    choices: tuple[tuple[str, float | bool | None], ...] = ()
    """Labels and what each is worth, in the order in which they are shown."""

    scale: Any = None
    """Anchors by number as pairs, or both ends; in place of *choices*."""

    value_type: type | str | None = None
    direction: Direction = "higher"
    model: str | None = None
    base_url: str | None = None
    auth_environment: str | None = None
    reads: Mapping[str, str] = field(default_factory=dict[str, str])
    examples: tuple[Mapping[str, Any], ...] = ()
    samples: int = 1
    temperature: float | None = 0.0
    sampling: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further settings, sent unchanged, such as ``max_tokens``."""

    method: Literal["verdict", "logprobs"] = "verdict"
    fallback_samples: int = 20
    parts: str | None = None
    each: str | None = None
    aggregate: str | Callable[[Sequence[float]], float] = "mean"
    prechecks: tuple[str, ...] = CHECKS
    canaries: tuple[Mapping[str, Any], ...] = ()
    tool_rounds: int = 16
    timeout_seconds: float = 600.0
    version: str | None = None

    def __post_init__(self) -> None:
        self._check()
        settled = {
            "choices": choice_pairs(self.choices),
            "scale": scale_steps(self.scale),
            "value_type": getattr(self.value_type, "__name__", self.value_type),
            "reads": dict(self.reads),
            "sampling": dict(self.sampling),
            "examples": _examples(self.examples),
            "canaries": _examples(self.canaries),
            "prechecks": tuple(self.prechecks),
        }
        for setting, value in settled.items():
            object.__setattr__(self, setting, value)

    def __reduce__(self) -> tuple[Any, ...]:
        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.init}
        return functools.partial(type(self), **settings), ()

    @property
    def sent(self) -> dict[str, Any]:
        """Sampling settings that are sent with each call."""
        warmth = {} if self.temperature is None else {"temperature": self.temperature}
        return {**warmth, **self.sampling}

    def _check(self) -> None:
        if not self.instructions.strip():
            raise UsageError(f"Judge {self.name!r} has no instructions.")
        if self.base_url is not None and public_url(self.base_url) != self.base_url.rstrip("/"):
            raise UsageError(
                "base_url= would be recorded with the results: put the key into the environment, "
                "and name its variable by auth_environment=."
            )
        if self.samples < 1 or self.fallback_samples < 1:
            raise UsageError(f"samples= is at least 1; got {self.samples}.")
        if self.tool_rounds < 1:
            raise UsageError(f"tool_rounds= is at least 1; got {self.tool_rounds}.")
        if self.method not in {"verdict", "logprobs"}:
            raise UsageError(f"method= is 'verdict' or 'logprobs'; got {self.method!r}.")
        if self.direction not in {"higher", "lower", "none"}:
            raise UsageError(f"direction= is higher, lower or none; got {self.direction!r}.")
        _check_sampling(self.sampling)
        for check in self.prechecks:
            if check not in CHECKS:
                raise UsageError(
                    f"prechecks= knows {', '.join(CHECKS)}; got {check!r}."
                    f"{near_miss(check, CHECKS)}"
                )


def _check_sampling(sampling: Mapping[str, Any]) -> None:
    secret = secret_setting(sampling)
    if secret is not None:
        raise UsageError(
            f"{secret}= would be recorded with the results: put the key into the environment, and "
            "name its variable by auth_environment=."
        )
    for setting in sampling:
        if setting in _OWN:
            raise UsageError(f"{setting}= is the judge's own to set.")


def _examples(examples: Any) -> tuple[Mapping[str, Any], ...]:
    checked: list[Mapping[str, Any]] = []
    for example in examples:
        for key in example:
            if key not in _EXAMPLE_KEYS:
                raise UsageError(
                    f"An example has no {key!r}.{near_miss(key, _EXAMPLE_KEYS)} It has the fields "
                    "of a case, choice and explanation."
                )
        if ("choice" in example) == ("parts" in example):
            raise UsageError("An example needs its choice: {'inputs', 'outputs', 'choice'}.")
        checked.append(dict(example))
    return tuple(checked)


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

    changed = {"name": judge.name, **parameters_of(judge)}
    settings = {name: _plain(name, value) for name, value in changed.items()}

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
    fields = [setting.name for setting in dataclasses.fields(JudgeSettings) if setting.init]
    for name in settings:
        if name not in fields:
            raise SpecificationError(
                f"{file}: a judge has no {name!r}.{near_miss(name, fields)} "
                f"It has: {', '.join(fields)}."
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

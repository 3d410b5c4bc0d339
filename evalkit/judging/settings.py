"""A judge's settings, in their one form whether they come from Python, YAML or a stored plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from evalkit.entities.case import CASE_FIELDS
from evalkit.entities.estimate import Direction
from evalkit.errors import UsageError, near_miss
from evalkit.judging.precheck import CHECKS
from evalkit.llm.secrets import names_secret, public_url

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

    value_type: str | None = None
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
            "choices": _pairs(self.choices),
            "scale": _scale(self.scale),
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
        return _unpickled, (type(self), settings)

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


def _unpickled(kind: type[JudgeSettings], settings: Mapping[str, Any]) -> JudgeSettings:
    return kind(**settings)


def _check_sampling(sampling: Mapping[str, Any]) -> None:
    for setting in sampling:
        if names_secret(setting) or setting.endswith("headers"):
            raise UsageError(
                f"{setting}= would be recorded with the results: put the key into the "
                "environment, and name its variable by auth_environment=."
            )
        if setting in _OWN:
            raise UsageError(f"{setting}= is the judge's own to set.")


def _pairs(choices: Any) -> tuple[tuple[str, float | bool | None], ...]:
    if isinstance(choices, Mapping):
        return tuple((str(k), v) for k, v in choices.items())
    if isinstance(choices, str):
        raise UsageError("choices= is a mapping from label to value, or a list of labels.")
    return tuple(
        (choice, None) if isinstance(choice, str) else (str(choice[0]), choice[1])
        for choice in cast("Sequence[Any]", choices or ())
    )


def _scale(scale: Any) -> Any:
    """Return anchors as pairs, in order; ranges and ends as both ends."""
    if not scale:
        return None
    if isinstance(scale, range):
        return (scale[0], scale[-1])
    if isinstance(scale, Mapping):
        pairs = [(_number(at), None if text is None else str(text)) for at, text in scale.items()]
        return tuple(sorted(pairs, key=lambda pair: pair[0]))
    listed = list(cast("Sequence[Any]", scale))
    if listed and isinstance(listed[0], (list, tuple)):
        return tuple((_number(at), text) for at, text in listed)
    return tuple(map(_number, listed))


def _number(at: Any) -> float | int:
    try:
        number = float(at)
    except (TypeError, ValueError):
        raise UsageError(f"scale= has numbers as its steps; got {at!r}.") from None
    return int(number) if number.is_integer() and not isinstance(at, float) else number


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

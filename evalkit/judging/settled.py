"""A judge's settings in their one form, whether they come from Python, YAML or a stored plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from evalkit.entities.case import CASE_FIELDS
from evalkit.errors import UsageError, near_miss
from evalkit.judging.precheck import CHECKS
from evalkit.llm.secrets import names_secret, public_url

if TYPE_CHECKING:
    from evalkit.judging.judge import Judge

_EXAMPLE_KEYS: Final = frozenset(
    {*CASE_FIELDS, "choice", "explanation", "parts", "calls", "span_id"}
)
_RUNTIME: Final = frozenset({"messages", "tools", "tool_choice", "response_format", "stream", "n"})


def settled(judge: Judge) -> dict[str, Any]:
    """Return the settings of *judge* that are written in several ways, each in its one form.

    Raises:
        UsageError: If one cannot be used.
    """
    if not judge.instructions.strip():
        raise UsageError(f"Judge {judge.name!r} has no instructions.")
    if judge.base_url is not None and public_url(judge.base_url) != judge.base_url.rstrip("/"):
        raise UsageError(
            "base_url= would be recorded with the results: put the key into the environment, and "
            "name its variable by auth_environment=."
        )
    if judge.samples < 1 or judge.fallback_samples < 1:
        raise UsageError(f"samples= is at least 1; got {judge.samples}.")
    if judge.tool_rounds < 1:
        raise UsageError(f"tool_rounds= is at least 1; got {judge.tool_rounds}.")
    if judge.method not in {"verdict", "logprobs"}:
        raise UsageError(f"method= is 'verdict' or 'logprobs'; got {judge.method!r}.")
    if judge.direction not in {"higher", "lower", "none"}:
        raise UsageError(f"direction= is higher, lower or none; got {judge.direction!r}.")
    _check_sampling(judge.sampling)
    for check in judge.prechecks:
        if check not in CHECKS:
            raise UsageError(
                f"prechecks= knows {', '.join(CHECKS)}; got {check!r}.{near_miss(check, CHECKS)}"
            )
    return {
        "choices": _pairs(judge.choices),
        "scale": _scale(judge.scale),
        "value_type": _type_name(judge.value_type),
        "reads": dict(judge.reads),
        "sampling": dict(judge.sampling),
        "examples": _examples(judge.examples),
        "canaries": _examples(judge.canaries),
        "prechecks": tuple(judge.prechecks),
    }


def _check_sampling(sampling: Mapping[str, Any]) -> None:
    for setting in sampling:
        if names_secret(setting) or setting.endswith("headers"):
            raise UsageError(
                f"{setting}= would be recorded with the results: put the key into the "
                "environment, and name its variable by auth_environment=."
            )
        if setting in _RUNTIME:
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


def _type_name(value_type: Any) -> str | None:
    return value_type.__name__ if isinstance(value_type, type) else value_type


def _examples(examples: Any) -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = []
    for example in examples:
        for key in example:
            if key not in _EXAMPLE_KEYS:
                raise UsageError(
                    f"An example has no {key!r}.{near_miss(key, _EXAMPLE_KEYS)} It has the fields "
                    "of a case, choice and explanation."
                )
        if ("choice" in example) == ("parts" in example):
            raise UsageError("An example needs its choice: {'inputs', 'outputs', 'choice'}.")
        found.append(dict(example))
    return tuple(found)

"""One sample of an Inspect log as a row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

_GRADES: Final = {
    "C": 1.0,
    "P": 0.5,
    "I": 0.0,
    "N": 0.0,
    "yes": 1.0,
    "true": 1.0,
    "no": 0.0,
    "false": 0.0,
}
_ATTACHMENT: Final = "attachment://"
_TOKENS: Final = ("input_tokens", "output_tokens", "total_tokens")


def sample_row(sample: Mapping[str, Any], *, repeated: bool) -> dict[str, Any]:
    """Return a sample as the fields of a case.

    Args:
        sample: A sample as the log has it.
        repeated: Whether the log has several epochs: the epoch is then the repeat, from 0.

    Examples:
        >>> row = sample_row({"id": "q1", "epoch": 2, "input": "2 + 2?", "target": "4",
        ...                   "output": {"completion": "4", "choices": [{}]},
        ...                   "scores": {"match": {"value": "C"}}}, repeated=True)
        >>> row["id"], row["repeat"], row["outputs"], row["scores"]
        ('q1', 1, '4', {'match': 1.0})
    """
    attachments: Mapping[str, str] = sample.get("attachments") or {}
    row: dict[str, Any] = {
        "id": str(sample["id"]),
        "inputs": _inputs(sample, attachments),
        "outputs": _answer(sample.get("output") or {}, attachments),
        "expectations": {"target": sample.get("target")},
        "scores": scores(sample.get("scores") or {}),
        "tags": sample.get("metadata") or {},
        "latency_seconds": sample.get("working_time", sample.get("total_time")),
        "usage": _usage(sample.get("model_usage") or {}),
        "tool_calls": _tool_calls(sample.get("messages") or []),
        "error": _error(sample),
    }
    if repeated:
        row["repeat"] = sample["epoch"] - 1
    return row


def scores(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a sample's scores, by scorer; ``scorer.key`` where one gave several.

    Examples:
        >>> scores({"match": {"value": "C"}, "style": {"value": {"short": 1, "tone": "warm"}}})
        {'match': 1.0, 'style.short': 1, 'style.tone': 'warm'}
    """
    values: dict[str, Any] = {}
    for name, score in found.items():
        value = score.get("value") if isinstance(score, Mapping) else score
        if isinstance(value, Mapping):
            values |= {f"{name}.{key}": to_number(part) for key, part in value.items()}
        else:
            values[name] = to_number(value)
    return values


def to_number(value: Any) -> Any:
    """Return a score's value as a number where Inspect would: grades, yes or no, digits.

    A label that is neither stays a label.

    Examples:
        >>> [to_number(value) for value in ("C", "P", "Yes", "0.25", True, "warm")]
        [1.0, 0.5, 1.0, 0.25, True, 'warm']

    References:
        Inspect, ``value_to_float``.
    """
    if not isinstance(value, str):
        return value
    if value in _GRADES:
        return _GRADES[value]
    if value.lower() in _GRADES:
        return _GRADES[value.lower()]
    try:
        number = float(value)
    except ValueError:
        return value
    return number if math.isfinite(number) else value


def _inputs(sample: Mapping[str, Any], attachments: Mapping[str, str]) -> dict[str, Any]:
    given = _resolved(sample.get("input"), attachments)
    if isinstance(given, list):
        messages = [{"role": item.get("role"), "content": item.get("content")} for item in given]
        inputs: dict[str, Any] = {"messages": messages}
    else:
        inputs = {"input": given}
    if sample.get("choices"):
        inputs["choices"] = sample["choices"]
    return inputs


def _answer(output: Mapping[str, Any], attachments: Mapping[str, str]) -> Any:
    """Return the text of the first choice; nothing where the model was not asked."""
    if not output.get("choices"):
        return None
    return _resolved(output.get("completion"), attachments)


def _resolved(value: Any, attachments: Mapping[str, str]) -> Any:
    """Put long texts back that the log keeps apart."""
    if isinstance(value, str) and value.startswith(_ATTACHMENT):
        return attachments.get(value.removeprefix(_ATTACHMENT), value)
    if isinstance(value, list):
        return [_resolved(item, attachments) for item in value]
    if isinstance(value, Mapping):
        return {key: _resolved(item, attachments) for key, item in value.items()}
    return value


def _usage(by_model: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for usage in by_model.values():
        total.update({name: usage[name] for name in _TOKENS if usage.get(name) is not None})
    return dict(total)


def _tool_calls(messages: list[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    calls = [
        {"name": call.get("function"), "arguments": call.get("arguments")}
        for message in messages
        for call in message.get("tool_calls") or ()
    ]
    return calls or None


def _error(sample: Mapping[str, Any]) -> str | None:
    error = sample.get("error")
    if not isinstance(error, Mapping):
        return None
    return str(error.get("message") or "error")

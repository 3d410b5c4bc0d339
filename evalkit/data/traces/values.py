"""Values as traces write them, and what the attributes of a span mean.

Values are OpenTelemetry's typed ones, ids, times and texts that are JSON; attributes are MLflow's,
OpenTelemetry's (gen_ai) and OpenInference's.

References:
    OpenTelemetry, *Semantic conventions for generative AI*; Arize, *OpenInference specification*;
    MLflow, *Tracing: span schema*.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from evalkit._internal.canonical import parse_json
from evalkit.entities.trace import Span
from evalkit.errors import TraceError
from evalkit.llm import tokens
from evalkit.llm.prices import Prices

_HEX: Final = re.compile(r"(?:[0-9a-f]{16}|[0-9a-f]{32})", re.IGNORECASE)
_KINDS: Final = ("string", "bool", "int", "double", "array", "kvlist", "bytes")
_DEEPEST: Final = 64
_MLFLOW: Final = "mlflow."
_BITS: Final = 64

_OPERATIONS: Final = {
    "chat": "CHAT_MODEL",
    "text_completion": "LLM",
    "generate_content": "LLM",
    "embeddings": "EMBEDDING",
    "retrieval": "RETRIEVER",
    "execute_tool": "TOOL",
    "create_agent": "AGENT",
    "invoke_agent": "AGENT",
    "invoke_workflow": "WORKFLOW",
    "plan": "CHAIN",
}
_INPUTS: Final = (
    "mlflow.spanInputs",
    "input.value",
    "gen_ai.input.messages",
    "gen_ai.tool.call.arguments",
    "gen_ai.retrieval.query.text",
    "tool.parameters",
    "traceloop.entity.input",
)
_OUTPUTS: Final = (
    "mlflow.spanOutputs",
    "output.value",
    "gen_ai.output.messages",
    "gen_ai.tool.call.result",
    "gen_ai.retrieval.documents",
    "traceloop.entity.output",
)
_NUMBERED_INPUTS: Final = ("llm.input_messages", "gen_ai.prompt")
_NUMBERED_OUTPUTS: Final = ("retrieval.documents", "llm.output_messages", "gen_ai.completion")
_LEFT_OUT: Final = frozenset({"mlflow.spanType", "mlflow.traceRequestId", "mlflow.spanLogLevel"})
_SESSIONS: Final = (
    "mlflow.trace.session",
    "session.id",
    "gen_ai.conversation.id",
    "langfuse.session.id",
)
_USAGE: Final = {
    "prompt_tokens": (
        *("input_tokens", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "llm.token_count.prompt",
    ),
    "completion_tokens": (
        *("output_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "llm.token_count.completion",
    ),
    "total_tokens": ("total_tokens", "gen_ai.usage.total_tokens", "llm.token_count.total"),
    "cached_tokens": (
        *("cache_read_input_tokens", "gen_ai.usage.cache_read.input_tokens"),
        "llm.token_count.prompt_details.cache_read",
    ),
    "cache_write_tokens": (
        *("cache_creation_input_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        *("gen_ai.usage.cache_write.input_tokens", "llm.token_count.prompt_details.cache_write"),
    ),
    "reasoning_tokens": (
        *("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
        "llm.token_count.completion_details.reasoning",
    ),
}
"""What traces call the words of OpenAI's usage: all of them count what a cache held as input."""

_MODEL_NAMES: Final = (
    "gen_ai.response.model",
    "gen_ai.request.model",
    "llm.model_name",
    "mlflow.llm.model",
)
_PROVIDERS: Final = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "mlflow.llm.provider")
_COSTS: Final = ("llm.cost.total", "gen_ai.usage.cost", "operation.cost")


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return *value* if it is a mapping, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def list_of(value: Any) -> Sequence[Any]:
    """Return *value* if it is a list, else an empty one."""
    return cast("Sequence[Any]", value) if isinstance(value, (list, tuple)) else ()


def any_value(value: Any, depth: int = 0) -> Any:
    """Return a typed value of OpenTelemetry as a plain one; keys in camel or snake case.

    Examples:
        >>> any_value({"kvlistValue": {"values": [{"key": "n", "value": {"intValue": "3"}}]}})
        {'n': 3}
    """
    typed = mapping_of(value)
    if depth > _DEEPEST:
        raise TraceError("a value is nested too deeply")
    for kind in _KINDS:
        held = typed.get(f"{kind}Value", typed.get(f"{kind}_value"))
        if held is None:
            continue
        if kind == "int":
            return whole(held)
        if kind == "array":
            return [any_value(item, depth + 1) for item in list_of(mapping_of(held).get("values"))]
        if kind == "kvlist":
            return attributes_of(mapping_of(held).get("values"), depth + 1)
        return _double(held) if kind == "double" else held
    return None


def _double(held: Any) -> float:
    try:
        return float(held)
    except (TypeError, ValueError, OverflowError) as error:
        raise TraceError(f"{shown(held)} is no number") from error


def attributes_of(listed: Any, depth: int = 0) -> dict[str, Any]:
    """Return attributes as a mapping: OpenTelemetry's list of keys and values, or a mapping."""
    if isinstance(listed, Mapping):
        return dict(cast("Mapping[str, Any]", listed))
    pairs = [mapping_of(pair) for pair in list_of(listed)]
    return {str(pair.get("key")): any_value(pair.get("value"), depth) for pair in pairs}


def parsed(value: Any) -> Any:
    """Return what a text that is JSON says, and any other value as it is.

    Examples:
        >>> parsed('{"a": 1}'), parsed("plain")
        ({'a': 1}, 'plain')
    """
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return value


def unquoted(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return *attributes* with MLflow's own undone: it writes each of its values as JSON.

    Examples:
        >>> unquoted({"mlflow.spanOutputs": '"Paris"', "output.value": '"Paris"'})
        {'mlflow.spanOutputs': 'Paris', 'output.value': '"Paris"'}
    """
    return {
        key: parsed(value) if str(key).startswith(_MLFLOW) else value
        for key, value in attributes.items()
    }


def structured(value: Any) -> Any:
    """Return a list or mapping that was written as a text; other texts stay texts."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        return parsed(value)
    return value


def whole(value: Any) -> int | None:
    """Return a whole number, which JSON may hold as a text; ``None`` for nothing.

    Raises:
        TraceError: If it is none, or takes more than 64 bits.
    """
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TraceError(f"{shown(value)} is no whole number") from error
    if number.bit_length() > _BITS:
        raise TraceError(f"{shown(value)} is no whole number of {_BITS} bits")
    return number


def shown(value: Any) -> str:
    """Return the beginning of a value; Python itself refuses to write thousands of digits."""
    try:
        return f"{value!r:.60}"
    except ValueError:
        return "a number of thousands of digits"


def hex_id(value: Any) -> str | None:
    """Return the id of a span or trace in hexadecimal digits, which may come in base64.

    Examples:
        >>> hex_id("AKV2E8XiDNY="), hex_id("00A57613C5E20CD6"), hex_id("")
        ('00a57613c5e20cd6', '00a57613c5e20cd6', None)
    """
    if value is None or value == "":
        return None
    text = str(value)
    if _HEX.fullmatch(text):
        return None if set(text) == {"0"} else text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text
    if len(raw) not in {8, 16}:
        return text
    return raw.hex() if any(raw) else None


def milliseconds(value: Any) -> int | None:
    """Return a moment in milliseconds since the epoch, from a number or RFC 3339.

    Raises:
        TraceError: If it is neither.
    """
    if isinstance(value, str) and not value.isdecimal():
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError as error:
            raise TraceError(f"{value!r:.60} is no time") from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return round(moment.timestamp() * 1000)
    return whole(value)


def text_or_none(value: Any) -> str | None:
    """Return a text that is not empty, else ``None``."""
    return value if isinstance(value, str) and value else None


def type_of(attributes: Mapping[str, Any]) -> str:
    """Return the type of a span in MLflow's words.

    Examples:
        >>> type_of({"gen_ai.operation.name": "execute_tool"})
        'TOOL'
        >>> type_of({"openinference.span.kind": "retriever"})
        'RETRIEVER'
    """
    for key in ("mlflow.spanType", "openinference.span.kind", "traceloop.span.kind"):
        kind = parsed(attributes.get(key))
        if isinstance(kind, str) and kind:
            return kind.upper()
    operation = _OPERATIONS.get(str(attributes.get("gen_ai.operation.name")))
    if operation is not None:
        return operation
    return "LLM" if "llm.request.type" in attributes else "UNKNOWN"


def translated(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``span_type``, ``inputs``, ``outputs`` and the remaining ``attributes`` of a span.

    Examples:
        >>> attributes = {"openinference.span.kind": "TOOL", "tool.name": "weather"}
        >>> span = translated({**attributes, "input.value": '{"city": "Oslo"}'})
        >>> span["span_type"], span["inputs"], span["attributes"]
        ('TOOL', {'city': 'Oslo'}, {'openinference.span.kind': 'TOOL', 'tool.name': 'weather'})
    """
    rest = {str(key): value for key, value in attributes.items() if key not in _LEFT_OUT}
    return {
        "span_type": type_of(attributes),
        "inputs": _taken(rest, _INPUTS, _NUMBERED_INPUTS),
        "outputs": _taken(rest, _OUTPUTS, _NUMBERED_OUTPUTS),
        "attributes": rest,
    }


def _taken(rest: dict[str, Any], names: tuple[str, ...], numbered: tuple[str, ...]) -> Any:
    """Take the first of *names* out of *rest*, else a list that is spread over numbered keys."""
    listed = [_gathered(rest, prefix) for prefix in numbered]
    first: Any = None
    for name in names:
        value = rest.get(name)
        if value is not None and name != "tool.parameters":
            del rest[name]
        first = _meant(rest, name, value) if first is None else first
    return first if first is not None else next(filter(None, listed), None)


def _meant(rest: Mapping[str, Any], name: str, value: Any) -> Any:
    """Return what an attribute means, by what its writer says of it."""
    mime = rest.get(name.removesuffix("value") + "mime_type") if name.endswith(".value") else None
    if name.startswith(_MLFLOW) or mime == "text/plain":
        return value
    return parsed(value) if mime == "application/json" else structured(value)


def _gathered(rest: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Take ``prefix.0.message.role`` and the like out of *rest*, as a list of mappings.

    Examples:
        >>> _gathered({"llm.input_messages.0.message.role": "user"}, "llm.input_messages")
        [{'role': 'user'}]
    """
    if not any(key.startswith(prefix) for key in rest):
        return []
    pattern = re.compile(re.escape(prefix) + r"\.(\d{1,9})\.(?:message\.|document\.)?(.+)")
    items: dict[int, dict[str, Any]] = {}
    for key in list(rest):
        match = pattern.fullmatch(key)
        if match is not None:
            items.setdefault(int(match[1]), {})[match[2]] = structured(rest.pop(key))
    return [items[number] for number in sorted(items)]


def session_of(*places: Mapping[str, Any]) -> str | None:
    """Return the conversation that the first of *places* to know one names."""
    for place in places:
        for key in _SESSIONS:
            name = parsed(place.get(key)) if key.startswith("mlflow") else place.get(key)
            if isinstance(name, (str, int)) and str(name):
                return str(name)
    return None


def usage_of(span: Span) -> dict[str, int] | None:
    """Return the tokens that a span says it took; ``None`` if it does not say.

    Examples:
        >>> usage_of(Span(trace_id="t", span_id="a", name="chat",
        ...               attributes={"gen_ai.usage.input_tokens": 7}))
        {'input_tokens': 7}
    """
    noted = mapping_of(structured(span.attributes.get("mlflow.chat.tokenUsage")))
    return usage_stated({**span.attributes, **noted})


def usage_stated(stated: Mapping[str, Any]) -> dict[str, int] | None:
    """Return the tokens among what a span, or a whole trace, states."""
    counts = {
        kind: next((stated[name] for name in names if isinstance(stated.get(name), int)), None)
        for kind, names in _USAGE.items()
    }
    return tokens.usage_of(counts)


def cost_of(span: Span) -> float | None:
    """Return what a span says it cost, in US dollars; ``None`` if it does not say."""
    noted = mapping_of(structured(span.attributes.get("mlflow.llm.cost"))).get("total_cost")
    for value in (noted, *(span.attributes.get(key) for key in _COSTS)):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
            return float(value)
    return None


def price_of(span: Span, usage: Mapping[str, int] | None, prices: Prices) -> float | None:
    """Return what the tokens of a span cost by the *prices* of its model, if known."""
    models = [str(span.attributes[key]) for key in _MODEL_NAMES if span.attributes.get(key)]
    providers = [str(span.attributes[key]) for key in _PROVIDERS if span.attributes.get(key)]
    names = [name for model in models for name in (model, *(f"{p}/{model}" for p in providers))]
    costs = (prices.cost(name, usage) for name in names)
    return next((cost for cost in costs if cost is not None), None)

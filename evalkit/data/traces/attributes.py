"""What the attributes of a span mean: MLflow's, OpenTelemetry's (gen_ai) and OpenInference's.

References:
    OpenTelemetry, *Semantic conventions for generative AI*; Arize, *OpenInference specification*;
    MLflow, *Tracing: span schema*.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from evalkit.data.traces.values import mapping_of, parsed, structured
from evalkit.entities.trace import Span

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
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
    ),
}
_COSTS: Final = ("llm.cost.total", "gen_ai.usage.cost", "operation.cost")


def type_of(attributes: Mapping[str, Any]) -> str:
    """Return the type of a span in MLflow's words.

    Examples:
        >>> type_of({"gen_ai.operation.name": "execute_tool"})
        'TOOL'
        >>> type_of({"openinference.span.kind": "retriever"})
        'RETRIEVER'
    """
    for key in ("mlflow.spanType", "openinference.span.kind", "traceloop.span.kind"):
        found = parsed(attributes.get(key))
        if isinstance(found, str) and found:
            return found.upper()
    operation = _OPERATIONS.get(str(attributes.get("gen_ai.operation.name")))
    if operation is not None:
        return operation
    return "LLM" if "llm.request.type" in attributes else "UNKNOWN"


def translated(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``span_type``, ``inputs``, ``outputs`` and the remaining ``attributes`` of a span.

    Examples:
        >>> attributes = {"openinference.span.kind": "TOOL", "tool.name": "weather"}
        >>> found = translated({**attributes, "input.value": '{"city": "Oslo"}'})
        >>> found["span_type"], found["inputs"], found["attributes"]
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
    found: Any = None
    for name in names:
        value = rest.get(name)
        if value is not None and name != "tool.parameters":
            del rest[name]
        found = structured(value) if found is None else found
    for items in listed:
        found = items or None if found is None else found
    return found


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
            found = parsed(place.get(key)) if key.startswith("mlflow") else place.get(key)
            if isinstance(found, (str, int)) and str(found):
                return str(found)
    return None


def usage_of(span: Span) -> dict[str, int] | None:
    """Return the tokens that a span says it took; ``None`` if it does not say.

    Examples:
        >>> usage_of(Span(trace_id="t", span_id="a", name="chat",
        ...               attributes={"gen_ai.usage.input_tokens": 7}))
        {'input_tokens': 7}
    """
    noted = mapping_of(structured(span.attributes.get("mlflow.chat.tokenUsage")))
    found: dict[str, int] = {}
    for kind, keys in _USAGE.items():
        counts = [noted.get(kind), *(span.attributes.get(key) for key in keys)]
        count = next((n for n in counts if isinstance(n, int) and not isinstance(n, bool)), None)
        if count is not None:
            found[kind] = count
    return found or None


def cost_of(span: Span) -> float | None:
    """Return what a span says it cost, in US dollars; ``None`` if it does not say."""
    noted = mapping_of(structured(span.attributes.get("mlflow.llm.cost"))).get("total_cost")
    for value in (noted, *(span.attributes.get(key) for key in _COSTS)):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
            return float(value)
    return None

"""The tools of a judge that reads a trace, what a call of one answers, and the rounds of calls.

The set is fixed here.  No text of a trace adds a tool, and what a call answers is fenced like any
text that is judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from evalkit._internal.canonical import canonical_json
from evalkit.entities.trace import Trace
from evalkit.errors import UsageError, near_miss
from evalkit.judging.harden import fence, neutralised, nonce_of
from evalkit.judging.traces import views

RESULT_CHARACTERS: Final = 12_000
"""Most characters of what one call answers, fence aside."""

ARGUMENT_CHARACTERS: Final = 300
"""Most characters of an argument."""

_OFFSET: Final = {
    "type": "integer",
    "description": "Where to go on: next_offset of the page before.",
}
_SPAN_ID: Final = {"type": "string", "description": "Id of the span."}

Message = dict[str, Any]

CALLS_AT_A_TIME: Final = 8
"""Calls in one answer that are made; further ones are answered with an error."""

_ID: Final = re.compile(r"[\w.:+/=-]{1,4096}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TraceTool:
    """One tool: what the model is told of it, and what it does."""

    work: Callable[..., Mapping[str, Any]]
    description: str
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Any])
    required: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The function's own name."""
        return self.work.__name__

    def schema(self) -> dict[str, Any]:
        """Return the tool in OpenAI's form."""
        parameters = {
            "type": "object",
            "properties": {name: dict(schema) for name, schema in self.parameters.items()},
            "required": list(self.required),
            "additionalProperties": False,
        }
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


TOOLS: Final = (
    TraceTool(
        views.get_root_span,
        "The root span: the whole request, with inputs, outputs and the number of its parts.",
    ),
    TraceTool(
        views.list_spans,
        f"Spans in order of start, {views.PAGE} a page: id, parent, name, type, status, seconds.",
        {
            "offset": _OFFSET,
            "parent": {"type": "string", "description": "Only the direct parts of this span."},
        },
    ),
    TraceTool(
        views.get_span,
        f"One span with its inputs, outputs, events and attributes, {views.PIECE} characters at "
        "a time.",
        {"span_id": _SPAN_ID, "offset": _OFFSET},
        required=("span_id",),
    ),
    TraceTool(
        views.search_spans,
        "Spans by a text in their names, messages and contents (case is ignored), by type, by "
        "status, or by several of these together.",
        {
            "text": {"type": "string", "description": "What to look for."},
            "regex": {"type": "boolean", "description": "Whether text is a regular expression."},
            "span_type": {"type": "string", "description": "Such as TOOL, LLM or RETRIEVER."},
            "status": {"type": "string", "enum": ["OK", "ERROR", "UNSET"]},
            "offset": _OFFSET,
        },
    ),
    TraceTool(views.timing, "Where the time went: slowest spans, critical path, gaps."),
)
"""Every tool there is."""

SCHEMAS: Final = tuple(tool.schema() for tool in TOOLS)
"""The tools as the model is shown them."""

_BY_NAME: Final = {tool.name: tool for tool in TOOLS}
_TYPES: Final[Mapping[str, type]] = {"string": str, "integer": int, "boolean": bool}


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a call of a tool gave."""

    name: str
    """The tool's name; of an unknown tool, ``unknown_tool``."""

    arguments: Mapping[str, Any]
    """The arguments that were used, neutralised: what may be shown to the model again."""

    text: str
    """The answer in its fence."""

    failed: bool = False
    """Whether the tool, or an argument, is none that there is."""


def call_tool(trace: Trace, name: Any, arguments: Any) -> ToolAnswer:
    """Return what the tool *name* says; a wrong name or argument is an answer too, and bounded.

    Examples:
        >>> call_tool(Trace(trace_id="t"), "delete_everything", {}).text.splitlines()[1][:60]
        "error: there is no tool 'delete_everything'. There are: get_"
    """
    tool = _BY_NAME.get(name) if isinstance(name, str) else None
    if tool is None:
        hint = near_miss(str(name), _BY_NAME)
        problem = f"there is no tool {views.clipped(str(name))!r}.{hint}"
        return _failed("unknown_tool", f"{problem} There are: {', '.join(_BY_NAME)}.")
    try:
        used = _checked(tool, arguments)
        text = views.rendered(tool.work(trace, **used))
    except UsageError as error:
        return _failed(tool.name, str(error))
    except RecursionError:
        return _failed(tool.name, "a value of this trace is nested too deeply to be shown")
    except (ValueError, TypeError, OverflowError) as error:
        # What a trace holds, or a model asks, must not end the judging.
        return _failed(tool.name, f"this cannot be shown: {error}")
    if len(text) > RESULT_CHARACTERS:
        text = f"{text[:RESULT_CHARACTERS]}… (cut here)"
    # Arguments go back to the model, which may have copied them from the trace.
    clean = {n: neutralised(v).text if isinstance(v, str) else v for n, v in used.items()}
    return ToolAnswer(tool.name, clean, _fenced(tool.name, text))


def _failed(name: str, problem: str) -> ToolAnswer:
    return ToolAnswer(name, {}, _fenced(name, f"error: {views.clipped(problem, 600)}"), failed=True)


def refused_call(name: Any, problem: str) -> ToolAnswer:
    """Return the answer to a call that is not made."""
    offered = isinstance(name, str) and name in _BY_NAME
    return _failed(name if offered else "unknown_tool", problem)


def _fenced(name: str, text: str) -> str:
    clean = neutralised(text).text
    return fence(name, clean, nonce_of([(name, clean)]))


def _checked(tool: TraceTool, arguments: Any) -> dict[str, Any]:
    arguments = {} if arguments is None else arguments
    if not isinstance(arguments, Mapping):
        raise UsageError(f"the arguments of {tool.name} must be a JSON object")
    checked: dict[str, Any] = {}
    for name, value in cast("Mapping[str, Any]", arguments).items():
        schema = tool.parameters.get(name)
        if schema is None:
            names = ", ".join(tool.parameters) or "none"
            hint = near_miss(str(name), tool.parameters)
            short = views.clipped(str(name))
            raise UsageError(f"{tool.name} has no argument {short!r}.{hint} It takes: {names}")
        if value is not None:
            checked[name] = _value(name, value, schema)
    for name in tool.required:
        if name not in checked:
            raise UsageError(f"{tool.name} needs {name}")
    return checked


def _value(name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    wanted = _TYPES[schema["type"]]
    if wanted is int and re.fullmatch(r"\d{1,9}(\.0)?", str(value)):
        return int(float(value))
    if not isinstance(value, wanted) or wanted is int:
        least = " of at least 0" if wanted is int else ""
        raise UsageError(f"{name} must be of type {schema['type']}{least}")
    text = str(value)
    if wanted is str and len(text) > ARGUMENT_CHARACTERS:
        raise UsageError(f"{name} has {len(text)} characters; at most {ARGUMENT_CHARACTERS}")
    if "enum" in schema and text.upper() not in schema["enum"]:
        raise UsageError(f"{name} is one of {', '.join(schema['enum'])}")
    return value


def tool_turn(
    trace: Trace, calls: Sequence[Mapping[str, Any]], before: int
) -> tuple[list[Message], int]:
    """Return the messages of one turn, calls and the answers to them, and how many calls failed.

    The model's own words beside the calls are left out: they may quote the trace, and would stand
    outside of every fence.

    Args:
        trace: What the tools read.
        calls: Calls with ``name``, ``arguments`` and ``id``.
        before: How many calls there were in earlier turns.
    """
    listed: list[dict[str, Any]] = []
    answered: list[Message] = []
    failed = 0
    for number, call in enumerate(calls):
        if number < CALLS_AT_A_TIME:
            answer = call_tool(trace, call.get("name"), call.get("arguments"))
        else:
            problem = f"at most {CALLS_AT_A_TIME} calls at a time"
            answer = refused_call(call.get("name"), problem)
        failed += answer.failed
        name = call.get("id")
        taken = [entry["id"] for entry in listed]
        if not (isinstance(name, str) and _ID.fullmatch(name) and name not in taken):
            name = f"call{before + number:05d}"  # the provider's own is missing, odd, or twice
        arguments = canonical_json(answer.arguments).decode()
        function = {"name": answer.name, "arguments": arguments}
        listed.append({"id": name, "type": "function", "function": function})
        answered.append({"role": "tool", "tool_call_id": name, "content": answer.text})
    turn = {"role": "assistant", "content": None, "tool_calls": listed}
    return [turn, *answered], failed


def tool_texts() -> list[str]:
    """Return a line on each tool, for `explain`."""
    lines: list[str] = []
    for schema in SCHEMAS:
        function = schema["function"]
        names = ", ".join(function["parameters"]["properties"])
        lines.append(f"{function['name']}({names}): {function['description']}")
    return lines

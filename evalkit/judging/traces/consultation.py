"""The loop of a judge that reads a trace: calls of tools, then its verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from evalkit.entities.trace import Trace
from evalkit.judging.traces.tools import (
    SCHEMAS,
    ToolAnswer,
    arguments_text,
    call_tool,
    refused_call,
)

if TYPE_CHECKING:
    from evalkit.llm.protocol import ChatReply

Message = dict[str, Any]

CALLS_AT_A_TIME: Final = 8
"""Calls in one answer that are made; further ones are answered with an error."""

CLOSING: Final = "Call no more tools. Give your verdict now, by filling in the form."

_ID: Final = re.compile(r"[\w.:+/=-]{1,4096}", re.ASCII)


@dataclass(slots=True)
class Consultation:
    """The conversation between a judge's model and the tools, so far."""

    trace: Trace
    sent: Sequence[Message]
    """Instructions, examples and the case."""

    rounds: int = 0
    """Answers of the model that called tools."""

    calls: int = 0
    failed_calls: int = 0
    _turns: list[Message] = field(default_factory=list[Message])

    @property
    def messages(self) -> list[Message]:
        """Everything that the model is sent next."""
        return [*self.sent, *self._turns]

    def closing(self) -> list[Message]:
        """Everything, and the demand for a verdict."""
        return [*self.messages, {"role": "user", "content": CLOSING}]

    def take(self, reply: ChatReply) -> None:
        """Make the calls in *reply*, all of them before the model is asked again."""
        self.rounds += 1
        turn = tool_turn(self.trace, reply.tool_calls, self.calls)
        self.calls += len(reply.tool_calls)
        self.failed_calls += turn.failed
        self._turns += turn.messages

    def facts(self) -> dict[str, Any]:
        """Return what a score says of the reading."""
        facts = {"tool_rounds": self.rounds, "tool_calls": self.calls}
        return facts | ({"failed_tool_calls": self.failed_calls} if self.failed_calls else {})


@dataclass(frozen=True, slots=True)
class ToolTurn:
    """An answer of the model that calls tools, and the answers of these, as messages."""

    messages: Sequence[Message]
    failed: int


def tool_turn(trace: Trace, calls: Sequence[Mapping[str, Any]], before: int) -> ToolTurn:
    """Return the messages of one turn.

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
        answer = _answer(trace, call, number)
        failed += answer.failed
        name = _id(call.get("id"), before + number, [entry["id"] for entry in listed])
        function = {"name": answer.name, "arguments": arguments_text(answer.arguments)}
        listed.append({"id": name, "type": "function", "function": function})
        answered.append({"role": "tool", "tool_call_id": name, "content": answer.text})
    turn = {"role": "assistant", "content": None, "tool_calls": listed}
    return ToolTurn([turn, *answered], failed)


def _answer(trace: Trace, call: Mapping[str, Any], number: int) -> ToolAnswer:
    if number >= CALLS_AT_A_TIME:
        return refused_call(call.get("name"), f"at most {CALLS_AT_A_TIME} calls at a time")
    return call_tool(trace, call.get("name"), call.get("arguments"))


def _id(given: Any, number: int, taken: Sequence[str]) -> str:
    """Return the id of a call: the provider's own, unless it is missing, odd, or there twice."""
    if isinstance(given, str) and _ID.fullmatch(given) and given not in taken:
        return given
    return f"call{number:05d}"


def tool_texts() -> list[str]:
    """Return a line on each tool, for `explain`."""
    lines: list[str] = []
    for schema in SCHEMAS:
        function = schema["function"]
        names = ", ".join(function["parameters"]["properties"])
        lines.append(f"{function['name']}({names}): {function['description']}")
    return lines

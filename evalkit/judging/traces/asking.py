"""One turn of a judge that may call tools: the request, and settings that a server refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.errors import NotRecordedError, TargetError
from evalkit.judging.asking import Way, ability_of, droppable, refusal_of
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.recording import recording_of_call
from evalkit.llm.session import current_session


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolQuestion:
    """What a model is asked that may call tools before it answers."""

    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    sampling: Mapping[str, Any]
    role: str
    repeat: int = 0

    def request(self, without: frozenset[str]) -> ChatRequest:
        """Return the request, less the settings that the server is known to refuse."""
        sent = {name: value for name, value in self.sampling.items() if name not in without}
        return ChatRequest(
            messages=self.messages, tools=self.tools, sampling=sent, repeat=self.repeat
        )


async def ask_with_tools(
    client: ChatModel, question: ToolQuestion
) -> tuple[ChatReply, Mapping[str, Any]]:
    """Return the answer of *client*, and the settings that were sent.

    Raises:
        TargetError: If there is no answer.
    """
    ability = ability_of(client)
    without = _as_recorded(client, question, ability.way.without)
    while True:
        request = question.request(without)
        try:
            reply = await current_session().complete(
                client, request, role=question.role, repeat=question.repeat
            )
        except TargetError as error:
            refused = droppable(error, request.sampling)
            if refused is None:
                raise refusal_of(error) from None
            without |= {refused}
        else:
            if without > ability.way.without:  # remembered, so that it is refused once
                ability.way = Way(ability.way.format, without)
            return reply, request.sampling


def _as_recorded(
    client: ChatModel, question: ToolQuestion, without: frozenset[str]
) -> frozenset[str]:
    """Return the settings that were left out when this turn was recorded, if it was."""
    recorder = current_session().recorder
    for fewer in (without, without | {"temperature"}) if recorder.on else ():
        recording = recording_of_call(client, question.request(fewer), question.repeat)
        try:
            if recorder.find(recording) is not None:
                return fewer
        except NotRecordedError:
            continue
    return without

"""Asking a model to fill in a form: by schema, else by a forced tool, else in plain JSON."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from evalkit.errors import TargetError
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.session import current_session

Format = Literal["schema", "tool", "json"]

_FORMATS: Final[tuple[Format, ...]] = ("schema", "tool", "json")
_TOOL: Final = "give_verdict"
_UNSUPPORTED: Final = re.compile(
    r"status (?:400|404|415|422|501)\b|unsupported|not support|BadRequest", re.IGNORECASE
)
_FILTERED: Final = re.compile(r"content_filter|content management policy", re.IGNORECASE)
_TOO_LONG: Final = re.compile(r"context.{0,3}length|too many tokens|too long", re.IGNORECASE)


@dataclass(slots=True)
class Ability:
    """What one connection has shown to be able to do; remembered for the life of the process."""

    format: Format = "schema"
    confirmed: bool = False
    """Whether a call in this format has been answered."""

    refused: set[str] = field(default_factory=set[str])
    """Sampling settings that the server refuses."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, and how it was asked for."""

    reply: ChatReply
    format: Format
    sampling: Mapping[str, Any]
    """The settings that were sent."""


class LogprobsRefusedError(Exception):
    """The server gives no probabilities of tokens."""


_ABILITIES: Final[dict[tuple[str, str | None], Ability]] = {}
_CLIENTS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, ChatModel]]] = (
    WeakKeyDictionary()
)
_CLOSERS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[None]]] = (
    WeakKeyDictionary()
)


def ability_of(client: ChatModel) -> Ability:
    """Return what is known of the connection of *client*."""
    return _ABILITIES.setdefault((client.name, client.base_url), Ability())


async def client_of(
    model: str, base_url: str | None, auth_environment: str | None, timeout_seconds: float
) -> ChatModel:
    """Return the client for *model*, one for each event loop; it closes when the loop ends."""
    loop = asyncio.get_running_loop()
    clients = _CLIENTS.setdefault(loop, {})
    key = (model, base_url, auth_environment, timeout_seconds)
    if key not in clients:
        clients[key] = open_chat_model(
            model,
            base_url=base_url,
            auth_environment=auth_environment,
            timeout_seconds=timeout_seconds,
        )
    if loop not in _CLOSERS:
        # A loop ends its open asynchronous generators before it closes: the one place from which
        # connections can be closed in the loop that used them, whoever runs it.
        closer = _CLOSERS[loop] = _close_with_loop(loop)
        await anext(closer)
    return clients[key]


async def _close_with_loop(loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        _CLOSERS.pop(loop, None)
        for client in _CLIENTS.pop(loop, {}).values():
            await client.aclose()


async def ask(
    client: ChatModel,
    messages: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any],
    *,
    sampling: Mapping[str, Any],
    role: str,
    repeat: int = 0,
) -> Asked:
    """Return the answer of *client*, in the best format that its server takes.

    What a server refuses is left out and remembered, so that it is refused once a connection and
    not once a call.

    Raises:
        TargetError: If there is no answer.
        LogprobsRefusedError: If *sampling* asks for probabilities that the server does not give.
    """
    ability = ability_of(client)
    given, known = ability.format, frozenset(ability.refused)
    while True:
        if sampling.get("logprobs") and "logprobs" in known:
            raise LogprobsRefusedError
        sent = {name: value for name, value in sampling.items() if name not in known}
        request = _request(messages, schema, sent, given, repeat)
        try:
            reply = await current_session().complete(client, request, role=role, repeat=repeat)
        except TargetError as error:
            told = error.explanation
            if _FILTERED.search(told):
                raise TargetError("refusal", told) from None
            if error.reason != "provider_error" or not _UNSUPPORTED.search(told):
                raise
            refused = next((name for name in _droppable(sent) if name in told.lower()), None)
            if refused is not None:
                known |= {refused}
                ability.refused.add(refused)
                continue
            further = _FORMATS[_FORMATS.index(given) + 1 :]
            if (
                _TOO_LONG.search(told)
                or not further
                or (ability.confirmed and given == ability.format)
            ):
                raise
            given = further[0]
            continue
        if not ability.confirmed or _FORMATS.index(given) > _FORMATS.index(ability.format):
            ability.format, ability.confirmed = given, True
        return Asked(reply, given, sent)


def _droppable(sent: Mapping[str, Any]) -> list[str]:
    return [name for name in ("logprobs", "temperature", "seed", "top_p") if name in sent]


def _request(
    messages: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any],
    sampling: Mapping[str, Any],
    given: Format,
    repeat: int,
) -> ChatRequest:
    if given != "tool":
        wanted = schema if given == "schema" else None
        return ChatRequest(
            messages=messages, sampling=sampling, response_schema=wanted, repeat=repeat
        )
    # The one tool there is, and it must be called: no text can bring in another.
    function = {"name": _TOOL, "description": "Give the verdict.", "parameters": schema}
    choice = {"type": "function", "function": {"name": _TOOL}}
    return ChatRequest(
        messages=messages,
        sampling={**sampling, "tool_choice": choice},
        tools=[{"type": "function", "function": function}],
        repeat=repeat,
    )

"""Asking a model to fill in a form: by schema, else by a forced tool, else in plain JSON."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from evalkit.errors import NotRecordedError, TargetError
from evalkit.llm.batch.census import waiting
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.recording import recording_of_call
from evalkit.llm.session import current_session

Format = Literal["schema", "tool", "json"]

_FORMATS: Final[tuple[Format, ...]] = ("schema", "tool", "json")
_DROPPABLE: Final = ("logprobs", "temperature", "seed", "top_p")
_TOOL: Final = "give_verdict"
_UNSUPPORTED: Final = re.compile(
    r"status (?:400|404|415|422|501)\b|unsupported|not support|BadRequest", re.IGNORECASE
)
_FILTERED: Final = re.compile(r"content_filter|content management policy", re.IGNORECASE)
_TOO_LONG: Final = re.compile(r"context.{0,3}length|too many tokens|too long", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Way:
    """How a question is put: in which format, and without which settings."""

    format: Format = "schema"
    without: frozenset[str] = frozenset()
    """Sampling settings that are left out."""

    def beyond(self, other: Way) -> bool:
        """Say whether this way asks less of a server than *other*."""
        places = (_FORMATS.index(self.format), _FORMATS.index(other.format))
        return places[0] > places[1] or self.without > other.without

    def others(self) -> list[Way]:
        """Return the ways that ask less, as far as a recording may have needed them."""
        formats = _FORMATS[_FORMATS.index(self.format) :]
        less = [self.without, self.without | {"temperature"}]
        return [way for w in less for f in formats if (way := Way(f, w)) != self]


@dataclass(slots=True)
class Ability:
    """What one connection has shown to be able to do; remembered for the life of the process."""

    way: Way = field(default_factory=Way)
    confirmed: bool = False
    """Whether a call made in this way has been answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a model is asked, whatever the way."""

    messages: Sequence[Mapping[str, Any]]
    schema: Mapping[str, Any]
    sampling: Mapping[str, Any]
    tools: Sequence[Mapping[str, Any]] = ()
    """Tools that the messages speak of, and that are not to be called any more."""


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
_KNOWN: Final[WeakKeyDictionary[ChatModel, Ability]] = WeakKeyDictionary()
"""The same by client, whose address takes longer to work out."""

_CLIENTS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, ChatModel]]] = (
    WeakKeyDictionary()
)
_LOCKS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, asyncio.Lock]]] = (
    WeakKeyDictionary()
)
_CLOSERS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[None]]] = (
    WeakKeyDictionary()
)


def forget_abilities() -> None:
    """Forget what servers were found to take, as where another one answers at an old address."""
    _ABILITIES.clear()
    _KNOWN.clear()


@contextlib.contextmanager
def unchanged_abilities() -> Generator[None]:
    """Remember of servers, after the block, what was known before: nobody was asked in it."""
    before = {place: (known.way, known.confirmed) for place, known in _ABILITIES.items()}
    try:
        yield
    finally:
        _KNOWN.clear()
        for place in list(_ABILITIES):
            if place in before:
                _ABILITIES[place].way, _ABILITIES[place].confirmed = before[place]
            else:
                del _ABILITIES[place]


def ability_of(client: ChatModel) -> Ability:
    """Return what is known of the connection of *client*."""
    found = _KNOWN.get(client)
    if found is None:
        found = _ABILITIES.setdefault((client.name, client.base_url), Ability())
        _KNOWN[client] = found
    return found


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
        _LOCKS.pop(loop, None)
        for client in _CLIENTS.pop(loop, {}).values():
            await client.aclose()


async def ask(client: ChatModel, question: Question, *, role: str, repeat: int = 0) -> Asked:
    """Return the answer of *client*, in the best format that its server takes.

    What a server refuses is left out and remembered for the connection.  One call finds out what
    the server takes instead, while the others that were refused wait for it.

    Raises:
        TargetError: If there is no answer.
        LogprobsRefusedError: If *question* asks for probabilities that the server does not give.
    """
    ability = ability_of(client)
    call = _Call(client, question, role, repeat)
    way = ability.way
    if not ability.confirmed and (recorded := call.recorded(way)) is not None:
        ability.way = recorded
        return await call.make(recorded)
    while True:
        try:
            return await _confirmed(call, way, ability)
        except _RefusedError as refusal:
            refused = refusal
        async with _turn_of(client):
            if ability.way == way:
                return await _explored(call, way, ability, refused)
        way = ability.way


async def _explored(call: _Call, way: Way, ability: Ability, refused: _RefusedError) -> Asked:
    """Try one way after the other, until one is taken."""
    while True:
        further = refused.further(way, ability)
        if further is None:
            raise refused.error
        way = further
        try:
            return await _confirmed(call, way, ability)
        except _RefusedError as refusal:
            refused = refusal


async def _confirmed(call: _Call, way: Way, ability: Ability) -> Asked:
    asked = await call.make(way)
    if not ability.confirmed or way.beyond(ability.way):
        ability.way, ability.confirmed = way, True
    return asked


@dataclass(frozen=True, slots=True)
class _Call:
    """One question, which can be put in several ways."""

    client: ChatModel
    question: Question
    role: str
    repeat: int

    async def make(self, way: Way) -> Asked:
        request, sent = self.request(way)
        session = current_session()
        try:
            reply = await session.complete(self.client, request, role=self.role, repeat=self.repeat)
        except TargetError as error:
            if _is_unsupported(error):
                raise _RefusedError(error, sent) from None
            raise refusal_of(error) from None
        return Asked(reply, way.format, sent)

    def recorded(self, way: Way) -> Way | None:
        """Return the way in which the question was put when it was recorded, if it was.

        An earlier process has found out what the server takes; this one shall not ask again.
        """
        session = current_session()
        for one in [way, *way.others()] if session.recorder.on else []:
            request, _ = self.request(one)
            try:
                found = session.is_known(recording_of_call(self.client, request, self.repeat))
            except NotRecordedError:
                continue
            if found:
                return one
        return None

    def request(self, way: Way) -> tuple[ChatRequest, dict[str, Any]]:
        """Return the request, and of its settings those that the judge has chosen."""
        question = self.question
        if question.sampling.get("logprobs") and "logprobs" in way.without:
            raise LogprobsRefusedError
        sent = {name: v for name, v in question.sampling.items() if name not in way.without}
        if way.format != "tool":
            schema = question.schema if way.format == "schema" else None
            # Servers want to be told of tools that earlier messages have called.
            held = {"tool_choice": "none"} if question.tools else {}
            return ChatRequest(
                messages=question.messages,
                sampling={**sent, **held},
                tools=question.tools or None,
                response_schema=schema,
                repeat=self.repeat,
            ), sent
        # The one tool there is, and it must be called: no text can bring in another.
        tool = {"name": _TOOL, "description": "Give the verdict.", "parameters": question.schema}
        choice = {"type": "function", "function": {"name": _TOOL}}
        return ChatRequest(
            messages=question.messages,
            sampling={**sent, "tool_choice": choice},
            tools=[*question.tools, {"type": "function", "function": tool}],
            repeat=self.repeat,
        ), sent


def _is_unsupported(error: TargetError) -> bool:
    told = error.explanation
    if _FILTERED.search(told):
        return False
    return error.reason == "provider_error" and _UNSUPPORTED.search(told) is not None


def refusal_of(error: TargetError) -> TargetError:
    """Return *error* as a refusal where the provider's filter is what it tells of."""
    if _FILTERED.search(error.explanation):
        return TargetError("refusal", error.explanation)
    return error


def droppable(error: TargetError, sent: Mapping[str, Any]) -> str | None:
    """Return the setting among those *sent* that the server refuses, if one can be left out."""
    if not _is_unsupported(error):
        return None
    told = error.explanation.lower()
    return next((name for name in _DROPPABLE if name in sent and name in told), None)


class _RefusedError(Exception):
    """The server does not take the question in this way."""

    def __init__(self, error: TargetError, sent: Mapping[str, Any]) -> None:
        super().__init__(error, sent)
        self.error = error
        self.sent = sent

    def further(self, way: Way, ability: Ability) -> Way | None:
        """Return the way to try next; ``None`` if the refusal is about something else."""
        told = self.error.explanation
        named = droppable(self.error, self.sent)
        if named is not None:
            return Way(way.format, way.without | {named})
        formats = _FORMATS[_FORMATS.index(way.format) + 1 :]
        if not formats or _TOO_LONG.search(told) or (ability.confirmed and way == ability.way):
            return None
        return Way(formats[0], way.without)


@contextlib.asynccontextmanager
async def _turn_of(client: ChatModel) -> AsyncGenerator[None]:
    """Hold the lock of a connection; who waits for it may be waiting for another one's batch."""
    lock, held = _lock_of(client), False
    try:
        async with waiting():
            held = await lock.acquire()
        yield
    finally:
        if held:
            lock.release()


def _lock_of(client: ChatModel) -> asyncio.Lock:
    locks = _LOCKS.setdefault(asyncio.get_running_loop(), {})
    return locks.setdefault((client.name, client.base_url), asyncio.Lock())

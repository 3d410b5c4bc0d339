"""Asking a model to fill in a form: by schema, else by a forced tool, else in plain JSON.

What a server refuses is left out, and remembered by the session for the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from evalkit.errors import NotRecordedError, TargetError, UsageError
from evalkit.judging.prepared import Prepared
from evalkit.judging.settings import JudgeSettings
from evalkit.judging.traces.tools import Message
from evalkit.llm.abilities import FORMATS, Ability, Format, Way
from evalkit.llm.batch.census import waiting
from evalkit.llm.open import open_chat_model
from evalkit.llm.pool import Pool
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.recording import recording_of_call
from evalkit.llm.session import Reads, current_session
from evalkit.settings import settings

_DROPPABLE: Final = ("logprobs", "temperature", "seed", "top_p")
_TOOL: Final = "give_verdict"
_UNSUPPORTED: Final = re.compile(
    r"status (?:400|404|415|422|501)\b|unsupported|not support|BadRequest", re.IGNORECASE
)
_FILTERED: Final = re.compile(r"content_filter|content management policy", re.IGNORECASE)
_TOO_LONG: Final = re.compile(r"context.{0,3}length|too many tokens|too long", re.IGNORECASE)

_POOLS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Pool, AsyncGenerator[None]]]] = (
    WeakKeyDictionary()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a model is asked, whatever the way."""

    messages: Sequence[Message]
    sampling: Mapping[str, Any]
    tools: Sequence[Mapping[str, Any]] = ()
    """Tools that may be called; on a form, those that may not be called any more."""

    role: str = "judge"
    case: str = ""
    """Id of the case; at a temperature above 0 each case is a draw of its own."""

    repeat: int = 0
    reads: Reads | None = None
    """Says whether an answer can be made use of; others are not recorded."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and how it was asked for."""

    reply: ChatReply
    format: Format | Literal["free"]
    sampling: Mapping[str, Any]
    """The settings that were sent."""

    client: ChatModel
    request: ChatRequest

    def keep(self) -> None:
        """Record an answer that could not be read, since the one after it could."""
        current_session().keep(self.client, self.request, self.reply)

    def how(self) -> dict[str, Any]:
        """Return what a score says of how its verdict was asked for."""
        how = {"method": "verdict", "format": self.format, "sampling": dict(self.sampling)}
        return how if self.reply.model is None else {**how, "model": self.reply.model}


class LogprobsRefusedError(Exception):
    """The server gives no probabilities of tokens."""


async def ask_form(judge: Prepared, question: Question) -> Answer:
    """Return the answer of the judge's model on its form, in the best format its server takes.

    One call finds out what a server takes, while the others that were refused wait for it.

    Raises:
        TargetError: If there is no answer.
        LogprobsRefusedError: If *question* asks for probabilities that the server does not give.
        UsageError: If no model is known.
    """
    client = await client_for(judge.settings)
    ability = current_session().abilities.of(client)
    call = _Call(client, question, judge.schema)
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


async def _explored(call: _Call, way: Way, ability: Ability, refused: _RefusedError) -> Answer:
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


async def _confirmed(call: _Call, way: Way, ability: Ability) -> Answer:
    answer = await call.make(way)
    if not ability.confirmed or way.beyond(ability.way):
        ability.way, ability.confirmed = way, True
    return answer


@dataclass(frozen=True, slots=True)
class _Call:
    """One question, which can be put in several ways."""

    client: ChatModel
    question: Question
    schema: Mapping[str, Any] | None
    """The form; ``None`` for a free answer."""

    async def make(self, way: Way) -> Answer:
        request, sent = self.request(way)
        question = self.question
        try:
            reply = await current_session().complete(
                self.client,
                request,
                role=question.role,
                repeat=question.repeat,
                reads=question.reads,
            )
        except TargetError as error:
            cause = error.explanation
            if _FILTERED.search(cause):
                raise TargetError("refusal", cause) from None
            if error.reason == "provider_error" and _UNSUPPORTED.search(cause):
                raise _RefusedError(error, sent) from None
            raise
        return Answer(
            reply, "free" if self.schema is None else way.format, sent, self.client, request
        )

    def recorded(self, way: Way) -> Way | None:
        """Return the way in which the question was put when it was recorded, if it was.

        An earlier process has found out what the server takes; this one shall not ask again.
        """
        ways = [way, *way.others()] if current_session().recorder.on else []
        return next(filter(self._is_recorded, ways), None)

    def _is_recorded(self, way: Way) -> bool:
        request, _ = self.request(way)
        try:
            recording = recording_of_call(self.client, request, request.repeat)
            return current_session().is_known(recording)
        except NotRecordedError:
            return False

    def request(self, way: Way) -> tuple[ChatRequest, dict[str, Any]]:
        """Return the request, and of its settings those that the judge has chosen."""
        question = self.question
        if question.sampling.get("logprobs") and "logprobs" in way.without:
            raise LogprobsRefusedError
        sent = {name: v for name, v in question.sampling.items() if name not in way.without}
        draw = (question.case or 0) if question.sampling.get("temperature") else 0
        if self.schema is None or way.format != "tool":
            # Servers want to be told of tools that earlier messages have called.
            held = {"tool_choice": "none"} if question.tools and self.schema is not None else {}
            return ChatRequest(
                messages=question.messages,
                sampling={**sent, **held},
                tools=question.tools or None,
                response_schema=self.schema if way.format == "schema" else None,
                repeat=question.repeat,
                occurrence=draw,
            ), sent
        # The one tool there is, and it must be called: no text can bring in another.
        tool = {"name": _TOOL, "description": "Give the verdict.", "parameters": self.schema}
        choice = {"type": "function", "function": {"name": _TOOL}}
        return ChatRequest(
            messages=question.messages,
            sampling={**sent, "tool_choice": choice},
            tools=[*question.tools, {"type": "function", "function": tool}],
            repeat=question.repeat,
            occurrence=draw,
        ), sent


async def ask_with_tools(judge: Prepared, question: Question) -> Answer:
    """Return the free answer of the judge's model, which may call tools first.

    Raises:
        TargetError: If there is no answer.
        UsageError: If no model is known.
    """
    client = await client_for(judge.settings)
    ability = current_session().abilities.of(client)
    call = _Call(client, question, None)
    way = call.recorded(ability.way) or ability.way
    while True:
        try:
            answer = await call.make(way)
        except _RefusedError as refusal:
            refused = refusal.setting
            if refused is None:
                raise refusal.error from None
            way = Way(way.format, way.without | {refused})
        else:
            if way.without > ability.way.without:  # remembered, so that it is refused once
                ability.way = Way(ability.way.format, way.without)
            return answer


class _RefusedError(Exception):
    """The server does not take the question in this way."""

    def __init__(self, error: TargetError, sent: Mapping[str, Any]) -> None:
        super().__init__(error, sent)
        self.error = error
        cause = error.explanation.lower()
        self.setting = next((name for name in _DROPPABLE if name in sent and name in cause), None)
        """The setting that is refused, if it is one that can be left out."""

    def further(self, way: Way, ability: Ability) -> Way | None:
        """Return the way to try next; ``None`` if the refusal is about something else."""
        if self.setting is not None:
            return Way(way.format, way.without | {self.setting})
        formats = FORMATS[FORMATS.index(way.format) + 1 :]
        too_long = _TOO_LONG.search(self.error.explanation)
        if not formats or too_long or (ability.confirmed and way == ability.way):
            return None
        return Way(formats[0], way.without)


@contextlib.asynccontextmanager
async def _turn_of(client: ChatModel) -> AsyncGenerator[None]:
    """Hold the lock of a connection; who waits for it may be waiting for another one's batch."""
    turns = (await current_pool()).turns
    lock, held = turns.setdefault((client.name, client.base_url), asyncio.Lock()), False
    try:
        async with waiting():
            held = await lock.acquire()
        yield
    finally:
        if held:
            lock.release()


async def client_for(judge: JudgeSettings) -> ChatModel:
    """Return the client of the judge's model; it closes with the evaluation or the loop.

    Raises:
        UsageError: If no model is known.
    """
    model = judge.model or settings().judge_model
    if model is None:
        raise UsageError(
            f"Judge {judge.name!r} has no model: give model='…', judge_model='…' of the "
            "evaluation, or EVALKIT_JUDGE_MODEL."
        )
    clients = (await current_pool()).clients
    key = (model, judge.base_url, judge.auth_environment, judge.timeout_seconds)
    if key not in clients:
        clients[key] = open_chat_model(
            model,
            base_url=judge.base_url,
            auth_environment=judge.auth_environment,
            timeout_seconds=judge.timeout_seconds,
        )
    return clients[key]


async def current_pool() -> Pool:
    """Return what the evaluation's calls share; outside of one, those of the running loop."""
    loop, pool = asyncio.get_running_loop(), current_session().pool
    if pool is not None and pool.loop is loop:
        return pool
    if loop not in _POOLS:
        # A loop ends its open asynchronous generators before it closes: the one place from which
        # connections can be closed in the loop that used them, whoever runs it.
        pool = Pool()
        closer = _close_with_loop(pool)
        _POOLS[loop] = pool, closer
        await anext(closer)
    return _POOLS[loop][0]


async def _close_with_loop(pool: Pool) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await pool.aclose()

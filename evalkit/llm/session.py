"""The one way to a model: what is recorded is not asked, what is asked is counted.

A call goes through recording, single flight, limits, budget, model, price and ledger, in this
order.  Judges and chat targets ask through `current_session`, which an evaluation sets
for as long as it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from evalkit._internal.clock import monotonic
from evalkit.errors import BatchPendingError, BudgetSpentError, NoMoreCallsError, TargetError
from evalkit.llm.abilities import Abilities
from evalkit.llm.batch.census import Seat, waiting
from evalkit.llm.batch.promises import Promises
from evalkit.llm.budget import Budget
from evalkit.llm.exchanges import untaped
from evalkit.llm.flight import Flights
from evalkit.llm.health import Health
from evalkit.llm.limits import PATIENCE, Admission, Controllers, Patience, under
from evalkit.llm.pool import Pool
from evalkit.llm.prices import Prices
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.recorder import Keeper, Recorder
from evalkit.llm.recording import (
    Recording,
    is_worth_keeping,
    masked_reply,
    recording_of_call,
    reply_from_json,
    reply_to_json,
)
from evalkit.llm.secrets import read_secrets
from evalkit.llm.usage import PARTS, Charge, Ledger

if TYPE_CHECKING:
    from evalkit.llm.batch.desk import Desk

_log = logging.getLogger("evalkit")
S = TypeVar("S", bound="ModelSession")

Reads = Callable[[ChatReply], bool]
"""Says whether an answer can be made use of."""

_LED_ON = "led_on"
"""Field of a recorded answer that nobody can read, and that another question has followed."""


class ModelSession:
    """Asks models on behalf of one evaluation.

    Money, pace and recordings sit behind it.  Where work is done elsewhere, a form of it is handed
    leases of calls and dollars instead.
    """

    def __init__(
        self,
        *,
        ledger: Ledger | None = None,
        recorder: Recorder | None = None,
        controllers: Controllers | None = None,
        budget: Budget | None = None,
        prices: Prices | None = None,
        desk: Desk | None = None,
    ) -> None:
        """Begin with nothing asked; by default nothing is recorded or limited.

        Args:
            ledger: Where calls are counted; a new one by default.
            recorder: What answers without a call, and keeps new answers.
            controllers: How fast connections are asked.
            budget: How much may be spent.
            prices: What tokens cost.
            desk: What sends calls by batches; by default every call is made at once.
        """
        read_secrets()
        self.ledger = ledger or Ledger()
        self.recorder = recorder or Recorder()
        """Answers without a call, and keeps new answers."""

        self.controllers = controllers
        self.budget = budget or Budget()
        self.prices = prices or Prices()
        self.desk = desk
        self.health = Health()
        """Whether providers answer at all."""

        self.abilities = Abilities()
        """What servers have shown to take of a question."""

        self.pool: Pool | None = None
        """What the calls of an open session share."""

        self._promises = Promises()
        self._live: set[str] = set()
        self._flights: Flights[ChatReply] = Flights()
        self._keeper = Keeper(self.recorder)
        self._began = monotonic()
        self._under_way: dict[str, int] = {}

    async def complete(
        self,
        model: ChatModel,
        request: ChatRequest,
        *,
        role: str,
        repeat: int = 0,
        reads: Reads | None = None,
    ) -> ChatReply:
        """Return the answer to *request*.

        Args:
            model: The client.
            request: What is asked.
            role: Who asks: ``target``, ``judge`` or ``canary``.
            repeat: Which repeat this is, where the request does not say; equal requests of
                different repeats are different calls.
            reads: Says whether an answer can be made use of; else it is not recorded, and asked
                for anew where it was.

        Raises:
            TargetError: If there is no answer.
            BudgetSpentError: If nothing may be spent any more; the call was not made.
            OutageError: If the provider will answer no call.
            NotRecordedError: If only recordings may answer, and none does.
            BatchPendingError: If a batch has the call, and the evaluation ends before its answer.
        """
        batched = self._is_batched(model, role)
        if not self.recorder.on and not batched:
            return await self._ask(model, request, role)
        recording = recording_of_call(model, request, repeat or request.repeat)
        if not self.recorder.on:
            return await self._ask_by_batch(model, request, role, recording)
        fields = self.recorder.find(recording)
        if fields is not None and is_replayed(fields, self.recorder.mode, reads):
            self.ledger.add(role, Charge(cached=True))
            self.recorder.note_replay("call", fields)
            return _timed(reply_from_json(fields), replayed=True)

        async def make() -> ChatReply:
            ask = self._ask_by_batch if batched else self._ask
            return await ask(model, request, role, recording, reads)

        another = batched and self._flights.under_way(recording.key)
        async with waiting() if another else contextlib.nullcontext():
            reply, shared = await self._flights.join(recording.key, make)
        if shared:
            self.ledger.add(role, Charge(cached=True))
            return _timed(reply)
        return reply

    def report(self, charge: Callable[[str, Charge], None]) -> None:
        """Tell *charge* of each call, before it is counted."""
        self.ledger.on_charge = charge

    def check(self, role: str, *, own: int = 0, expected: bool = False) -> None:
        """Refuse to go on where the budget of *role*, or of all, is spent.

        Args:
            role: Who asks.
            own: How many of the calls under way are the asker's own.
            expected: Whether what batches on their way are expected to use counts as spent.

        Raises:
            BudgetSpentError: Naming the limit.
        """
        if not self.budget:
            return
        under_way = dict(self._under_way)
        under_way[role] = under_way.get(role, 0) - own
        seconds = monotonic() - self._began
        reserved = self._promises.reserved if expected else None
        self.budget.check(self.ledger, role, seconds, under_way, reserved)

    @contextlib.contextmanager
    def under_way(self, role: str) -> Generator[None]:
        """Have a call count as one of the budget's from its start, not only once it has ended."""
        self._under_way[role] = self._under_way.get(role, 0) + 1
        try:
            yield
        finally:
            self._under_way[role] -= 1

    def admission(self) -> Admission:
        """Return what paces attempts: the controllers, if any."""
        return Admission(self.controllers)

    async def _ask(
        self,
        model: ChatModel,
        request: ChatRequest,
        role: str,
        recording: Recording | None = None,
        reads: Reads | None = None,
    ) -> ChatReply:
        self.check(role)
        self.health.check(_place_of(model))
        admission = Admission(self.controllers, lambda: self.check(role, own=1))
        charge = Charge(failed=True)
        patience = PATIENCE.get() or Patience()
        began = monotonic() - patience.waited
        with self.under_way(role):  # until it is counted, so that no other call takes its place
            try:
                with under(admission), untaped():
                    reply = masked_reply(await model.complete(request))
                seconds = monotonic() - patience.waited - began
                reply = dataclasses.replace(reply, latency_seconds=seconds)
                patience.note(seconds)
                self.health.answered(_place_of(model))
                reply = self._price(model, reply)
                charge = Charge(tokens=_tokens_of(reply), cost=reply.cost)
            except asyncio.CancelledError:
                charge = Charge(failed=True, lost=True)
                raise
            except TargetError as error:
                refused = error.status is not None or error.reason == "connection"
                charge = Charge(failed=True, lost=not refused)
                self._learn(model, request, error)
                raise
            finally:
                # Whatever becomes of it, a call that was begun may have to be paid.
                if admission.made is not False:
                    self.ledger.add(role, charge)
        if admission.used is not None:
            admission.used.use(sum(_tokens_of(reply).values()))
        if recording is not None and is_worth_keeping(reply) and (not reads or reads(reply)):
            await self._keeper.keep(recording, reply_to_json(reply))
        return reply

    def _learn(self, model: ChatModel, request: ChatRequest, error: TargetError) -> None:
        """Learn from a call that failed; raises an `OutageError` where each further one would."""
        plain = request.response_schema is None and not request.tools
        plain = plain and "logprobs" not in request.sampling
        self.health.failed(_place_of(model), error, plain=plain)
        self.health.check(_place_of(model))

    def keep(self, model: ChatModel, request: ChatRequest, reply: ChatReply) -> None:
        """Record a *reply* that could not be read, but has led to one that could."""
        if self.recorder.on and is_worth_keeping(reply):
            recording = recording_of_call(model, request, request.repeat)
            self.recorder.keep(recording, {**reply_to_json(reply), _LED_ON: True})

    def _price(self, model: ChatModel, reply: ChatReply, share: float = 1.0) -> ChatReply:
        """Return *reply* with its price, of which *share* is paid."""
        if reply.cost is not None:
            return reply
        cost = self.prices.cost(model.name, reply.usage)
        return reply if cost is None else dataclasses.replace(reply, cost=cost * share)

    def _is_batched(self, model: ChatModel, role: str) -> bool:
        if self.desk is None:
            return False
        batched = self.desk.takes(role, model)
        if not batched and self.batches(role) and model.name not in self._live:
            self._live.add(model.name)
            _log.warning("%s is asked live: batches are for OpenAI's protocol.", model.name)
        return batched

    async def _ask_by_batch(
        self,
        model: ChatModel,
        request: ChatRequest,
        role: str,
        recording: Recording,
        reads: Reads | None = None,
    ) -> ChatReply:
        """Return the answer of a batch; what it will cost is set aside before it is sent."""
        assert self.desk is not None  # noqa: S101  `_is_batched` has looked
        share = self.desk.settings.price_share
        self.health.check(_place_of(model))

        def settle(reply: ChatReply, line: str) -> ChatReply:
            reply = self._price(model, masked_reply(reply), share)
            charge = Charge(tokens=_tokens_of(reply), cost=reply.cost, line=line)
            self.ledger.add(role, charge)
            if self.recorder.on and is_worth_keeping(reply) and (not reads or reads(reply)):
                self.recorder.keep(recording, reply_to_json(reply))
            return reply

        while True:
            try:
                self.check(role, expected=True)
                break
            except BudgetSpentError:
                # Perhaps only for now: what is set aside is more than what will be used.
                if not await self._promises.wait():
                    raise
        expected = self._promises.expected(request, role)
        usd = (self.prices.cost(model.name, expected) or 0.0) * share
        with self.under_way(role), self._promises.reserve(role, sum(expected.values()), usd):
            try:
                reply = await self.desk.complete(model, request, recording.key, settle)
            except (NoMoreCallsError, BatchPendingError):
                raise
            except Exception as error:
                self.ledger.add(role, Charge(failed=True))
                if isinstance(error, TargetError):
                    self._learn(model, request, error)
                raise
            self.health.answered(_place_of(model))
            self._promises.learn(role, request, reply)
        return reply

    def is_known(self, recording: Recording) -> bool:
        """Say whether a call can be answered without being paid.

        Raises:
            NotRecordedError: If only recordings may answer, and none does.
        """
        if self.desk is not None and self.desk.knows(recording.key):
            return True
        return self.recorder.find(recording) is not None

    def batches(self, role: str) -> bool:
        """Say whether calls of *role* may go through batches."""
        return self.desk is not None and role in self.desk.settings.roles

    async def room(self) -> None:
        """Wait while so many callers wait for batches that more would only fill the memory."""
        if self.desk is not None:
            await self.desk.census.room()

    def caller(self, seat: Seat | None = None) -> AbstractContextManager[Any]:
        """Count in the work of this block among those that may ask; it holds *seat*, if any."""
        if self.desk is not None:
            return self.desk.census.caller(seat)
        return contextlib.nullcontext() if seat is None else seat

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Share clients for as long as this block lasts, and send batches, if any are."""
        self.pool = Pool()
        try:
            async with contextlib.nullcontext() if self.desk is None else self.desk.open():
                yield
        finally:
            pool, self.pool = self.pool, None
            await pool.aclose()

    def close(self) -> None:
        """Let go of the recordings."""
        self.recorder.close()


def is_replayed(fields: Any, mode: str, reads: Reads | None) -> bool:
    """Say whether a recorded reply answers; in mode ``replay`` one that nobody can read does too.

    Args:
        fields: The reply as it was recorded.
        mode: What is done with recordings.
        reads: Says whether an answer can be made use of.
    """
    if mode == "replay" or reads is None or _LED_ON in fields:
        return True
    return reads(reply_from_json(fields))


def _timed(reply: ChatReply, *, replayed: bool = False) -> ChatReply:
    """Return *reply*, having told who times the case how long it took when it was made."""
    patience = PATIENCE.get()
    if patience is not None:
        patience.note(reply.latency_seconds, replayed=replayed)
    return reply


def _place_of(model: ChatModel) -> str:
    return f"{model.name} at {model.base_url}" if model.base_url else model.name


def _tokens_of(reply: ChatReply) -> dict[str, int]:
    """Return the tokens of *reply*, none of them twice."""
    return {kind: n for kind, n in (reply.usage or {}).items() if kind not in PARTS}


_CURRENT: ContextVar[ModelSession | None] = ContextVar("evalkit_model_session", default=None)


def current_session() -> ModelSession:
    """Return the session in force; outside evaluations, one that records and limits nothing."""
    session = _CURRENT.get()
    if session is None:
        session = ModelSession()
        session.health.active = False
        _CURRENT.set(session)  # of this context alone: nothing is shared by the whole process
    return session


@contextlib.contextmanager
def use_session(session: S) -> Generator[S]:
    """Have model calls of this task, and of those it starts, go through *session*, at its pace.

    Examples:
        >>> with use_session(ModelSession()) as session:
        ...     current_session() is session
        True
    """
    token = _CURRENT.set(session)
    try:
        with under(session.admission()):
            yield session
    finally:
        _CURRENT.reset(token)

"""The one way to a model: what is recorded is not asked, what is asked is counted.

A call goes through recording, single flight, limits, budget, model, price and ledger, in this
order.  Judges, chat targets and embedders ask through `current_session`, which an evaluation sets
for as long as it runs.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator
from contextvars import ContextVar
from typing import Final

from evalkit._internal.clock import monotonic
from evalkit.errors import BudgetSpentError
from evalkit.llm.budget import Budget
from evalkit.llm.flight import Flights
from evalkit.llm.keeping import Keeper
from evalkit.llm.limits import Admission, Controllers, under
from evalkit.llm.prices import Prices
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import (
    Recording,
    is_worth_keeping,
    recording_of_call,
    reply_from_json,
    reply_to_json,
)
from evalkit.llm.usage import PARTS, Charge, Ledger


class ModelSession:
    """Asks models on behalf of one evaluation."""

    def __init__(
        self,
        *,
        ledger: Ledger | None = None,
        recorder: Recorder | None = None,
        controllers: Controllers | None = None,
        budget: Budget | None = None,
        prices: Prices | None = None,
    ) -> None:
        """Begin with nothing asked; by default nothing is recorded or limited.

        Args:
            ledger: Where calls are counted; a new one by default.
            recorder: What answers without a call, and keeps new answers.
            controllers: How fast connections are asked.
            budget: How much may be spent.
            prices: What tokens cost.
        """
        self.ledger = ledger or Ledger()
        self.recorder = recorder or Recorder()
        self.controllers = controllers
        self.budget = budget or Budget()
        self.prices = prices or Prices()
        self._flights: Flights[ChatReply] = Flights()
        self._keeper = Keeper(self.recorder)
        self._began = monotonic()
        self._under_way: dict[str, int] = {}

    async def complete(
        self, model: ChatModel, request: ChatRequest, *, role: str, repeat: int = 0
    ) -> ChatReply:
        """Return the answer to *request*.

        Args:
            model: The client.
            request: What is asked.
            role: Who asks: ``target``, ``judge`` or ``embedder``.
            repeat: Which repeat this is, where the request does not say; equal requests of
                different repeats are different calls.

        Raises:
            TargetError: If there is no answer.
            BudgetSpentError: If nothing may be spent any more; the call was not made.
            NotRecordedError: If only recordings may answer, and none does.
        """
        if not self.recorder.on:
            return await self._asked(model, request, role)
        recording = recording_of_call(model, request, repeat or request.repeat)
        found = self.recorder.find(recording)
        if found is not None:
            self.ledger.add(role, Charge(cached=True))
            return reply_from_json(found)

        async def make() -> ChatReply:
            return await self._asked(model, request, role, recording)

        reply, shared = await self._flights.join(recording.key, make)
        if shared:
            self.ledger.add(role, Charge(cached=True))
        return reply

    def check(self, role: str, *, own: int = 0) -> None:
        """Refuse to go on where the budget of *role*, or of all, is spent.

        Args:
            role: Who asks.
            own: How many of the calls under way are the asker's own.

        Raises:
            BudgetSpentError: Naming the limit.
        """
        if not self.budget:
            return
        under_way = dict(self._under_way)
        under_way[role] = under_way.get(role, 0) - own
        self.budget.check(self.ledger, role, monotonic() - self._began, under_way)

    def under_way(self, role: str) -> _UnderWay:
        """Have a call count as one of the budget's from its start, not only once it has ended."""
        return _UnderWay(self._under_way, role)

    async def _asked(
        self,
        model: ChatModel,
        request: ChatRequest,
        role: str,
        recording: Recording | None = None,
    ) -> ChatReply:
        self.check(role)
        admission = Admission(self.controllers, lambda: self.check(role, own=1))
        try:
            with self.under_way(role), under(admission):
                reply = await model.complete(request)
        except BudgetSpentError:
            raise
        except Exception:
            self.ledger.add(role, Charge(failed=True))
            raise
        counted = {kind: n for kind, n in (reply.usage or {}).items() if kind not in PARTS}
        if admission.used is not None:
            admission.used.pace.use(sum(counted.values()))
        if reply.cost is None:
            cost = self.prices.cost(model.name, reply.usage)
            reply = dataclasses.replace(reply, cost=cost)
        if recording is not None and is_worth_keeping(reply):
            # Before anything else: from now on a kill costs no second call.
            await self._keeper.keep(recording, reply_to_json(reply))
        self.ledger.add(role, Charge(tokens=counted, cost=reply.cost))
        return reply

    def close(self) -> None:
        """Let go of the recordings."""
        self.recorder.close()


class _UnderWay:
    """Counts one call of a role for as long as its block runs."""

    __slots__ = ("_counts", "_role")

    def __init__(self, counts: dict[str, int], role: str) -> None:
        self._counts, self._role = counts, role

    def __enter__(self) -> None:
        self._counts[self._role] = self._counts.get(self._role, 0) + 1

    def __exit__(self, *_: object) -> None:
        self._counts[self._role] -= 1


_DEFAULT: Final = ModelSession()
_CURRENT: ContextVar[ModelSession | None] = ContextVar("evalkit_model_session", default=None)


def current_session() -> ModelSession:
    """Return the session in force; outside evaluations, one that records and limits nothing."""
    return _CURRENT.get() or _DEFAULT


@contextlib.contextmanager
def use_session(session: ModelSession) -> Generator[ModelSession]:
    """Have model calls of this task, and of those it starts, go through *session*.

    Examples:
        >>> with use_session(ModelSession()) as session:
        ...     current_session() is session
        True
    """
    token = _CURRENT.set(session)
    try:
        yield session
    finally:
        _CURRENT.reset(token)

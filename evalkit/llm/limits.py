"""How fast each connection is asked: one controller for each server and key.

`admitted` stands around every attempt of every client: it waits until the attempt may start, and
learns from its end.  Where no limits are in force (outside evaluations), it does nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import anyio

from evalkit._internal.canonical import content_hash
from evalkit._internal.clock import monotonic
from evalkit.errors import OutageError
from evalkit.llm.headers import read_allowance, retry_after_seconds
from evalkit.llm.pace import Outcome, Pace

RATE_LIMITED_RETRIES: Final = 10
"""Attempts after a refusal for the rate, where a controller sees to the waits between them."""

_TOO_MANY: Final = 429


@dataclass(slots=True)
class Patience:
    """The time limit of one case, which waiting for a turn does not use up."""

    scope: anyio.CancelScope | None = None
    waited: float = 0.0
    """Seconds that were spent waiting for a turn."""

    batched: bool = False
    """Whether a batch has answered: then the time tells nothing of the model."""

    called: float | None = 0.0
    """Seconds that its model calls took when they were made; ``None`` where that is unknown."""

    replayed: float | None = 0.0
    """Of these, seconds of calls that a recording has answered, and nobody waited for."""

    _pauses: int = 0
    """Waits under way: the first one stops the clock, and the last one lets it run again."""

    _began: float = 0.0
    _deadline: float = math.inf

    def note(self, seconds: float | None, *, replayed: bool = False) -> None:
        """Note an answer whose call has taken *seconds*."""
        self.called = _sum(self.called, seconds)
        if replayed:
            self.replayed = _sum(self.replayed, seconds)

    def pause(self) -> None:
        """Stop the clock, if it runs."""
        self._pauses += 1
        if self._pauses == 1:
            self._began = anyio.current_time()
            if self.scope is not None:
                self._deadline, self.scope.deadline = self.scope.deadline, math.inf

    def resume(self) -> None:
        """Let the clock run again, later by as long as it stood, unless another wait goes on."""
        self._pauses -= 1
        if self._pauses == 0:
            waited = anyio.current_time() - self._began
            self.waited += waited
            if self.scope is not None:
                self.scope.deadline = self._deadline + waited


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


PATIENCE: Final[ContextVar[Patience | None]] = ContextVar("evalkit_patience", default=None)


class Controller:
    """Lets the attempts of one connection start in turn, as its `Pace` allows, from any loop."""

    def __init__(self, pace: Pace) -> None:
        """Let nothing wait yet."""
        self.pace = pace
        self._waiting: deque[asyncio.Future[float]] = deque()
        self._alarm = -math.inf
        """Until when the loop of one that waits will look again by itself."""

        self._lock = threading.RLock()

    def enter_now(self) -> float | None:
        """Start an attempt and return the moment, or ``None`` where it has to wait."""
        with self._lock:
            now = monotonic()
            if self._waiting or self.pace.wait(now) > 0.0:
                return None
            self.pace.start(now)
            return now

    async def enter(self, *, again: bool = False) -> float:
        """Return when the attempt may start, with the moment; one tried *again* goes first."""
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        with self._lock:
            if again:
                self._waiting.appendleft(turn)
            else:
                self._waiting.append(turn)
        self._advance()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(turn.result(), "failed")
            else:
                with self._lock:
                    with contextlib.suppress(ValueError):  # another one that left has taken it out
                        self._waiting.remove(turn)
                    self._alarm = -math.inf  # it may be of this loop, which may end now
                self._advance()
            raise

    def leave(
        self, started: float, outcome: Outcome, headers: Mapping[str, str] | None = None
    ) -> None:
        """Learn how an attempt ended, and let the next ones start."""
        allowance = None if headers is None else read_allowance(headers)
        retry_after = retry_after_seconds(headers) if headers and outcome != "ok" else None
        with self._lock:
            self.pace.end(monotonic(), started, outcome, allowance, retry_after)
        self._advance()

    def use(self, tokens: int) -> None:
        """Learn how many tokens a call has used."""
        with self._lock:
            self.pace.use(tokens)

    def _advance(self) -> None:
        """Let start whoever may; the loop of the first that may not looks again when it may."""
        with self._lock:
            while self._waiting:
                turn = self._waiting[0]
                loop = turn.get_loop()
                if turn.done() or loop.is_closed():
                    self._waiting.popleft()
                    continue
                now = monotonic()
                seconds = self.pace.wait(now)
                if seconds > 0.0:
                    if math.isfinite(seconds) and not now < self._alarm <= now + seconds:
                        self._alarm = now + seconds
                        _call_in(loop, loop.call_later, seconds, self._look_again)
                    return
                self._waiting.popleft()
                self.pace.start(now)
                _call_in(loop, self._admit, turn, now)

    def _look_again(self) -> None:
        with self._lock:
            self._alarm = -math.inf
        self._advance()

    def _admit(self, turn: asyncio.Future[float], started: float) -> None:
        if turn.done():  # cancelled on the way from another loop
            self.leave(started, "failed")
        else:
            turn.set_result(started)


def _call_in(
    loop: asyncio.AbstractEventLoop, call: Callable[..., object], *arguments: object
) -> None:
    """Make *call* at once where *loop* is the one that runs, else as soon as it can."""
    if loop is asyncio.get_running_loop():
        call(*arguments)
    else:
        loop.call_soon_threadsafe(call, *arguments)


class Controllers:
    """The controllers of one evaluation, by connection."""

    def __init__(
        self, *, requests_per_minute: float | None = None, tokens_per_minute: float | None = None
    ) -> None:
        """Give each connection these ceilings, if any."""
        self._pace = functools.partial(
            Pace, requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute
        )
        self._controllers: dict[tuple[str, str], Controller] = {}

    def of(self, place: str, key: str | None) -> Controller:
        """Return the controller of the server at *place* for one key, which is not kept."""
        mark = "" if key is None else content_hash(key.encode(), size=8)
        controller = self._controllers.get((place, mark))
        if controller is None:  # of two threads that make one, both take the first
            controller = self._controllers.setdefault((place, mark), Controller(self._pace()))
        return controller


@dataclass(slots=True)
class Admission:
    """What is in force for the attempts of one call, or of everything in an evaluation."""

    controllers: Controllers | None
    check: Callable[[], None] | None = None
    """Called before each attempt; raises where it must not be made."""

    used: Controller | None = None
    """Controller that the last attempt went through."""

    made: bool | None = None
    """Whether any attempt was made; ``None`` where the client asks for no turns."""


_ADMISSION: ContextVar[Admission | None] = ContextVar("evalkit_admission", default=None)


@contextlib.contextmanager
def under(admission: Admission) -> Generator[Admission]:
    """Put *admission* in force for the attempts of this task and of those it starts."""
    token = _ADMISSION.set(admission)
    try:
        yield admission
    finally:
        _ADMISSION.reset(token)


def is_controlled() -> bool:
    """Say whether a controller sees to the waits after a refusal."""
    admission = _ADMISSION.get()
    return admission is not None and admission.controllers is not None


@dataclass(slots=True)
class Attempt:
    """One attempt that was let in; `answered` says what came of it."""

    outcome: Outcome = "failed"
    headers: Mapping[str, str] | None = None

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the server's answer; header names in lower case are looked up."""
        refused: Outcome = "limited" if status == _TOO_MANY else "failed"
        self.outcome = "ok" if 200 <= status < 300 else refused  # noqa: PLR2004
        self.headers = headers


@contextlib.asynccontextmanager
async def admitted(place: str, key: str | None, *, again: bool = False) -> AsyncGenerator[Attempt]:
    """Wait for the turn of an attempt to reach the server at *place*; learn from how it ends.

    An attempt tried *again* waits in front of the others.

    Raises:
        BudgetSpentError: If the call must not be made any more.
        OutageError: If the server refuses every attempt for the rate, whatever the waits.
    """
    attempt, admission = Attempt(), _ADMISSION.get()
    if admission is None:
        yield attempt
        return
    admission.made = bool(admission.made)
    controller, started = None, 0.0
    if admission.controllers is not None:
        controller = admission.used = admission.controllers.of(place, key)
        moment = controller.enter_now()
        started = await _turn(controller, again=again) if moment is None else moment
    try:
        if controller is not None and controller.pace.hopeless:
            raise OutageError(place, "status 429 to every call, however long they waited")
        if admission.check is not None:
            admission.check()
        admission.made = True
        yield attempt
    finally:
        if controller is not None:
            controller.leave(started, attempt.outcome, attempt.headers)


async def _turn(controller: Controller, *, again: bool) -> float:
    patience = PATIENCE.get() or Patience()
    patience.pause()
    try:
        return await controller.enter(again=again)
    finally:
        patience.resume()

"""How fast each connection is asked: one controller for each server and key.

`admitted` stands around every attempt of every client: it waits until the attempt may start, and
learns from its end.  Where no limits are in force (outside evaluations), it does nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import anyio

from evalkit._internal.canonical import content_hash
from evalkit._internal.clock import monotonic
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


PATIENCE: Final[ContextVar[Patience | None]] = ContextVar("evalkit_patience", default=None)


class Controller:
    """Lets the attempts of one connection start in turn, as its `Pace` allows."""

    def __init__(self, pace: Pace) -> None:
        """Let nothing wait yet."""
        self.pace = pace
        self._waiting: deque[asyncio.Future[float]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def enter_now(self) -> float | None:
        """Start an attempt and return the moment, or ``None`` where it has to wait."""
        now = monotonic()
        if self._waiting or self.pace.wait(now) > 0.0:
            return None
        self.pace.start(now)
        return now

    async def enter(self, *, again: bool = False) -> float:
        """Return when the attempt may start, with the moment; one tried *again* goes first."""
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
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
                with contextlib.suppress(ValueError):  # another one that left has taken it out
                    self._waiting.remove(turn)
            raise

    def leave(
        self, started: float, outcome: Outcome, headers: Mapping[str, str] | None = None
    ) -> None:
        """Learn how an attempt ended, and let the next ones start."""
        self.pace.end(
            monotonic(),
            started,
            outcome,
            None if headers is None else read_allowance(headers),
            retry_after_seconds(headers) if headers and outcome != "ok" else None,
        )
        self._advance()

    def _advance(self) -> None:
        """Let start whoever may, and come back when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            now = monotonic()
            seconds = self.pace.wait(now)
            if seconds > 0.0:
                if math.isfinite(seconds):
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(seconds, self._advance)
                return
            turn = self._waiting.popleft()
            if not turn.done():
                self.pace.start(now)
                turn.set_result(now)


class Controllers:
    """The controllers of one evaluation, by connection."""

    def __init__(
        self, *, requests_per_minute: float | None = None, tokens_per_minute: float | None = None
    ) -> None:
        """Give each connection these ceilings, if any."""
        self._controllers = defaultdict[tuple[str, str], Controller](
            lambda: Controller(
                Pace(requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute)
            )
        )

    def of(self, place: str, key: str | None) -> Controller:
        """Return the controller of the server at *place* for one key, which is not kept."""
        mark = "" if key is None else content_hash(key.encode(), size=8)
        return self._controllers[place, mark]


@dataclass(slots=True)
class Admission:
    """What is in force for the attempts of one call, or of everything in an evaluation."""

    controllers: Controllers | None
    check: Callable[[], None] | None = None
    """Called before each attempt; raises where it must not be made."""

    used: Controller | None = None
    """Controller that the last attempt went through."""


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


class admitted:  # noqa: N801  reads as a verb: async with admitted(place, key)
    """Wait for the turn of an attempt to reach the server at *place*; learn from how it ends.

    Entering raises `BudgetSpentError` if the call must not be made any more.
    """

    __slots__ = ("_admission", "_again", "_attempt", "_controller", "_key", "_place", "_started")

    def __init__(self, place: str, key: str | None, *, again: bool = False) -> None:
        """Ask for nothing yet; an attempt tried *again* waits in front of the others."""
        self._place, self._key, self._again = place, key, again
        self._admission = _ADMISSION.get()
        self._attempt = Attempt()
        self._controller: Controller | None = None
        self._started = 0.0

    async def __aenter__(self) -> Attempt:
        admission = self._admission
        if admission is None:
            return self._attempt
        if admission.controllers is not None:
            controller = admission.controllers.of(self._place, self._key)
            started = controller.enter_now()
            if started is None:
                pause = Pause()
                try:
                    started = await controller.enter(again=self._again)
                finally:
                    pause.end()
            self._started, self._controller, admission.used = started, controller, controller
        if admission.check is not None:
            try:
                admission.check()
            except BaseException:
                self._leave()
                raise
        return self._attempt

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._controller is not None:
            self._controller.leave(self._started, self._attempt.outcome, self._attempt.headers)


class Pause:
    """The clock of the case's time limit, stopped from here to `end`."""

    __slots__ = ("_began", "_deadline", "patience")

    def __init__(self) -> None:
        """Stop it, if there is one."""
        self.patience = PATIENCE.get()
        self._began = anyio.current_time()
        self._deadline = math.inf
        if self.patience is not None and self.patience.scope is not None:
            self._deadline = self.patience.scope.deadline
            self.patience.scope.deadline = math.inf

    def end(self) -> None:
        """Let it run again, later by as long as it stood."""
        if self.patience is None:
            return
        waited = anyio.current_time() - self._began
        self.patience.waited += waited
        if self.patience.scope is not None:
            self.patience.scope.deadline = self._deadline + waited

"""Who is at work, and who waits for a batch: a batch is full once nobody is left to add to it.

The engine counts in every caller that may come to ask a model.  One that waits for a batch gives
its place among the calls in flight to the next, so that all cases come to ask, and takes a place
again before it goes on.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Literal

import anyio

from evalkit.llm.limits import PATIENCE, Patience

MOST_WAITING: Final = 50_000
"""Callers that may wait at a time; each holds about 35 kB of memory."""


class Seat:
    """A place among the calls in flight, of which a limiter has so many; given back by `with`."""

    def __init__(self, limiter: anyio.CapacityLimiter) -> None:
        """Hold no place of *limiter* yet."""
        self._limiter = limiter

    async def acquire(self) -> None:
        """Take the place, once there is one; no turn of the loop is lost where there is."""
        try:
            self._limiter.acquire_on_behalf_of_nowait(self)
        except anyio.WouldBlock:
            await self._limiter.acquire_on_behalf_of(self)

    def release(self) -> None:
        """Give the place to the next."""
        self._limiter.release_on_behalf_of(self)

    def __enter__(self) -> None:
        """Hold the place, which was acquired before."""

    def __exit__(self, *_: object) -> None:
        self.release()


@dataclass(slots=True, eq=False)
class Asker:
    """One piece of work that may ask models, several at a time."""

    census: Census
    seat: Seat | None
    waits: int = 0
    """Its requests that wait for batches."""

    held: Literal["yes", "no", "coming"] = "yes"
    paused: _Pause | None = None

    def block(self) -> None:
        """Count one more request that waits."""
        self.waits += 1
        if self.waits == 1:
            self.paused = self.paused or _Pause(PATIENCE.get())
            self.census.move(at_work=-1, waiting=+1)
            if self.seat is not None and self.held == "yes":
                self.held = "no"
                self.seat.release()

    async def unblock(self) -> None:
        """Count one request less; go on with the work once there is a place for it."""
        self.count_back()
        if self.waits:
            return
        if self.seat is not None and self.held == "no":
            self.held = "coming"
            try:
                await self.seat.acquire()
            except BaseException:
                self.held = "no"
                raise
            self.held = "yes"
        paused, self.paused = self.paused, None
        if paused is not None:
            paused.end()

    def count_back(self) -> None:
        """Count one request less, without going on."""
        self.waits -= 1
        if self.waits == 0:
            self.census.move(at_work=+1, waiting=-1)

    def close(self) -> None:
        """Be done, whatever is still held."""
        self.census.move(at_work=0 if self.waits else -1, waiting=-1 if self.waits else 0)
        if self.seat is not None and self.held == "yes":
            self.held = "no"
            self.seat.release()


class _Pause:
    """The clock of a case's time limit, stopped: hours in a batch are no slowness of the model."""

    def __init__(self, patience: Patience | None) -> None:
        self._patience = patience
        self._began = anyio.current_time()
        self._deadline = math.inf
        if patience is not None:
            patience.batched = True
            if patience.scope is not None:
                self._deadline = patience.scope.deadline
                patience.scope.deadline = math.inf

    def end(self) -> None:
        if self._patience is None:
            return
        waited = anyio.current_time() - self._began
        self._patience.waited += waited
        if self._patience.scope is not None:
            self._patience.scope.deadline = self._deadline + waited


_ASKER: ContextVar[Asker | None] = ContextVar("evalkit_asker", default=None)


@dataclass(slots=True)
class Census:
    """How many callers are at work, and how many wait for batches."""

    at_work: int = 0
    waiting: int = 0
    changed: Callable[[], None] = field(default=lambda: None)
    """Called after each change."""

    _room: anyio.Event | None = None

    def move(self, *, at_work: int, waiting: int) -> None:
        """Count callers from one state to the other."""
        self.at_work += at_work
        self.waiting += waiting
        if self._room is not None and self.waiting < MOST_WAITING:
            self._room.set()
            self._room = None
        self.changed()

    @contextlib.contextmanager
    def caller(self, seat: Seat | None = None) -> Generator[None]:
        """Count in the work of this block; it holds *seat*, and gives it back at its end."""
        asker = Asker(self, seat)
        self.move(at_work=+1, waiting=0)
        token = _ASKER.set(asker)
        try:
            yield
        finally:
            _ASKER.reset(token)
            asker.close()

    async def room(self) -> None:
        """Wait while so many callers wait that more would only fill the memory."""
        while self.waiting >= MOST_WAITING:
            if self._room is None:
                self._room = anyio.Event()
            await self._room.wait()


@contextlib.asynccontextmanager
async def waiting() -> AsyncGenerator[None]:
    """Count this task's caller as one that waits for a batch, directly or for one who does."""
    asker = _ASKER.get()
    if asker is None:
        yield
        return
    asker.block()
    try:
        yield
    except BaseException:
        asker.count_back()
        raise
    await asker.unblock()

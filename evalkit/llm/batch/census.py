"""Who is at work, and who waits for a batch: a batch is full once nobody is left to add to it.

The engine counts in every caller that may come to ask a model.  One that waits for a batch gives
its place among the calls in flight to the next, so that all cases come to ask, and takes a place
again before it goes on.
"""

from __future__ import annotations

import contextlib
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
        self._state: Literal["free", "coming", "held"] = "free"

    async def acquire(self) -> None:
        """Take the place, once there is one; no turn of the loop is lost where there is."""
        if self._state != "free":
            return  # another request of the same caller sees to it
        self._state = "coming"
        try:
            self._limiter.acquire_on_behalf_of_nowait(self)
        except anyio.WouldBlock:
            try:
                await self._limiter.acquire_on_behalf_of(self)
            except BaseException:
                self._state = "free"
                raise
        self._state = "held"

    def release(self) -> None:
        """Give the place to the next, if it is held."""
        if self._state == "held":
            self._state = "free"
            self._limiter.release_on_behalf_of(self)

    def __enter__(self) -> None:
        """Hold the place, which was acquired before."""

    def __exit__(self, *_: object) -> None:
        self.release()


@dataclass(slots=True, eq=False)
class _Caller:
    """One piece of work that may ask models, several at a time."""

    census: Census
    seat: Seat | None
    waits: int = 0
    """Its requests that wait for batches."""

    def block(self) -> None:
        """Count one more request that waits."""
        self.waits += 1
        if self.waits == 1:
            self.census.move(at_work=-1, waiting=+1)
            if self.seat is not None:
                self.seat.release()

    async def unblock(self) -> None:
        """Count one request less; go on with the work once there is a place for it."""
        self.count_back()
        if self.waits == 0 and self.seat is not None:
            await self.seat.acquire()

    def count_back(self) -> None:
        """Count one request less, without going on."""
        self.waits -= 1
        if self.waits == 0:
            self.census.move(at_work=+1, waiting=-1)

    def close(self) -> None:
        """Be done, whatever is still held."""
        self.census.move(at_work=0 if self.waits else -1, waiting=-1 if self.waits else 0)
        if self.seat is not None:
            self.seat.release()


_CALLER: ContextVar[_Caller | None] = ContextVar("evalkit_batch_caller", default=None)


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
        caller = _Caller(self, seat)
        self.move(at_work=+1, waiting=0)
        token = _CALLER.set(caller)
        try:
            yield
        finally:
            _CALLER.reset(token)
            caller.close()

    async def room(self) -> None:
        """Wait while so many callers wait that more would only fill the memory."""
        while self.waiting >= MOST_WAITING:
            if self._room is None:
                self._room = anyio.Event()
            await self._room.wait()


@contextlib.asynccontextmanager
async def waiting() -> AsyncGenerator[None]:
    """Count this task's caller as one that waits for a batch, directly or for one who does."""
    caller = _CALLER.get()
    if caller is None:
        yield
        return
    patience = PATIENCE.get() or Patience()
    patience.batched = True
    patience.pause()  # hours in a batch are no slowness of the model
    caller.block()
    try:
        yield
    except Exception:
        await caller.unblock()
        raise
    except BaseException:  # cancelled: there is nothing to go on with
        caller.count_back()
        raise
    else:
        await caller.unblock()
    finally:
        patience.resume()

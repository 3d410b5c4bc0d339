"""Event loops of synchronous callers, on threads of their own.

A loop is kept for the process: an async client keeps its connections with the loop that opened
them, and is meant to outlive a call.  Who comes while one is in use, within or beside what uses
it, takes another.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, Final, TypeVar

T = TypeVar("T")

HOME: Final[ContextVar[asyncio.AbstractEventLoop | None]] = ContextVar("evalkit_home", default=None)
"""The loop from which a worker thread was sent."""

_LOOPS: Final[list[asyncio.AbstractEventLoop]] = []
_IN_USE: Final[set[asyncio.AbstractEventLoop]] = set()
_LOCK: Final = threading.Lock()

if hasattr(os, "register_at_fork"):  # threads do not live on in a child
    os.register_at_fork(after_in_child=_LOOPS.clear)


def in_background(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run *coroutine* in the first loop that is free, in the context of the caller."""
    with _LOCK:
        loop = next((one for one in _LOOPS if one not in _IN_USE), None) or _started()
        _IN_USE.add(loop)

    async def work() -> T:
        try:
            return await coroutine
        finally:
            _IN_USE.discard(loop)  # not before: what was given up may block it

    return asyncio.run_coroutine_threadsafe(work(), loop)


def at_home(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run *coroutine* where this thread was sent from; a thread of nobody's, in the background."""
    home = HOME.get()
    return (
        in_background(coroutine)
        if home is None
        else asyncio.run_coroutine_threadsafe(coroutine, home)
    )


def _started() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    # A daemon: a coroutine that never ends does not hold up the end of the process.
    threading.Thread(target=_serve, args=(loop,), name="evalkit-loop", daemon=True).start()
    _LOOPS.append(loop)
    return loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
        except (KeyboardInterrupt, SystemExit):
            continue  # sys.exit() in a coroutine has reached its caller; others go on

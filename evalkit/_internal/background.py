"""The one event loop of synchronous callers, on a thread of its own.

One for the whole process: an async client keeps its connections with the loop that opened them,
and is meant to outlive a call.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

T = TypeVar("T")

_LOOPS: Final[list[asyncio.AbstractEventLoop]] = []
"""The loop, and those of calls that block it: each waits for the next."""

_LOCK: Final = threading.Lock()
if hasattr(os, "register_at_fork"):  # threads do not live on in a child
    os.register_at_fork(after_in_child=_LOOPS.clear)


def in_background(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run *coroutine* in the background loop, in the context of the caller.

    Called from within that loop, whose thread is going to wait, it takes a further one.
    """
    return asyncio.run_coroutine_threadsafe(coroutine, _loop())


def forget() -> None:
    """Have later calls take a new loop, since something blocks this one for good."""
    with _LOCK:
        _LOOPS.clear()


def _loop() -> asyncio.AbstractEventLoop:
    with _LOCK:
        running = asyncio._get_running_loop()  # noqa: SLF001  the public one raises where none is
        depth = _LOOPS.index(running) + 1 if running in _LOOPS else 0
        if depth == len(_LOOPS):
            loop = asyncio.new_event_loop()
            # A daemon: a coroutine that never ends does not hold up the end of the process.
            threading.Thread(target=_serve, args=(loop,), name="evalkit-loop", daemon=True).start()
            _LOOPS.append(loop)
        return _LOOPS[depth]


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
        except (KeyboardInterrupt, SystemExit):
            continue  # sys.exit() in a coroutine has reached its caller; others go on

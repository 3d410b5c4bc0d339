"""The one door from synchronous code into the engine, safe wherever a loop may be running.

The engine's loop runs on a thread of its own, so the same call works in a script, in Jupyter,
under pytest-asyncio and inside a running server.  One loop serves all evaluations of a process,
since a client that outlives one of them keeps its connections with the loop that opened them.
Ctrl-C reaches the calling thread: the first one lets what is in flight finish, the second one
gives up at once.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")


class _Loop:
    """An event loop that is kept from one evaluation to the next."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._runner = asyncio.Runner()
        self._in_use = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T], context: contextvars.Context) -> T:
        """Run *work* to its end; in a loop of its own within or beside another evaluation."""
        if not self._in_use.acquire(blocking=False):
            return context.run(asyncio.run, work)
        try:
            return self._runner.run(work, context=context)
        except (KeyboardInterrupt, SystemExit):  # raised by user code, they leave tasks behind
            spoilt, self._runner = self._runner, asyncio.Runner()
            spoilt.close()
            raise
        finally:
            self._in_use.release()

    def close(self) -> None:
        """Close it, unless an abandoned evaluation uses it: then it ends with its daemon thread."""
        if self._in_use.acquire(blocking=False):
            self._runner.close()


_LOOPS: Final[dict[int, _Loop]] = {}
"""By the id of the process: a forked one leaves alone what it inherits."""


def _close() -> None:
    if loop := _LOOPS.get(os.getpid()):
        loop.close()


atexit.register(_close)


def run_in_thread(
    function: Callable[[], Coroutine[Any, Any, T]], *, on_interrupt: Callable[[], None]
) -> T:
    """Run an async function to its end in a fresh thread; return its result.

    Args:
        function: Called without arguments in that thread.
        on_interrupt: Called on the first Ctrl-C; must make *function* end soon.

    Raises:
        KeyboardInterrupt: On the second Ctrl-C; the work is then abandoned.
    """
    outcome: dict[str, Any] = {}
    done = threading.Event()
    context = contextvars.copy_context()
    process = os.getpid()
    loop = _LOOPS.get(process) or _LOOPS.setdefault(process, _Loop())

    def work() -> None:
        try:
            outcome["result"] = loop.run(function(), context)
        except BaseException as error:  # noqa: BLE001  handed to the calling thread
            outcome["error"] = error
        finally:
            done.set()

    threading.Thread(target=work, name="evalkit-engine", daemon=True).start()
    interrupts = 0
    while not done.is_set():
        try:
            done.wait()
        except KeyboardInterrupt:
            interrupts += 1
            if interrupts > 1:
                raise
            on_interrupt()
        except BaseException:  # such as a test's time limit, which a signal raises here
            on_interrupt()
            done.wait()  # what is in flight is finished, kept and counted
            raise
    if "error" in outcome:
        raise outcome["error"]
    result: T = outcome["result"]
    return result

"""The one door from synchronous code into the engine, safe wherever a loop may be running.

The engine's loop runs on a thread of its own, so the same call works in a script, in Jupyter,
under pytest-asyncio and inside a running server.  Ctrl-C reaches the calling thread: the first one
lets what is in flight finish, the second one gives up at once.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_in_thread(
    function: Callable[[], Coroutine[Any, Any, T]], *, on_interrupt: Callable[[], None]
) -> T:
    """Run an async function to its end on a fresh loop in a fresh thread; return its result.

    Args:
        function: Called without arguments in the new loop.
        on_interrupt: Called on the first Ctrl-C; must make *function* end soon.

    Raises:
        KeyboardInterrupt: On the second Ctrl-C; the work is then abandoned.
    """
    outcome: dict[str, Any] = {}
    done = threading.Event()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            outcome["result"] = context.run(asyncio.run, function())
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

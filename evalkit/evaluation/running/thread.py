"""The one door from synchronous code into the engine, safe wherever a loop may be running.

The engine runs in a background loop, so the same call works in a script, in Jupyter, under
pytest-asyncio and inside a running server.  Ctrl-C reaches the calling thread: the first one
lets what is in flight finish, the second one gives up at once.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from typing import Any, TypeVar

from evalkit._internal.background import in_background

T = TypeVar("T")


def run_in_thread(
    function: Callable[[], Coroutine[Any, Any, T]], *, on_interrupt: Callable[[], None]
) -> T:
    """Run an async function to its end in a background loop; return its result.

    Args:
        function: Called without arguments; its coroutine runs in the loop.
        on_interrupt: Called on the first Ctrl-C; must make *function* end soon.

    Raises:
        KeyboardInterrupt: On the second Ctrl-C; the work is then abandoned.
    """
    future = in_background(function())
    interrupts = 0
    while not future.done():
        try:
            wait([future])
        except KeyboardInterrupt:
            interrupts += 1
            if interrupts > 1:
                future.cancel()
                raise
            on_interrupt()
        except BaseException:  # such as a test's time limit, which a signal raises here
            on_interrupt()
            wait([future])  # what is in flight is finished, kept and counted
            raise
    return future.result()

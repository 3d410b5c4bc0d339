"""Worker threads for code that blocks: quick to enter, and never in the way of the process's end.

A call that overruns its timeout cannot be stopped: its thread is abandoned (it is a daemon, so it
does not keep the process alive), another one takes its place, and its late answer is dropped.
Where too many abandoned ones are still running, no more are begun.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from evalkit._internal.background import HOME
from evalkit.errors import TargetError

T = TypeVar("T")

MOST_ABANDONED: Final = 64
"""Abandoned calls that may be running still: each holds a thread, and whatever it waits for."""


@dataclass(slots=True)
class _Job:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    context: contextvars.Context
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    done: bool = False
    left: bool = False
    """Whether the one who waited for it is gone."""


class ThreadLane:
    """Runs blocking functions on daemon threads, as many as are busy at once."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._idle = 0
        self._threads = 0
        self._guard = threading.Lock()
        self._done: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        self._stuck = 0
        self.abandoned = 0
        """Calls that overran their timeout."""

    @property
    def refusal(self) -> str | None:
        """Why nothing that may be abandoned is begun any more, if so."""
        if self._stuck < MOST_ABANDONED:
            return None
        return f"Not begun: {self._stuck} calls that overran their timeout are running still."

    async def run(
        self, function: Callable[..., T], *arguments: Any, timeout_seconds: float | None = None
    ) -> T:
        """Return ``function(*arguments)``, run on a thread.

        Raises:
            TimeoutError: If it takes longer than *timeout_seconds*; the thread is abandoned.
            TargetError: If it might be abandoned too, where so many are running still.
        """
        if timeout_seconds is not None and self.refusal is not None:
            raise TargetError("timeout", self.refusal)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()
        context.run(HOME.set, loop)
        job = _Job(function, arguments, context, loop, future)
        with self._guard:
            start = self._idle == 0
            self._idle -= 0 if start else 1
            self._threads += 1 if start else 0
        if start:
            threading.Thread(target=self._work, args=(job,), daemon=True, name="evalkit").start()
        else:
            self._jobs.put(job)
        try:
            if timeout_seconds is None:
                return await future
            return await asyncio.wait_for(future, timeout_seconds)
        finally:
            if future.cancelled():
                self._leave(job)

    def _leave(self, job: _Job) -> None:
        self.abandoned += 1
        with self._guard:
            job.left = not job.done
            self._stuck += job.left

    def _work(self, job: _Job | None) -> None:
        while job is not None:
            self._do(job)
            with self._guard:
                self._idle += 1
            job = self._jobs.get()

    def _do(self, job: _Job) -> None:
        try:
            result, error = job.context.run(job.function, *job.arguments), None
        except Exception as raised:  # noqa: BLE001  handed to the one who waits
            result, error = None, raised
        except BaseException as raised:  # noqa: BLE001  sys.exit() must not end the whole work
            result, error = None, RuntimeError(f"{type(raised).__name__}: {raised}")
        with self._guard:
            job.done = True
            self._stuck -= job.left
            wake = not self._done
            self._done.append((job.future, result, error))
        if not wake:
            return  # the loop has been woken already and will take this one too
        try:
            job.loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            return  # the loop is closed: nobody waits for an abandoned call

    def _deliver(self) -> None:
        with self._guard:
            done, self._done = self._done, []
        for future, result, error in done:
            _settle(future, result, error)

    def close(self) -> None:
        """Let the idle threads end; busy ones end after their call."""
        with self._guard:
            for _ in range(self._threads):
                self._jobs.put(None)


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        future.set_exception(RuntimeError(f"StopIteration: {error}"))
    else:
        future.set_exception(error)

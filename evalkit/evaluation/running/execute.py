"""Running a job to its end, from synchronous code or inside a running event loop."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Generator
from typing import Any, TypeVar

from evalkit.engine.shard import first_error
from evalkit.errors import InterruptedRunError
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.thread import run_in_thread

R = TypeVar("R", bound=Result)


def execute(job: Job[R]) -> R:
    """Run *job* to its end from synchronous code, wherever that runs.

    Raises:
        InterruptedRunError: After Ctrl-C or SIGTERM, once what was in flight is finished and kept.
    """
    with _ended_as_by_ctrl_c(), job.failing():
        run_in_thread(lambda: _journalled(job), on_interrupt=lambda: _interrupt(job))
        result = job.finish()
    if job.state.cancel.reason == "interrupted":
        done = len(result) - max((e.n_not_run for e in result.estimates.values()), default=0)
        raise InterruptedRunError(result.run_id, done, len(result), job.pending)
    return result


@contextlib.contextmanager
def _ended_as_by_ctrl_c() -> Generator[None]:
    """Have SIGTERM, by which schedulers end a job, do what Ctrl-C does.

    A handler of the program's own stays, and only the main thread may set one.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


async def aexecute(job: Job[R]) -> R:
    """Run *job* to its end inside the caller's event loop, without blocking it."""
    import anyio.to_thread

    with job.failing():
        await _journalled(job)
        return await anyio.to_thread.run_sync(job.finish)


def _interrupt(job: Job[Any]) -> None:
    job.cancel()
    message = "what is in flight is finished; Ctrl-C again gives it up."
    desk = None if job.session is None else job.session.desk
    batches, requests = (0, 0) if desk is None else desk.on_the_way
    if batches:
        message += f" {requests:,} requests in batches stay with the provider."
    sys.stderr.write(f"\nStopping: {message}\n")


async def _journalled(job: Job[Any]) -> None:
    try:
        job.open_journal()
        await job.run()
    except BaseExceptionGroup as group:
        raise first_error(group) from group

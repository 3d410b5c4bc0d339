"""The process lane: heavy pure-Python scorers, spread over cores, killed for good on timeout."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from evalkit.engine.verdicts import PLAIN, Cells, cells_of, columns_of, failure_of
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.signature import rebuild, specification

_START_SECONDS: Final = 60.0
"""What a worker may take to start, on top of the time that its cases may take."""

_Pool = concurrent.futures.ProcessPoolExecutor


def _end_with_parent() -> None:
    """Have this process end when the one that started it does, also by a kill.

    Its queue would not tell: it holds both ends of it.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101  a pool has started it

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def _score(
    spec: Mapping[str, Any], cases: Sequence[Case], timeout_seconds: float | None
) -> list[Cells]:
    """Score *cases* in a worker process, with the scorer rebuilt from its specification."""
    scorer: Any = rebuild(spec)
    cells: list[Cells] = []
    for case in cases:
        try:
            with _alarm(timeout_seconds):
                cells.append(cells_of(scorer.score(case)))
        except (Exception, SystemExit) as error:  # noqa: BLE001  a user's function may raise anything
            cells.append({PLAIN: failure_of(error)})
    return cells


@contextlib.contextmanager
def _alarm(seconds: float | None) -> Generator[None]:
    """Raise `TimeoutError` in this (main) thread after *seconds*; enough for Python code."""
    if seconds is None:
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError(f"No score within {seconds:g} s.")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


class ProcessLane:
    """A pool of worker processes, started when first used.

    A case that overruns is interrupted inside its worker; one that cannot be interrupted, as in C
    code, has its pool killed.  Where a worker dies, the cases of the pool are run again one by
    one, so that only the guilty one fails.
    """

    def __init__(self) -> None:
        """Start nothing yet."""
        self._pool: _Pool | None = None

    async def score(
        self, scorer: Scorer, batch: CaseBatch, timeout_seconds: float | None
    ) -> dict[str, ScoreColumn]:
        """Return the scores of *batch*; a case that overruns or kills its worker has failed."""
        spec = specification(scorer)
        if not spec["rebuildable"]:
            explanation = "A scorer for the process lane must be importable by module and name."
            return columns_of([{PLAIN: Score.failed("scorer_error", explanation)}] * len(batch))
        cases = list(batch)
        workers = os.cpu_count() or 1
        size = max(1, min(64, -(-len(cases) // (4 * workers))))
        parts = [cases[start : start + size] for start in range(0, len(cases), size)]
        started = [self._start(spec, part, timeout_seconds) for part in parts]
        cells: list[Cells] = []
        for part, future in zip(parts, started, strict=True):
            try:
                cells += await self._wait(future, len(part), timeout_seconds)
                continue
            except asyncio.CancelledError:
                if not future.cancelled():
                    raise  # this evaluation itself is being cancelled, not a part of a killed pool
            except (TimeoutError, concurrent.futures.BrokenExecutor):
                self._kill()
            cells += [await self._alone(spec, case, timeout_seconds) for case in part]
        return columns_of(cells)

    def _start(
        self, spec: Mapping[str, Any], cases: Sequence[Case], timeout_seconds: float | None
    ) -> concurrent.futures.Future[list[Cells]]:
        if self._pool is None:
            self._pool = _Pool(
                mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
            )
        return self._pool.submit(_score, spec, cases, timeout_seconds)

    @staticmethod
    async def _wait(
        future: concurrent.futures.Future[list[Cells]], n: int, timeout_seconds: float | None
    ) -> list[Cells]:
        allowed = None if timeout_seconds is None else timeout_seconds * n + _START_SECONDS
        return await asyncio.wait_for(asyncio.wrap_future(future), allowed)

    async def _alone(
        self, spec: Mapping[str, Any], case: Case, timeout_seconds: float | None
    ) -> Cells:
        """Score one case with nothing else in the pool, so that a death is its own doing."""
        try:
            future = self._start(spec, [case], timeout_seconds)
            return (await self._wait(future, 1, timeout_seconds))[0]
        except TimeoutError:
            outcome = Score.failed("timeout", f"No score within {timeout_seconds:g} s.")
        except concurrent.futures.BrokenExecutor:
            outcome = Score.failed("scorer_error", "The worker process died.")
        self._kill()
        return {PLAIN: outcome}

    def _kill(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list(getattr(pool, "_processes", {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the pool."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

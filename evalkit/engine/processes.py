"""The process lane: heavy pure-Python scorers, spread over cores, killed for good on timeout."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.engine.verdicts import PLAIN, Cells, cells_of, columns_of, failure_of
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.signature import rebuild, specification


def _score(spec: Mapping[str, Any], cases: Sequence[Case]) -> list[Cells]:
    """Score *cases* in a worker process, with the scorer rebuilt from its specification."""
    scorer: Any = rebuild(spec)
    found: list[Cells] = []
    for case in cases:
        try:
            found.append(cells_of(scorer.score(case)))
        except Exception as error:  # noqa: BLE001  a user's function may raise anything
            found.append({PLAIN: failure_of(error)})
    return found


_Pool = concurrent.futures.ProcessPoolExecutor


class ProcessLane:
    """A pool of worker processes, started when first used."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._pool: _Pool | None = None

    async def score(
        self, scorer: Scorer, batch: CaseBatch, timeout_seconds: float | None
    ) -> dict[str, ScoreColumn]:
        """Return the scores of *batch*; a part that overruns is killed and counted as failed."""
        spec = specification(scorer)
        if not spec["rebuildable"]:
            explanation = "A scorer for the process lane must be importable by module and name."
            return columns_of([{PLAIN: Score.failed("scorer_error", explanation)}] * len(batch))
        cases = list(batch)
        workers = os.cpu_count() or 1
        size = max(1, min(64, -(-len(cases) // (4 * workers))))
        parts = [cases[start : start + size] for start in range(0, len(cases), size)]
        started = [self._start(spec, part) for part in parts]
        cells: list[Cells] = []
        for part, (pool, future) in zip(parts, started, strict=True):
            cells += await self._wait(spec, part, pool, future, timeout_seconds)
        return columns_of(cells)

    def _start(
        self, spec: Mapping[str, Any], cases: Sequence[Case]
    ) -> tuple[_Pool, concurrent.futures.Future[list[Cells]]]:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = concurrent.futures.ProcessPoolExecutor(mp_context=context)
        return self._pool, self._pool.submit(_score, spec, cases)

    async def _wait(
        self,
        spec: Mapping[str, Any],
        cases: Sequence[Case],
        pool: _Pool,
        future: concurrent.futures.Future[list[Cells]],
        timeout_seconds: float | None,
    ) -> list[Cells]:
        allowed = None if timeout_seconds is None else timeout_seconds * len(cases)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), allowed)
        except TimeoutError:
            outcome = Score.failed("timeout", f"No score within {timeout_seconds:g} s.")
        except (concurrent.futures.BrokenExecutor, asyncio.CancelledError):
            if pool is not self._pool:  # another part's pool was killed; these cases never ran
                return await self._wait(spec, cases, *self._start(spec, cases), timeout_seconds)
            outcome = Score.failed("scorer_error", "The worker process died.")
        self._kill()
        if len(cases) == 1:
            return [{PLAIN: outcome}]
        cells: list[Cells] = []
        for case in cases:  # find the guilty one: each case alone
            cells += await self._wait(spec, [case], *self._start(spec, [case]), timeout_seconds)
        return cells

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

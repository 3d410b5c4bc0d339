"""Scoring a shard: vectorised, batched, asynchronous and process lanes, one outcome a cell."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from evalkit.engine.absent import outcomes_without_answer
from evalkit.engine.cancel import Cancel
from evalkit.engine.joining import Columns, join, spread
from evalkit.engine.lanes import ThreadLane
from evalkit.engine.plan import Plan
from evalkit.engine.records import CellScored, Scored
from evalkit.engine.state import ShardWork
from evalkit.engine.verdicts import PLAIN, Cells, cells_of, columns_of, failure_of
from evalkit.entities.batch import CaseBatch
from evalkit.entities.infrastructure import NOT_RECORDED
from evalkit.entities.score import Score, Status
from evalkit.errors import BatchPendingError, NoMoreCallsError, NotRecordedError, TargetError
from evalkit.llm.batch.census import Seat
from evalkit.llm.limits import PATIENCE, Patience
from evalkit.llm.session import ModelSession
from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.configured import unwrapped
from evalkit.scoring.protocol import OF_CLASSES, Scorer, requirements_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from evalkit.engine.process_lane import ProcessLane


def is_vectorised(scorer: Scorer) -> bool:
    """Say whether *scorer* takes whole batches."""
    return hasattr(unwrapped(scorer), "score_batch")


def is_async(scorer: Scorer) -> bool:
    """Say whether *scorer* has to be awaited."""
    inner: Any = unwrapped(scorer)
    method = inner.score_batch if is_vectorised(scorer) else inner.score
    function = getattr(inner, "function", method)
    called = function if inspect.isroutine(function) else getattr(type(function), "__call__")  # noqa: B004, B009
    return inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(method)


@dataclass(frozen=True, slots=True)
class _Scoring:
    """The cells of one shard while one scorer scores them."""

    work: ShardWork
    batch: CaseBatch
    """Those that have an answer, if the scorer needs one."""

    kept: Sequence[int]
    """Their places in the shard."""

    failures: Mapping[int, Score]

    @classmethod
    def of(
        cls,
        scorer: Scorer,
        work: ShardWork,
        batch: CaseBatch,
        lost: Mapping[int, Score],
        absent: Mapping[int, Score],
    ) -> _Scoring:
        """Set the cells aside that *scorer* cannot score."""
        failures = outcomes_without_answer(scorer, batch, lost, absent)
        kept = [row for row in range(len(batch)) if row not in failures]
        return cls(work, batch.take(kept) if failures else batch, kept, failures)

    def record(self, place: int, columns: Columns) -> None:
        """Record the columns of one scorer, with the outcomes of the other cells between."""
        columns = columns or {PLAIN: ScoreColumn.missing(0, Status.SKIPPED)}
        whole = all(outcome.status is not Status.NOT_RUN for outcome in self.failures.values())
        whole = whole and not any((c.status == Status.NOT_RUN).any() for c in columns.values())
        if self.failures:
            columns = {k: spread(c, self.kept, self.failures) for k, c in columns.items()}
        self.work.record(Scored(self.work.shard.index, place, columns, whole))


class ShardScorer:
    """Runs scorers over batches, each in the lane that suits it."""

    def __init__(self, plan: Plan, session: ModelSession, lane: ThreadLane, cancel: Cancel) -> None:
        """Score with the scorers of *plan*, whose places number the results."""
        self._scorers = plan.scorers
        self._session = session
        self._lane = lane
        self._cancel = cancel
        self._processes: ProcessLane | None = None
        self._timeout = plan.limits.timeout_seconds
        self._in_flight = anyio.CapacityLimiter(plan.limits.concurrency)
        self._blocking = anyio.Lock()
        """Code that blocks runs one scorer at a time, also where shards are scored together."""

    async def score(
        self,
        work: ShardWork,
        batch: CaseBatch,
        failures: Mapping[int, Score],
        absent: Mapping[int, Score],
    ) -> None:
        """Score *batch*, the cells of one shard, and record it scorer by scorer.

        A shard with cells that were not run is scored, but not recorded as done.

        Args:
            work: The shard, with what is scored of it already.
            batch: Cells in order, those in *failures* included.
            failures: Cells whose target failed or was not run, with the outcome they get.
            absent: Cells that lack an answer, with the outcome they get of scorers that need one.
        """
        missing = [
            place
            for place in range(len(self._scorers))
            if (work.shard.index, place) not in work.gathered.scored
        ]
        blocking = [place for place in missing if not is_async(self._scorers[place])]
        with self._session.caller():
            for place in blocking:
                scoring = _Scoring.of(self._scorers[place], work, batch, failures, absent)
                async with self._blocking:
                    columns = await self._score_blocking(self._scorers[place], scoring.batch)
                scoring.record(place, columns)
        async with anyio.create_task_group() as group:
            for place in (p for p in missing if p not in blocking):
                scoring = _Scoring.of(self._scorers[place], work, batch, failures, absent)
                group.start_soon(self._score_async, scoring, place)

    async def _score_blocking(self, scorer: Scorer, batch: CaseBatch) -> Columns:
        if not len(batch):
            return {PLAIN: ScoreColumn.missing(0, Status.SKIPPED)}
        if getattr(scorer, "lane", None) == "process":
            if self._cancel.interrupted:  # where a budget is spent, scoring still goes on
                return columns_of([_not_run()] * len(batch))
            return await self._in_processes(scorer, batch)
        if is_vectorised(scorer):
            return await self._vectorised(scorer, batch)
        return columns_of(await self._casewise(scorer, batch))

    async def _in_processes(self, scorer: Scorer, batch: CaseBatch) -> Columns:
        needs = requirements_of(scorer)
        absent = [missing_field(batch, needs, row) for row in range(len(batch))]
        kept = [row for row, field in enumerate(absent) if field is None]
        unfit = {row: lacking(field) for row, field in enumerate(absent) if field is not None}
        if not kept:
            return columns_of([{PLAIN: outcome} for outcome in unfit.values()])
        if self._processes is None:
            from evalkit.engine.process_lane import ProcessLane  # start-up: few scorers need it

            self._processes = ProcessLane()
        columns = await self._processes.score(scorer, batch.take(kept), self._timeout)
        return {key: spread(column, kept, unfit) for key, column in columns.items()}

    async def _vectorised(self, scorer: Scorer, batch: CaseBatch) -> Columns:
        allowed = self._timeout * len(batch) if self._timeout else None
        try:
            return await self._lane.run(score_whole, scorer, batch, timeout_seconds=allowed)
        except TimeoutError:
            explanation = f"No scores within {allowed:g} s for {len(batch)} cases."
        except TargetError as error:
            explanation = error.explanation
        return columns_of([{PLAIN: Score.failed("timeout", explanation)}] * len(batch))

    async def _casewise(self, scorer: Scorer, batch: CaseBatch) -> list[Cells]:
        """Score cases in one thread; a case that overruns is given up and the rest goes on."""
        cells: list[Cells] = []
        while len(cells) < len(batch) and not self._cancel.interrupted:
            done = len(cells)
            cells += await self._casewise_from(scorer, batch, done)
        return [*cells, *([_not_run()] * (len(batch) - len(cells)))]

    async def _casewise_from(self, scorer: Scorer, batch: CaseBatch, first: int) -> list[Cells]:
        if self._lane.refusal is not None:
            return [{PLAIN: Score.failed("timeout", self._lane.refusal)}] * (len(batch) - first)
        scored: list[Cells] = []
        given_up = threading.Event()

        def stop() -> bool:
            return given_up.is_set() or self._cancel.interrupted

        if self._timeout is None:
            return await self._lane.run(score_cases, scorer, batch, first, scored, stop)
        finished = anyio.Event()
        progress = -1
        async with anyio.create_task_group() as group:

            async def work() -> None:
                with anyio.CancelScope():
                    await self._lane.run(score_cases, scorer, batch, first, scored, stop)
                finished.set()
                group.cancel_scope.cancel()

            group.start_soon(work)
            while not finished.is_set() and progress < len(scored):
                progress = len(scored)
                with anyio.move_on_after(self._timeout):
                    await finished.wait()
            group.cancel_scope.cancel()
        if finished.is_set():
            return scored
        given_up.set()  # its thread goes on with this case only
        late = Score.failed("timeout", f"No score within {self._timeout:g} s.")
        return [*scored[:progress], {PLAIN: late}]

    async def _score_async(self, scoring: _Scoring, place: int) -> None:
        scorer: Any = self._scorers[place]
        batch = scoring.batch
        if is_vectorised(scorer):
            scoring.record(place, await self._score_batch(scorer, batch))
            return
        cells: list[Cells] = [{} for _ in range(len(batch))]
        async with anyio.create_task_group() as group:
            for row in range(len(batch)):
                seat = Seat(self._in_flight)
                await self._session.room()
                await seat.acquire()
                group.start_soon(self._score_cell, seat, scoring, place, row, cells)
        scoring.record(place, columns_of(cells))

    async def _score_batch(self, scorer: Any, batch: CaseBatch) -> Columns:
        if self._cancel.interrupted:
            return columns_of([_not_run()] * len(batch))
        try:
            with self._session.caller():
                scores = await self._in_time(scorer.score_batch(batch), len(batch))
            return _keyed(scorer, scores, len(batch))
        except NotRecordedError as error:
            return columns_of([self._missed(error)] * len(batch))
        except (BatchPendingError, NoMoreCallsError) as error:
            if isinstance(error, NoMoreCallsError):
                self._cancel.stop(error.stops, str(error))
            return {PLAIN: ScoreColumn.missing(len(batch), Status.NOT_RUN)}
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plug-in may raise anything
            return columns_of([{PLAIN: failure_of(error)}] * len(batch))

    async def _score_cell(
        self, seat: Seat, scoring: _Scoring, place: int, row: int, cells: list[Cells]
    ) -> None:
        scorer: Any = self._scorers[place]
        batch = scoring.batch
        key = f"{batch.ids[row]}\0{batch.column('repeat')[row]}"
        with self._session.caller(seat):
            known = scoring.work.gathered.cells.get((place, key))
            if known is not None:
                cells[row] = known
                return
            if self._cancel.interrupted:
                cells[row] = _not_run()
                return
            absent = missing_field(batch, requirements_of(scorer), row)
            if absent is not None:
                cells[row] = {PLAIN: lacking(absent)}
                return
            try:
                cells[row] = cells_of(await self._in_time(scorer.score(batch.case(row))))
            except NotRecordedError as error:
                cells[row] = self._missed(error.of_case(batch.ids[row]))
                return
            except (BatchPendingError, NoMoreCallsError) as error:
                if isinstance(error, NoMoreCallsError):  # else, the run is being interrupted
                    self._cancel.stop(error.stops, str(error))
                cells[row] = _not_run()  # not journaled, so that a resume asks again
                return
            except (Exception, SystemExit) as error:  # noqa: BLE001  a plug-in may raise anything
                cells[row] = {PLAIN: failure_of(error)}
            scoring.work.record(CellScored(place, key, cells[row]))

    def _missed(self, error: NotRecordedError) -> Cells:
        why = self._session.recorder.miss(error)
        return _not_run() if why is None else {PLAIN: Score.failed(NOT_RECORDED, why)}

    async def _in_time(self, verdict: Awaitable[Any], n: int = 1) -> Any:
        """Return what *verdict* comes to.

        Raises:
            TimeoutError: If it takes longer than *n* scores may, waits for a turn aside.
        """
        if self._timeout is None:
            return await verdict
        with anyio.fail_after(self._timeout * n) as scope:
            PATIENCE.set(Patience(scope))
            return await verdict

    def close(self) -> None:
        """End the process pool."""
        if self._processes is not None:
            self._processes.close()


def _keyed(scorer: Any, columns: Any, n: int) -> Columns:
    """Return the columns of *n* cells by key; where one is none, all fail in one way."""
    keyed: dict[str, Any] = dict(columns) if isinstance(columns, Mapping) else {PLAIN: columns}
    for key, column in keyed.items():
        under = f" under {key!r}" if key else ""
        what = f"{type(column).__name__}{under}, not ScoreColumn"
        if isinstance(column, ScoreColumn):
            parts = (column.values, column.status, column.weights, column.statistics)
            wrong = next((len(part) for part in parts if part is not None and len(part) != n), n)
            if wrong == n:
                _fail_infinite(column)
                continue
            what = f"a ScoreColumn of length {wrong}{under} for {n} cases"
        why = f"score_batch of {scorer.name} returned {what}."
        return columns_of([{PLAIN: Score.failed("scorer_error", why)}] * n)
    return keyed


def _fail_infinite(column: ScoreColumn) -> None:
    """Turn values that no score may have into failures; NaN marks a cell without a value."""
    import numpy as np

    wrong = (column.status == Status.OK) & np.isinf(column.values)
    if column.statistics is None:
        unlabelled = np.ones(len(column), dtype=bool)
        unlabelled[list(column.labels)] = False
        wrong |= (column.status == Status.OK) & np.isnan(column.values) & unlabelled
    for row in wrong.nonzero()[0].tolist():
        column.fail(row, "scorer_error", f"A score must be finite, got {column.values[row]}.")


def score_whole(scorer: Any, batch: CaseBatch) -> Columns:
    """Score *batch* at once; if that raises, case by case, so that only the guilty ones fail."""
    try:
        return _keyed(scorer, scorer.score_batch(batch), len(batch))
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything
        if len(batch) == 1:
            return columns_of([{PLAIN: failure_of(error)}])
    parts = [score_whole(scorer, batch.take([row])) for row in range(len(batch))]
    return join(parts)


def score_cases(
    scorer: Any, batch: CaseBatch, first: int, found: list[Cells], stop: Callable[[], bool]
) -> list[Cells]:
    """Append to *found* the cells of *batch* from row *first* on, until *stop* says so.

    Runs on one worker thread.
    """
    needs = requirements_of(scorer)
    for row in range(first, len(batch)):
        if stop():
            break
        absent = missing_field(batch, needs, row) if needs else None
        if absent is not None:
            found.append({PLAIN: lacking(absent)})
            continue
        try:
            found.append(cells_of(scorer.score(batch.case(row))))
        except (Exception, SystemExit) as error:  # noqa: BLE001  a user's function may raise anything
            found.append({PLAIN: failure_of(error)})
    return found


def _not_run() -> Cells:
    return {PLAIN: Score(status=Status.NOT_RUN)}


def lacking(field: str) -> Score:
    """Return the outcome of a case that lacks a required *field*."""
    return Score.skipped(f"The case has no {field}.")


def missing_field(batch: CaseBatch, needs: frozenset[str], row: int) -> str | None:
    """Return a required field that the case at *row* lacks, or ``None``."""
    for name in sorted(needs):
        if name in OF_CLASSES:
            continue  # a part of the output, which the scorer reads itself
        value = batch.column(name)[row]
        if value is None or (name == "expectations" and not value):
            return name
    return None

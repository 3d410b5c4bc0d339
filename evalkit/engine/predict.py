"""Calling the target: bounded in flight, in order where a session asks for it, never twice."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import anyio

from evalkit._internal.clock import monotonic
from evalkit.engine.call import NOT_MADE, Call
from evalkit.engine.lanes import ThreadLane
from evalkit.engine.plan import Plan, Shard, seed_of
from evalkit.engine.state import RunState
from evalkit.entities.batch import CaseBatch
from evalkit.entities.score import Status
from evalkit.entities.target import Invocation, Output
from evalkit.errors import BatchPendingError, BudgetSpentError, NotRecordedError, TargetError
from evalkit.llm.batch.census import Seat
from evalkit.llm.limits import PATIENCE, Patience
from evalkit.llm.recording import Recording, recording_of_output
from evalkit.llm.session import Session, current_session

_LOOK_SECONDS: Final = 0.2
"""How often a call that waits for its turn looks whether it is still wanted."""

Ready = Callable[["ShardWork"], Awaitable[None]]
"""Called with each shard whose calls are all done, in whatever order they finish."""


@dataclass(slots=True)
class ShardWork:
    """One shard while its cases are being called."""

    shard: Shard
    batch: CaseBatch
    pending: int
    """Calls still to be made."""

    finished: bool = field(default=False)


@dataclass(frozen=True, slots=True)
class Unit:
    """Calls that must be made one after the other: a session's turns, or one lone case."""

    work: ShardWork
    rows: Sequence[int]
    repeat: int


def units_of(work: ShardWork, repeats: int) -> Iterator[Unit]:
    """Yield the units of a shard: sessions in order of turn, then of the data; lone cases alone."""
    batch = work.batch
    sessions = batch.column("session") if batch.has("session") else [None] * len(batch)
    turns = batch.column("turn")
    rows_of: dict[Any, list[int]] = {}
    for row, session in enumerate(sessions):
        rows_of.setdefault(("row", row) if session is None else ("session", session), []).append(
            row
        )
    for rows in rows_of.values():
        if len(rows) > 1:
            rows.sort(key=lambda row: (turns[row] is None, turns[row] or 0, row))
        for repeat in range(repeats):
            yield Unit(work, rows, repeat)


class Caller:
    """Makes the calls of a plan, at most ``concurrency`` at a time, across shards."""

    def __init__(self, plan: Plan, state: RunState, lane: ThreadLane, ready: Ready) -> None:
        """Call what *state* does not hold yet; tell *ready* of each finished shard."""
        assert plan.target is not None  # noqa: S101  the backend calls nothing for stored outputs
        self._plan = plan
        self._state = state
        self._lane = lane
        self._ready = ready
        self._target: Any = plan.target
        self._metered = getattr(plan.target, "metered", False)
        """Whether its calls go through the model session, which counts, paces and records them."""
        self._pace = _Pace(None if self._metered else plan.limits.requests_per_minute)
        self._session: Session = current_session()

    async def run(self) -> None:
        """Make every call; return when all shards are ready or the run was stopped."""
        if self._target.lane == "batch":
            await self._run_batches()
            return
        units = self._units()
        if self._metered and self._session.batches("target"):
            await self._run_fed(units)
            return
        async with anyio.create_task_group() as workers:
            for _ in range(min(self._plan.limits.concurrency, self._plan.cells)):
                workers.start_soon(self._work, units)

    async def _run_fed(self, units: Iterator[Unit]) -> None:
        """Give every unit a task of its own: those that wait for a batch are not in flight."""
        in_flight = anyio.CapacityLimiter(self._plan.limits.concurrency)
        async with anyio.create_task_group() as workers:
            for unit in units:
                seat = Seat(in_flight)
                await self._session.room()
                await seat.acquire()
                workers.start_soon(self._run_counted, unit, seat)

    async def _run_counted(self, unit: Unit, seat: Seat) -> None:
        with self._session.caller(seat):
            await self._run_unit(unit)
        await self._finish(unit.work)

    async def _finish(self, work: ShardWork) -> None:
        """Hand a shard on once all of its calls are done."""
        if work.pending == 0 and not work.finished:
            work.finished = True
            await self._ready(work)

    async def _run_batches(self) -> None:
        for shard in self._plan.shards:
            if self._stopped() and not self._is_called(shard):
                continue
            work = ShardWork(shard, self._plan.batch(shard), 0)
            with self._session.caller():
                for repeat in range(self._plan.repeats):
                    await self._call_batch(work, repeat)
            await self._ready(work)

    async def _call_batch(self, work: ShardWork, repeat: int) -> None:
        cells = self._plan.cells_of(work.shard)[repeat :: self._plan.repeats]
        missing = [row for row, cell in enumerate(cells) if cell not in self._state.calls]
        if not missing:
            return
        batch = work.batch if len(missing) == len(cells) else work.batch.take(missing)
        limit = self._plan.limits.timeout_seconds
        allowed = None if limit is None else limit * len(missing)
        started = monotonic()
        try:
            results = await self._lane.run(self._target.call_batch, batch, timeout_seconds=allowed)
            each = (monotonic() - started) / len(missing)
            calls = [Call.of(result, each) for result in results]
        except Exception as error:  # noqa: BLE001  a user's estimator may raise anything
            calls = [_failure(error, monotonic() - started, allowed)] * len(missing)
        for row, call in zip(missing, calls, strict=True):
            self._state.record_call(cells[row], call)

    def _units(self) -> Iterator[Unit]:
        for shard in self._plan.shards:
            if self._stopped() and not self._has_calls(shard):
                continue  # but what an earlier process has called is scored
            work = ShardWork(shard, self._plan.batch(shard), len(shard) * self._plan.repeats)
            yield from units_of(work, self._plan.repeats)

    def _has_calls(self, shard: Shard) -> bool:
        return any(cell in self._state.calls for cell in self._plan.cells_of(shard))

    def _is_called(self, shard: Shard) -> bool:
        return all(cell in self._state.calls for cell in self._plan.cells_of(shard))

    async def _work(self, units: Iterator[Unit]) -> None:
        for unit in units:  # one iterator, shared by all workers
            with self._session.caller():
                await self._run_unit(unit)
            await self._finish(unit.work)

    async def _run_unit(self, unit: Unit) -> None:
        work, history = unit.work, list[dict[str, Any]]()
        cells = self._plan.cells_of(work.shard)
        broken: Call | None = None
        for row in unit.rows:
            cell = cells[row * self._plan.repeats + unit.repeat]
            call = self._state.calls.get(cell)
            if call is None:
                call = await self._new_call(unit, row, history, broken)
                if call is None:
                    work.pending -= 1
                    continue
                self._state.record_call(cell, call, metered=self._metered)
            work.pending -= 1
            if len(unit.rows) > 1:
                history.append({"inputs": work.batch.inputs[row], "outputs": call.output})
                if call.status is not Status.OK:
                    explanation = f"An earlier turn of the session failed: {call.explanation}"
                    broken = broken or Call.failed(NOT_MADE, explanation)

    async def _new_call(
        self, unit: Unit, row: int, history: list[dict[str, Any]], broken: Call | None
    ) -> Call | None:
        """Return the call of one case and repeat, or ``None`` where a stop leaves it out."""
        if self._stopped():
            return None
        try:
            return broken or await self._call(unit, row, history)
        except BudgetSpentError:
            self._state.stop("budget")
            return None
        except BatchPendingError:
            return None  # the run is being interrupted; a resume fetches the answer

    async def _call(self, unit: Unit, row: int, history: list[dict[str, Any]]) -> Call | None:
        case = unit.work.batch.case(row)
        invocation = Invocation(
            case=case,
            history=tuple(history),
            repeat=unit.repeat,
            seed=seed_of(self._plan.seed, case.id, unit.repeat),
        )
        recording = self._recording(invocation)
        try:
            known = None if recording is None else self._session.recorder.find(recording)
            if known is not None:
                return dataclasses.replace(Call.from_json(known), cached=True)
            call = await self._made_in_turn(invocation)
        except NotRecordedError as error:
            raise error.of_case(case.id) from None
        if recording is not None and call is not None and call.status is Status.OK:
            self._session.recorder.keep(recording, call.to_json())
        return call

    def _recording(self, invocation: Invocation) -> Recording | None:
        """Return the recording of a versioned target's answer; models are recorded call by call."""
        identity = self._target.identity
        if identity.version is None or self._metered or not self._session.recorder.on:
            return None
        return recording_of_output(identity, invocation)

    async def _made_in_turn(self, invocation: Invocation) -> Call | None:
        await self._pace.wait(self._state.stopping.is_set)
        if self._stopped():  # while it waited
            return None
        if self._metered:
            return await self._made(invocation)
        with self._session.under_way("target"):
            return await self._made(invocation)

    async def _made(self, invocation: Invocation) -> Call:
        timeout = self._plan.limits.timeout_seconds
        started, patience = monotonic(), Patience()
        try:
            if self._target.lane == "async":
                with anyio.fail_after(timeout) as scope:
                    patience.scope = scope
                    PATIENCE.set(patience)
                    output: Output = await self._target.acall(invocation)
            else:
                output = await self._lane.run(
                    self._target.call, invocation, timeout_seconds=timeout
                )
        except (BatchPendingError, BudgetSpentError, NotRecordedError):
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return _failure(error, monotonic() - started - patience.waited)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a target may raise anything
            return _failure(error, monotonic() - started - patience.waited, timeout)
        seconds = monotonic() - started - patience.waited
        return Call.answered(output, None if patience.batched else seconds)

    def _stopped(self) -> bool:
        if not self._state.stopping.is_set():
            try:
                self._session.check("target")
            except BudgetSpentError:
                self._state.stop("budget")
        return self._state.stopping.is_set()


def _failure(error: BaseException, seconds: float, timeout: float | None = None) -> Call:
    if isinstance(error, TargetError):
        return Call.failed(error.reason, error.explanation, seconds)
    if isinstance(error, TimeoutError) and timeout is not None and seconds >= timeout * 0.99:
        return Call.failed("timeout", f"No answer within {timeout:g} s.", seconds)
    return Call.failed("target_error", f"{type(error).__name__}: {error}", seconds)


class _Pace:
    """Spaces the starts of calls evenly, where a rate was asked for."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0

    async def wait(self, stopped: Callable[[], bool]) -> None:
        """Return when the next call may start, or once *stopped* says that none will."""
        if not self._gap:
            return
        start = self._next = max(self._next + self._gap, monotonic())
        # No event to wait for: a stop may come from another thread.
        while (left := start - monotonic()) > 0 and not stopped():  # noqa: ASYNC110
            await asyncio.sleep(min(left, _LOOK_SECONDS))

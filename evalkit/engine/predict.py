"""Calling the target: bounded in flight, in order where a session asks for it, never twice."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import anyio

from evalkit._internal.clock import monotonic
from evalkit.engine.call import Call
from evalkit.engine.cancel import Cancel
from evalkit.engine.lanes import ThreadLane
from evalkit.engine.plan import Plan, seed_of
from evalkit.engine.records import Begun, Called
from evalkit.engine.state import ShardWork
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.infrastructure import NOT_RECORDED, infrastructure_reason
from evalkit.entities.score import Status
from evalkit.entities.target import Invocation, Output
from evalkit.errors import BatchPendingError, NoMoreCallsError, NotRecordedError, TargetError
from evalkit.llm.batch.census import Seat
from evalkit.llm.exchanges import Tape
from evalkit.llm.limits import PATIENCE, Patience
from evalkit.llm.recording import Recording, recording_of_output
from evalkit.llm.session import ModelSession

_LOOK_SECONDS: Final = 0.2
"""How often a call that waits for its turn looks whether it is still wanted."""


def _nothing(_: object) -> None:
    """Learn nothing of a call: the model session does."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Calls that must be made one after the other: a session's turns, or one lone case."""

    rows: Sequence[int]
    repeat: int


def occurrences(plan: Plan) -> dict[str, int]:
    """Return, of each case that asks what an earlier one has asked, how many did before it.

    A model that draws its answers is asked once for each, as whoever repeats a row expects.
    """
    seen: Counter[str] = Counter()
    places: dict[str, int] = {}
    for case, inputs in zip(plan.spool.strings("id"), plan.spool.strings("inputs"), strict=True):
        if seen[inputs]:
            places[case] = seen[inputs]
        seen[inputs] += 1
    return places


def units_of(batch: CaseBatch, repeats: int) -> Iterator[Unit]:
    """Yield the units of a shard: sessions in order of turn, then of the data; lone cases alone."""
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
            yield Unit(rows, repeat)


class Caller:
    """Makes the calls of shards, at most ``concurrency`` at a time for all of them together."""

    def __init__(self, plan: Plan, session: ModelSession, lane: ThreadLane, cancel: Cancel) -> None:
        """Call nothing yet."""
        self._plan = plan
        self._session = session
        self._lane = lane
        self._cancel = cancel
        self._target: Any = plan.target
        self._metered = getattr(plan.target, "metered", False)
        """Whether its calls go through the model session, which counts, paces and records them."""
        is_code = plan.target is not None and plan.target.identity.kind == "callable"
        self._taped = is_code and session.recorder.http
        """Whether it runs in any case, and what it asks by HTTP is recorded and replayed."""
        self._pace = _Pace(None if self._metered else plan.limits.requests_per_minute)
        self._occurrences = occurrences(plan) if getattr(plan.target, "draws", False) else {}
        self._in_flight = anyio.CapacityLimiter(plan.limits.concurrency)
        self._turn = anyio.Lock()

    async def call(self, work: ShardWork) -> CaseBatch:
        """Make the calls of a shard that are not made yet, and return its cases.

        A shard begins once every call of the one before has begun, so that the order of shards is
        the order of calls, and none waits for the slowest call of another.
        """
        batch = self._plan.batch(work.shard)
        async with anyio.create_task_group() as group, self._turn:
            if self._target.lane == "batch":
                with self._session.caller():
                    for repeat in range(self._plan.repeats):
                        await self._call_batch(work, batch, repeat)
                return batch
            for unit in units_of(batch, self._plan.repeats):
                seat = Seat(self._in_flight)
                await self._session.room()
                await seat.acquire()
                group.start_soon(self._run_unit, work, batch, unit, seat)
        return batch

    async def _call_batch(self, work: ShardWork, batch: CaseBatch, repeat: int) -> None:
        cells = self._plan.cells_of(work.shard)[repeat :: self._plan.repeats]
        missing = [row for row, cell in enumerate(cells) if cell not in work.gathered.calls]
        if not missing or self._stopped():
            return
        for row in missing:
            work.record(Begun(cells[row]))
        chosen = batch if len(missing) == len(cells) else batch.take(missing)
        limit = self._plan.limits.timeout_seconds
        allowed = None if limit is None else limit * len(missing)
        started = monotonic()
        try:
            results = await self._lane.run(self._target.call_batch, chosen, timeout_seconds=allowed)
            each = (monotonic() - started) / len(missing)
            calls = [Call.answered(result, each) for result in results]
            if len(calls) != len(missing):
                raise ValueError(f"{len(calls)} answers for {len(missing)} cases")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001  a user's estimator may raise anything
            calls = [_failure(error, monotonic() - started, allowed)] * len(missing)
        for row, call in zip(missing, calls, strict=True):
            work.record(Called.of(cells[row], call))

    async def _run_unit(self, work: ShardWork, batch: CaseBatch, unit: Unit, seat: Seat) -> None:
        with self._session.caller(seat):
            history = list[dict[str, Any]]()
            cells = self._plan.cells_of(work.shard)
            broken: Call | None = None
            for row in unit.rows:
                cell = cells[row * self._plan.repeats + unit.repeat]
                call = work.gathered.calls.get(cell)
                if call is None:
                    work.record(Begun(cell))
                    call = await self._new_call(batch.case(row), unit.repeat, history, broken)
                    if call is None:  # without its answer, no later turn can be asked
                        return
                    record = Called.of(cell, call, metered=self._metered)
                    work.record(record)
                    call = record.call
                    self._keep(batch.case(row), unit.repeat, history, call)
                if len(unit.rows) > 1:
                    history.append({"inputs": batch.inputs[row], "outputs": call.output})
                    if call.status is not Status.OK:
                        broken = broken or Call.after(call)

    async def _new_call(
        self, case: Case, repeat: int, history: list[dict[str, Any]], broken: Call | None
    ) -> Call | None:
        """Return the call of one case and repeat, or ``None`` where a stop leaves it out."""
        if self._stopped():
            return None
        if broken is not None and broken.reason == NOT_RECORDED:
            why = broken.explanation or ""
            self._session.recorder.miss(NotRecordedError("An earlier turn", why, case.id))
        try:
            return broken or await self._call(case, repeat, history)
        except NoMoreCallsError as error:
            self._cancel.stop(error.stops, str(error))
            return None
        except BatchPendingError:
            return None  # the run is being interrupted; a resume fetches the answer

    async def _call(self, case: Case, repeat: int, history: list[dict[str, Any]]) -> Call | None:
        invocation = self._invocation(case, repeat, history)
        recording = self._recording(invocation)
        try:
            recorded = None if recording is None else self._session.recorder.find(recording)
            if recorded is not None:
                self._session.recorder.note_replay("output", recorded)
                return dataclasses.replace(Call.from_json(recorded), cached=True)
            return await self._made_in_turn(invocation)
        except NotRecordedError as error:
            why = self._session.recorder.miss(error.of_case(case.id))
            return None if why is None else Call.failed(NOT_RECORDED, why)

    def _keep(self, case: Case, repeat: int, history: list[dict[str, Any]], call: Call) -> None:
        """Record the answer of a versioned target, once the journal has counted it."""
        if call.status is Status.OK and not call.cached:
            recording = self._recording(self._invocation(case, repeat, history))
            if recording is not None:
                self._session.recorder.keep(recording, call.to_json())

    def _invocation(self, case: Case, repeat: int, history: list[dict[str, Any]]) -> Invocation:
        seed = seed_of(self._plan.seed, case.id, repeat)
        return Invocation(
            case=case,
            history=tuple(history),
            repeat=repeat,
            occurrence=self._occurrences.get(case.id, 0),
            seed=seed,
        )

    def _recording(self, invocation: Invocation) -> Recording | None:
        """Return the recording of a versioned target's answer; models are recorded call by call."""
        identity = self._target.identity
        recorded = self._session.recorder.on and not self._metered and not self._taped
        if identity.version is None or not recorded:
            return None
        return recording_of_output(identity, invocation)

    async def _made_in_turn(self, invocation: Invocation) -> Call | None:
        await self._pace.wait(lambda: self._cancel.is_set)
        if self._stopped():  # while it waited
            return None
        if self._metered:
            return await self._made(invocation)
        health, name = self._session.health, self._target.identity.name
        health.check(name)
        with self._session.under_way("target"):
            return await self._made(invocation, functools.partial(health.learn, name))

    async def _made(
        self, invocation: Invocation, learn: Callable[[BaseException | None], None] = _nothing
    ) -> Call:
        timeout = self._plan.limits.timeout_seconds
        started, patience = monotonic(), Patience()
        tape = None
        if self._taped and self._session.recorder.on:
            tape = Tape(self._session.recorder, invocation.case.id, invocation.repeat)
        try:
            with contextlib.nullcontext() if tape is None else tape.running():
                if self._target.lane == "async":
                    with anyio.fail_after(timeout) as scope:
                        patience.scope = scope
                        PATIENCE.set(patience)
                        output: Output = await self._target.acall(invocation)
                else:
                    output = await self._lane.run(
                        self._target.call, invocation, timeout_seconds=timeout
                    )
        except (BatchPendingError, NoMoreCallsError, NotRecordedError):
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return _failure(error, monotonic() - started - patience.waited)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a target may raise anything
            learn(error)
            return _failure(error, monotonic() - started - patience.waited, timeout)
        seconds = monotonic() - started - patience.waited
        learn(None)
        if self._metered and patience.called != 0.0:  # the same when it is replayed
            return Call.answered(output, patience.called)
        if patience.batched or patience.replayed is None:
            return Call.answered(output, None)
        seconds += patience.replayed + (0.0 if tape is None else tape.replayed_seconds)
        return Call.answered(output, seconds)

    def _stopped(self) -> bool:
        if not self._cancel.is_set:
            try:
                self._session.check("target")
            except NoMoreCallsError as error:
                self._cancel.stop(error.stops, str(error))
        return self._cancel.is_set


def _failure(error: BaseException, seconds: float, timeout: float | None = None) -> Call:
    if isinstance(error, TargetError):
        return Call.failed(error.reason, error.explanation, seconds)
    if isinstance(error, TimeoutError) and timeout is not None and seconds >= timeout * 0.99:
        return Call.failed("timeout", f"No answer within {timeout:g} s.", seconds)
    reason = infrastructure_reason(error) or "target_error"
    notes: list[str] = getattr(error, "__notes__", [])
    return Call.failed(reason, " ".join([*notes, f"{type(error).__name__}: {error}"]), seconds)


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

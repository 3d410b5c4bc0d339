"""The local backend: all shards in this process, calls and scores overlapping."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from evalkit._internal.collector import without_old_objects
from evalkit.engine.call import Call
from evalkit.engine.lanes import ThreadLane
from evalkit.engine.plan import Plan, Shard
from evalkit.engine.predict import Caller, ShardWork
from evalkit.engine.score import ShardScorer
from evalkit.engine.sessions import conversing
from evalkit.engine.state import RunState
from evalkit.entities.batch import CaseBatch
from evalkit.entities.score import Score, Status
from evalkit.llm.session import current_session
from evalkit.scoring.reading import follow

_AHEAD = 2
"""Called shards that may wait for scoring; more would only fill the memory."""


async def run_local(plan: Plan, state: RunState) -> None:
    """Call and score whatever of *plan* is not in *state* yet.

    Returns early, with what is done recorded, once ``state.stopping`` is set.

    Raises:
        JournalError: If the journal cannot be written.
    """
    lane = ThreadLane()
    scorer = ShardScorer(
        plan.scorers,
        state,
        lane,
        concurrency=plan.limits.concurrency,
        timeout_seconds=plan.limits.timeout_seconds,
    )
    try:
        with without_old_objects():
            if plan.target is None:
                await _score_stored(plan, state, scorer, lane)
            else:
                await _call_and_score(plan, state, scorer, lane)
    finally:
        scorer.close()
        lane.close()
        await _close_target(plan)
    if lane.abandoned:
        state.notes.append(f"{lane.abandoned} calls overran their timeout and were abandoned.")


async def _close_target(plan: Plan) -> None:
    close: Any = getattr(plan.target, "aclose", None)
    if close is not None:
        with anyio.CancelScope(shield=True):
            await close()


async def _score_stored(plan: Plan, state: RunState, scorer: ShardScorer, lane: ThreadLane) -> None:
    async with _Scoring() as scoring:
        for shard in plan.shards:
            if state.stopping.is_set():
                return
            if not _is_scored(plan, state, shard):
                await scoring.begin(_score_stored_shard, plan, state, scorer, lane, shard)


async def _score_stored_shard(
    plan: Plan, state: RunState, scorer: ShardScorer, lane: ThreadLane, shard: Shard
) -> None:
    with current_session().caller():
        batch = conversing(await lane.run(plan.stored_cells, shard), plan.scorers)
    failures = {
        row: Score.failed(*state.failures[cell])
        for row, cell in enumerate(plan.cells_of(shard))
        if cell in state.failures
    }
    await scorer.score(shard.index, batch, failures)


class _Scoring:
    """Scores shards one after the other; all together where judgements wait for batches."""

    def __init__(self) -> None:
        together = current_session().batches("judge")
        self._group = anyio.create_task_group() if together else None

    async def __aenter__(self) -> Self:
        if self._group is not None:
            await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return None if self._group is None else await self._group.__aexit__(kind, error, trace)

    async def begin(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        """Do *work*, at once or beside what has begun before."""
        if self._group is None:
            await work(*arguments)
        else:
            await current_session().room()
            self._group.start_soon(work, *arguments)


def _is_scored(plan: Plan, state: RunState, shard: Shard) -> bool:
    return all((shard.index, place) in state.scored for place in range(len(plan.scorers)))


async def _call_and_score(
    plan: Plan, state: RunState, scorer: ShardScorer, lane: ThreadLane
) -> None:
    send, receive = anyio.create_memory_object_stream[ShardWork](_AHEAD)
    async with anyio.create_task_group() as group:
        group.start_soon(_score_ready, plan, state, scorer, receive)
        await _call_all(plan, state, lane, send)


async def _call_all(
    plan: Plan, state: RunState, lane: ThreadLane, send: MemoryObjectSendStream[ShardWork]
) -> None:
    async with send:
        await Caller(plan, state, lane, send.send).run()


async def _score_ready(
    plan: Plan,
    state: RunState,
    scorer: ShardScorer,
    receive: MemoryObjectReceiveStream[ShardWork],
) -> None:
    async with receive, _Scoring() as scoring:
        async for work in receive:
            if state.stop_reason == "decided":
                continue  # what was called is kept; no judge need be asked any more
            await scoring.begin(_score_called, plan, state, scorer, work)


async def _score_called(plan: Plan, state: RunState, scorer: ShardScorer, work: ShardWork) -> None:
    batch, failures = answered_batch(plan, state, work.shard, work.batch)
    batch = conversing(batch, plan.scorers)
    await scorer.score(work.shard.index, batch, failures)
    if all(outcome.status is not Status.NOT_RUN for outcome in failures.values()):
        _forget(plan, state, work.shard)


def _forget(plan: Plan, state: RunState, shard: Shard) -> None:
    """Drop the calls of a scored shard from memory; the journal has them."""
    for cell in plan.cells_of(shard):
        state.calls.pop(cell, None)


def answered_batch(
    plan: Plan, state: RunState, shard: Shard, batch: CaseBatch
) -> tuple[CaseBatch, dict[int, Score]]:
    """Return the cells of *shard* with what the target answered, and the outcomes of the rest."""
    calls = [state.calls.get(cell) for cell in plan.cells_of(shard)]
    count = len(calls)
    failures = {row: _outcome(call) for row, call in enumerate(calls) if not _answered(call)}
    if plan.repeats > 1:
        batch = batch.take([row // plan.repeats for row in range(count)])
    filled: list[Call] = [Call() if call is None else call for call in calls]
    columns: dict[str, list[Any]] = {
        "outputs": [call.output for call in filled],
        "repeat": [row % plan.repeats for row in range(count)],
    }
    for name in ("latency_seconds", "time_to_first_token", "usage", "cost"):
        columns[name] = [getattr(call, name) for call in filled]
    for name in ("retrieved_context", "tool_calls", "metadata"):
        if any(getattr(call, name) is not None for call in filled):
            columns[name] = [getattr(call, name) for call in filled]
    for name, path in plan.from_output.items():
        columns[name] = [follow(call.output, path) for call in filled]
    return batch.replacing(**columns), failures


def _answered(call: Call | None) -> bool:
    return call is not None and call.status is Status.OK


def _outcome(call: Call | None) -> Score:
    if call is None:
        return Score(status=Status.NOT_RUN)
    if call.reason == "skipped":  # the target said that the case does not apply to it
        return Score.skipped(call.explanation)
    return Score.failed(call.reason or "target_error", call.explanation)

"""One shard from cases to columns, wherever it runs: the seam that every backend works over."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

import anyio

from evalkit._internal.collector import without_old_objects
from evalkit.engine.absent import EMPTY
from evalkit.engine.call import Call
from evalkit.engine.cancel import Cancel
from evalkit.engine.lanes import ThreadLane
from evalkit.engine.plan import Plan, Shard
from evalkit.engine.predict import Caller
from evalkit.engine.records import Charged
from evalkit.engine.score import ShardScorer
from evalkit.engine.sessions import conversing
from evalkit.engine.state import Emit, Gathered, ShardResult, ShardWork
from evalkit.entities.batch import CaseBatch
from evalkit.entities.score import Score, Status
from evalkit.errors import EvalkitError
from evalkit.llm.session import ModelSession, use_session
from evalkit.llm.usage import Charge
from evalkit.scoring.reading import follow

_AT_ONCE = 4
"""Shards of a live target on their way at once: one is called, one ends its calls, two are scored
or wait for it; more would only fill the memory."""


async def run_shard(
    plan: Plan,
    shard: Shard,
    session: ModelSession,
    *,
    before: Gathered | None = None,
    emit: Emit | None = None,
) -> ShardResult:
    """Call and score one shard; what comes back, and each record on its way, is all there is.

    Nothing is written but recordings of model calls, by *session*.

    Args:
        plan: What to run; it pickles where its target and scorers can be imported by name.
        shard: One of the plan's shards.
        session: What models are asked through: recordings, pace and budget of this shard alone.
        before: What was recorded of the shard before, which is not done again.
        emit: Takes each finished call, cell, batch of scores and charge at once; what it has taken
            when the process is killed is all that can be given back as *before*.

    Raises:
        NotRecordedError: If only recordings may answer, and one is missing.
    """
    gathered = before or Gathered()
    keep = emit or (lambda _: None)

    def charge(role: str, cost: Charge) -> None:
        keep(Charged(role, cost))
        gathered.ledger.restore(role, cost)

    session.report(charge)
    async with workbench(plan, session, keep, Cancel()) as bench:
        return await bench.run(shard, gathered)


@contextlib.asynccontextmanager
async def workbench(
    plan: Plan, session: ModelSession, emit: Emit, cancel: Cancel
) -> AsyncGenerator[Workbench]:
    """Set up what the shards of one process share, with *session* in force, and clear it away."""
    with use_session(session), without_old_objects():
        async with session.open():
            bench = Workbench(plan, session, emit, cancel)
            try:
                yield bench
            finally:
                await bench.close()


class Workbench:
    """What the shards of one process share: threads, places in flight, pace, and the session."""

    def __init__(self, plan: Plan, session: ModelSession, emit: Emit, cancel: Cancel) -> None:
        """Start nothing yet; `workbench` puts the session in force."""
        self._plan = plan
        self._session = session
        self._emit = emit
        self._cancel = cancel
        self._lane = ThreadLane()
        self._caller = Caller(plan, session, self._lane, cancel)
        self._scorer = ShardScorer(plan, session, self._lane, cancel)
        self._turn = anyio.Lock()

    async def run_all(
        self,
        following: Callable[[], Awaitable[tuple[Shard, Gathered] | None]],
        finish: Callable[[ShardResult], None],
        at_once: int = _AT_ONCE,
    ) -> None:
        """Run shards until none is *following*, and *finish* each; live ones *at_once*.

        Where calls wait for batches, all are on their way together, so that batches are full.
        """
        together = self._session.batches("judge") or self._session.batches("target")
        if self._plan.target is None:
            at_once = 1

        async def work() -> None:
            while True:
                async with self._turn:
                    await self._session.room()
                    given = await following()
                if given is None:
                    return
                finish(await self.run(*given))

        async with anyio.create_task_group() as group:
            for _ in range(len(self._plan.shards) if together else at_once):
                group.start_soon(work)

    async def run(self, shard: Shard, before: Gathered) -> ShardResult:
        """Call and score whatever of *shard* is not in *before* yet, which it is added to.

        Comes back early, with what is done recorded, once an end is asked for.
        """
        plan, work = self._plan, ShardWork(shard, before, self._emit)
        if plan.target is None:
            with self._session.caller():
                batch = await self._lane.run(plan.stored_cells, shard)
            failures, absent = _stored_failures(before, batch, plan.cells_of(shard))
        else:
            cases = await self._caller.call(work)
            if self._cancel.reason == "decided":  # no judge need be asked any more
                return ShardResult(shard, before, "decided")
            batch, failures = answered(plan, before, shard, cases)
            absent = {}
        await self._scorer.score(work, conversing(batch, plan.scorers), failures, absent)
        return ShardResult(shard, before, self._cancel.reason)

    async def close(self) -> None:
        """End what has been started."""
        self._scorer.close()
        self._lane.close()
        close: Any = getattr(self._plan.target, "aclose", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await close()

    @property
    def abandoned(self) -> int:
        """Calls that overran their timeout and may still be running."""
        return self._lane.abandoned


def _stored_failures(
    gathered: Gathered, batch: CaseBatch, cells: Sequence[int]
) -> tuple[dict[int, Score], dict[int, Score]]:
    """Return what cannot be scored of stored cells at all, and what not by those who read answers.

    A case that lacks its answer alone has everything else, and so has a trace that was recorded
    although it ended in an error.
    """
    failures: dict[int, Score] = {}
    absent: dict[int, Score] = {}
    for row, cell in enumerate(cells):
        if cell in gathered.failures:
            reason, explanation = gathered.failures[cell]
            kept = reason == EMPTY or batch.has("trace")
            (absent if kept else failures)[row] = Score.failed(reason, explanation)
    return failures, absent


def answered(
    plan: Plan, gathered: Gathered, shard: Shard, batch: CaseBatch
) -> tuple[CaseBatch, dict[int, Score]]:
    """Return the cells of *shard* with what the target answered, and the outcomes of the rest."""
    calls = [gathered.calls.get(cell) for cell in plan.cells_of(shard)]
    failures = {
        row: _outcome(call)
        for row, call in enumerate(calls)
        if call is None or call.status is not Status.OK
    }
    if plan.repeats > 1:
        batch = batch.take([row // plan.repeats for row in range(len(calls))])
    filled: list[Call] = [Call() if call is None else call for call in calls]
    columns: dict[str, list[Any]] = {
        "outputs": [call.output for call in filled],
        "repeat": [row % plan.repeats for row in range(len(calls))],
    }
    for name in ("latency_seconds", "time_to_first_token", "usage", "cost"):
        columns[name] = [getattr(call, name) for call in filled]
    for name in ("retrieved_context", "tool_calls", "metadata"):
        if any(getattr(call, name) is not None for call in filled):
            columns[name] = [getattr(call, name) for call in filled]
    for name, path in plan.from_output.items():
        columns[name] = [follow(call.output, path) for call in filled]
    return batch.replacing(**columns), failures


def _outcome(call: Call | None) -> Score:
    if call is None:
        return Score(status=Status.NOT_RUN)
    if call.reason == "skipped":  # the target said that the case does not apply to it
        return Score.skipped(call.explanation)
    return Score.failed(call.reason or "target_error", call.explanation)


def first_error(error: BaseException) -> BaseException:
    """Return what is inside nested exception groups: an error of ours first, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inner = [first_error(one) for one in error.exceptions]
    return next((one for one in inner if isinstance(one, EvalkitError)), inner[0])

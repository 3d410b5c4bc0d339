"""The backend of local processes: k workers over the same seam, and one driver that keeps books.

The driver alone writes the journal and holds the budget; a worker gets shards, and everything that
comes of one comes back as records.  One that dies loses nothing that it has told: another takes its
shards, and makes again no more than the calls that were in flight.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import math
import multiprocessing
import pickle
import signal
import threading
from collections import Counter, deque
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final

import anyio.to_thread

from evalkit._internal.clock import monotonic
from evalkit.engine.backend.worker import Opener, work
from evalkit.engine.call import Call
from evalkit.engine.plan import Plan, Shard
from evalkit.engine.portable import check_portable
from evalkit.engine.records import Called, Scored, decoded
from evalkit.engine.state import Gathered, RunState
from evalkit.engine.verdicts import PLAIN, Cells, columns_of
from evalkit.entities.score import Score
from evalkit.errors import NoMoreCallsError, UsageError
from evalkit.llm.session import ModelSession

_LOOK_SECONDS: Final = 0.1
"""How often to look whether an end is asked for."""

_LEAVE_SECONDS: Final = 5.0
"""What a worker may take to end once it has nothing more to do: a thread of a target may go on."""

_MOST_DEATHS: Final = 3
"""Deaths over one shard after which what was in flight is given up."""


async def run_processes(plan: Plan, state: RunState, session: ModelSession, opener: Opener) -> None:
    """Call and score what of *plan* is not in *state* yet, in ``plan.limits.workers`` processes.

    Returns early, with what is done recorded, once an end is asked for.

    Args:
        plan: What to run; see `check_portable`.
        state: Takes all records, and keeps them.
        session: Holds the budget, and what was spent of it.
        opener: Opens the session of a worker, with its share of the pace.

    Raises:
        UsageError: If target or a scorer cannot be sent to another process, or none begins.
        JournalError: If the journal cannot be written.
    """
    driver = _Driver(plan, state, session, opener)
    try:
        await anyio.to_thread.run_sync(driver.run, abandon_on_cancel=True)
    finally:
        driver.close()


@dataclass(slots=True)
class _Worker:
    """A worker process, as the driver knows it."""

    process: SpawnProcess
    pipe: Connection
    began: bool = False
    ended: bool = False
    """Whether it has been told that there is nothing more to do."""

    wishes: bool = False
    """Whether it waits for a shard."""

    shards: dict[int, Shard] = field(default_factory=dict[int, Shard])
    """Shards in its hands by index."""

    calls: set[int] = field(default_factory=set[int])
    """Cells whose calls have begun."""

    leaves_by: float = math.inf
    """When it is ended, if it has not ended by itself."""

    leases: list[tuple[str, AbstractContextManager[Any]]] = field(default_factory=list[Any])
    """Calls that count against the budget until they are given back, by role."""


class _Driver:
    """Hands out shards and leases, keeps what comes back, and replaces workers that die."""

    def __init__(self, plan: Plan, state: RunState, session: ModelSession, opener: Opener) -> None:
        check_portable([*plan.scorers, *([] if plan.target is None else [plan.target])])
        self._plan = plan
        self._state = state
        self._session = session
        self._parcels = [pickle.dumps((share, opener)) for share in shares_of(plan)]
        self._shards = state.unfinished(plan)
        self._lost: deque[Shard] = deque()
        """Shards of dead workers."""

        self._workers: list[_Worker] = []
        self._deaths: Counter[int] = Counter()
        """Deaths over each shard; those before any work under -1."""

        self._stopped: str | None = None
        self._abandoned = 0
        self._closed = False
        self._guard = threading.Lock()
        """Held while anything is kept: where the run is cancelled, nothing is kept afterwards."""

    def run(self) -> None:
        """Run all there is to do; blocks."""
        # A script that leaves in spite of its workers must not be made to wait for them.
        atexit.register(self.close)
        for parcel in self._parcels:
            with self._guard:
                if not self._closed:
                    self._start(parcel)
        while self._workers and not self._closed:
            ready = wait([worker.pipe for worker in self._workers], _LOOK_SECONDS)
            with self._guard:
                if not self._closed:
                    self._turn(ready)
        self._state.note_abandoned(self._abandoned)

    def _turn(self, ready: Collection[Any]) -> None:
        """Take in what the *ready* pipes hold, and say what there is to do next."""
        for worker in [worker for worker in self._workers if worker.pipe in ready]:
            self._hear(worker)
        if self._state.cancel.reason != self._stopped:
            self._stopped = self._state.cancel.reason
            for worker in self._workers:
                self._say(worker, "stop", self._stopped)
        self._grant_wishes()
        now = monotonic()
        for worker in self._workers:
            if now > worker.leaves_by:
                worker.process.kill()

    def close(self) -> None:
        """End the workers, whatever they are at."""
        atexit.unregister(self.close)
        with self._guard:
            self._closed = True
            for worker in self._workers:
                worker.process.kill()

    def _start(self, parcel: bytes) -> None:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=work, args=(theirs, parcel), name="evalkit-worker")
        # Ctrl-C goes to every process of a terminal; one that has just begun cannot ignore it yet.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        if self._stopped:
            self._say(worker, "stop", self._stopped)

    def _say(self, worker: _Worker, kind: str, value: Any) -> None:
        with contextlib.suppress(OSError):  # it is dead, which its end of the pipe will tell
            worker.pipe.send((kind, value))

    def _hear(self, worker: _Worker) -> None:
        try:
            kind, *values = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        worker.began = True
        match kind:
            case "record":
                self._keep(worker, *values)
                self._say(worker, "answer", None)
            case "begun":
                worker.calls.add(*values)
            case "look" | "take":
                self._say(worker, "answer", self._refusal(worker, kind, *values))
            case "give":
                self._give_back(worker, *values)
            case "next":
                worker.wishes = True
            case "done":
                self._state.forget(self._plan, worker.shards.pop(*values))
            case "stopped":
                self._state.cancel.stop(*values)
            case "bye":
                self._take_leave(worker, *values)
            case _:
                raise values[0]

    def _take_leave(
        self, worker: _Worker, abandoned: int, replayed: Mapping[str, list[int | None]]
    ) -> None:
        self._abandoned += abandoned
        for kind, moments in replayed.items():
            self._session.recorder.replayed.setdefault(kind, []).extend(moments)
        worker.leaves_by = monotonic() + _LEAVE_SECONDS

    def _keep(
        self, worker: _Worker, kind: bytes, payload: bytes, kept: bool, charged: str | None
    ) -> None:
        """Keep a record; a call that it charges for counts as spent now, no longer as begun."""
        record = decoded(kind, payload)
        assert record is not None  # noqa: S101  the worker is of this version
        if isinstance(record, Scored) and not kept:
            record = dataclasses.replace(record, kept=False)
        self._state.record(record, (kind, payload))
        if charged is not None:
            self._give_back(worker, charged)

    def _refusal(
        self, worker: _Worker, kind: str, role: str, own: int = 0
    ) -> NoMoreCallsError | None:
        """Return why a call must not be made, if so; one that is taken counts from now on."""
        try:
            self._session.check(role, own=own)
        except NoMoreCallsError as refusal:
            return refusal
        if kind == "take":
            lease = self._session.under_way(role)
            lease.__enter__()
            worker.leases.append((role, lease))
        return None

    @staticmethod
    def _give_back(worker: _Worker, role: str) -> None:
        place = next(i for i, (taken, _) in enumerate(worker.leases) if taken == role)
        worker.leases.pop(place)[1].__exit__(None, None, None)

    def _grant_wishes(self) -> None:
        for worker in [worker for worker in self._workers if worker.wishes]:
            shard = self._shard_for(worker)
            if shard is not None:
                worker.wishes = False
                worker.shards[shard.index] = shard
                self._say(worker, "shard", (shard, self._before(shard)))
            elif not self._lost and not any(other.shards for other in self._workers):
                # No sooner: a worker may die, and its shards be handed out again.
                worker.wishes, worker.ended = False, True
                self._say(worker, "shard", None)

    def _shard_for(self, worker: _Worker) -> Shard | None:
        """Return what *worker* may have; a shard that a worker died over is alone in its hands.

        So the next death tells whose doing it is: of the calls in flight, or of a scorer.
        """
        if not worker.shards:
            while self._lost:
                shard = self._lost.popleft()
                cells = self._plan.cells_of(shard)
                if not self._stopped or any(cell in self._state.calls for cell in cells):
                    return shard
        elif any(self._deaths[index] for index in worker.shards):
            return None
        return next(self._shards, None)

    def _before(self, shard: Shard) -> Gathered:
        """Return what was recorded of *shard*, and of no other."""
        part = self._state.part(self._plan, shard)
        if part.cells:
            places, repeats = range(len(self._plan.scorers)), range(self._plan.repeats)
            ids = self._plan.batch(shard).ids
            keys = ((p, f"{case}\0{r}") for p in places for case in ids for r in repeats)
            part.cells = {key: self._state.cells[key] for key in keys if key in self._state.cells}
        return part

    def _bury(self, worker: _Worker) -> None:
        """Let go of a worker that has ended; where it was at work, another one takes its place."""
        self._workers.remove(worker)
        worker.process.join()
        worker.pipe.close()
        for _, lease in worker.leases:
            lease.__exit__(None, None, None)
        if worker.ended or self._closed:
            return
        for index in worker.shards or (() if worker.began else (-1,)):
            self._deaths[index] += 1
        code = worker.process.exitcode or 0
        # By an error, which the next one would meet too; by a signal, it may have been chance.
        if not worker.began and (code > 0 or self._deaths[-1] >= _MOST_DEATHS):
            raise UsageError(
                f"Worker processes end before they begin (exit code {code}); what they wrote above "
                "says why.  backend='local' needs none."
            )
        for index, shard in worker.shards.items():
            if self._deaths[index] >= _MOST_DEATHS:
                self._give_up(shard, worker.calls)
            self._lost.append(shard)
        self._start(self._parcels[0])

    def _give_up(self, shard: Shard, begun: set[int]) -> None:
        """Fail the calls that were in flight when a worker died, or the scores of their shard."""
        plan, state = self._plan, self._state
        self._deaths[shard.index] = 0
        explanation = f"The worker process died {_MOST_DEATHS} times over it."
        cells = [c for c in plan.cells_of(shard) if c in begun and c not in state.calls]
        for cell in cells:
            state.record(Called.of(cell, Call.failed("target_error", explanation)))
        places = range(len(plan.scorers)) if not cells else ()
        unscored = [place for place in places if (shard.index, place) not in state.scored]
        if not cells and not unscored:
            raise RuntimeError(f"Worker processes die over {shard}, and nothing is left to fail.")
        failed: Cells = {PLAIN: Score.failed("scorer_error", explanation)}
        for place in unscored:
            columns = columns_of([failed] * len(shard) * plan.repeats)
            state.record(Scored(shard.index, place, columns))


def shares_of(plan: Plan) -> list[Plan]:
    """Return the plan of each worker: with its share of what may be in flight, and of the pace."""
    limits = plan.limits
    n = max(1, min(limits.workers, limits.concurrency, len(plan.shards)))
    rate = limits.requests_per_minute
    return [
        dataclasses.replace(
            plan,
            limits=dataclasses.replace(
                limits,
                concurrency=(limits.concurrency + i) // n,
                requests_per_minute=None if rate is None else rate / n,
            ),
        )
        for i in range(n)
    ]

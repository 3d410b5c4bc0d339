"""A worker process: runs the shards that its driver hands out, and tells it all that comes of them.

What the worker says goes one way, in order: ``next`` and ``done`` of shards, ``begun`` of calls,
``record`` of what is to be kept, ``look``, ``take`` and ``give`` of the budget, ``stopped``, and
last ``bye`` or ``error``.  A record, a look and a take wait for their answer, so that a finished
call has its place in flight until the driver has written it down: whoever is killed, no more than
the calls in flight are made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import queue
import signal
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Generator
from multiprocessing.connection import Connection
from typing import Any, Final

from evalkit.engine.call import NOT_MADE
from evalkit.engine.cancel import Cancel
from evalkit.engine.plan import Plan, Shard
from evalkit.engine.records import Begun, Called, Charged, Record
from evalkit.engine.shard import first_error, workbench
from evalkit.engine.state import Gathered, ShardResult
from evalkit.errors import EvalkitError, UsageError
from evalkit.llm.session import ModelSession

Opener = Callable[[], ModelSession]
"""Opens a worker's session: its recordings, its share of the pace, and the limits of the budget."""

_AT_ONCE: Final = 2
"""Shards that a worker has in hand: one is called while the other is scored."""


def work(pipe: Connection, parcel: bytes) -> None:
    """Run shards until the driver has no more of them; the body of a worker process.

    Args:
        pipe: To the driver; where it is closed, the process ends at once.
        parcel: Pickle of the plan and of what opens the session.
    """
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the driver's, which says what ends
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    channel = Channel(pipe)
    try:
        plan, opener = _opened(parcel)
        asyncio.run(_run(plan, opener(), channel))
    except BaseException as error:  # noqa: BLE001  the driver raises it in its own process
        channel.fail(first_error(error))


def _opened(parcel: bytes) -> tuple[Plan, Opener]:
    try:
        plan, opener = pickle.loads(parcel)  # noqa: S301  the driver's own
    except Exception as error:  # imports the user's modules
        raise UsageError(
            f"A worker process cannot open the plan ({error}): define target and scorers in a "
            "module that it can import, or run with backend='local'."
        ) from error
    return plan, opener


async def _run(plan: Plan, opened: ModelSession, channel: Channel) -> None:
    channel.listen()
    session = _LeasingSession(opened, channel)
    session.report(lambda role, charge: channel.emit(Charged(role, charge)))

    def finish(result: ShardResult) -> None:
        channel.tell("done", result.shard.index)

    try:
        async with workbench(plan, session, channel.emit, channel.cancel) as bench:
            await bench.run_all(channel.following, finish, at_once=_AT_ONCE)
        session.recorder.check_complete()
        channel.tell("bye", bench.abandoned, session.recorder.replayed)
    finally:
        session.close()


class Channel:
    """The worker's end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        """Listen to nothing yet."""
        self._pipe = pipe
        self._guard = threading.Lock()
        """One speaks at a time, until it has its answer: so answers need no names."""

        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._wish: asyncio.Future[tuple[Shard, Gathered] | None] | None = None
        self._leases: Counter[str] = Counter()
        """Calls of each role that the driver counts as begun."""

        self._under_way: Counter[str] = Counter()
        self.cancel = Cancel(on_stop=lambda reason, why: self.tell("stopped", reason, why))

    def listen(self) -> None:
        """Start to take in what the driver says, on a thread of its own."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop,), daemon=True, name="driver").start()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            try:
                kind, value = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(1)  # the driver is gone: nobody would take what comes of any more work
            if kind == "answer":
                self._answers.put(value)
                continue
            # In the loop, not here: whoever waits there for an answer must not be waited for.
            with contextlib.suppress(RuntimeError):  # the loop has ended, and so has the work
                loop.call_soon_threadsafe(self._heard, kind, value)

    def _heard(self, kind: str, value: Any) -> None:
        if kind == "stop":
            self.cancel.stop(value)
        elif self._wish is not None:
            wish, self._wish = self._wish, None
            wish.set_result(value)

    def tell(self, *message: Any) -> None:
        """Say something that needs no answer."""
        with self._guard:
            self._pipe.send(message)

    def ask(self, *message: Any) -> Any:
        """Say something, and wait for the answer."""
        with self._guard:
            self._pipe.send(message)
            return self._answers.get()

    async def following(self) -> tuple[Shard, Gathered] | None:
        """Return the next shard, with what was recorded of it before; ``None`` at the end."""
        self._wish = asyncio.get_running_loop().create_future()
        self.tell("next")
        return await self._wish

    def emit(self, record: Record) -> None:
        """Have the driver keep *record*, before it counts."""
        if isinstance(record, Begun):
            self.tell("begun", record.cell)
        else:
            role = _charged(record)
            settled = role if role is not None and self._leases[role] else None
            if settled is not None:
                self._leases[settled] -= 1
            self.ask("record", *record.encoded(), record.kept, settled)

    @contextlib.contextmanager
    def lease(self, role: str) -> Generator[None]:
        """Have a call count as begun for as long as this block lasts, or until it is charged.

        What it has cost takes its place in one step: a moment where both count, or neither, would
        refuse the last call of a budget to another worker, or allow it one too many.
        """
        refusal = self.ask("take", role)
        if refusal is not None:
            raise refusal
        self._leases[role] += 1
        self._under_way[role] += 1
        try:
            yield
        finally:
            # A target of the user's own is charged right after the block, in the same step.
            asyncio.get_running_loop().call_soon(self._end_lease, role)

    def _end_lease(self, role: str) -> None:
        self._under_way[role] -= 1
        if self._leases[role] > self._under_way[role]:  # it was not charged
            self._leases[role] -= 1
            self.tell("give", role)

    def fail(self, error: BaseException) -> None:
        """Have the driver raise *error*, or what it says where it does not pickle."""
        if not isinstance(error, EvalkitError):
            error.add_note("In a worker process:\n" + "".join(traceback.format_exception(error)))
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301
        except Exception:  # noqa: BLE001  an exception of a plug-in may do anything
            error = RuntimeError(f"{type(error).__name__}: {error}")
        with contextlib.suppress(OSError):
            self.tell("error", error)


class _LeasingSession(ModelSession):
    """A session whose budget is the driver's, from which each call takes a lease."""

    def __init__(self, opened: ModelSession, channel: Channel) -> None:
        super().__init__(
            recorder=opened.recorder,
            controllers=opened.controllers,
            budget=opened.budget,
            prices=opened.prices,
        )
        self._channel = channel

    def check(self, role: str, *, own: int = 0, expected: bool = False) -> None:
        """Refuse to go on where the budget is spent, of all workers together."""
        del expected  # nothing is promised without batches
        refusal = self._channel.ask("look", role, own) if self.budget else None
        if refusal is not None:
            raise refusal

    @contextlib.contextmanager
    def under_way(self, role: str) -> Generator[None]:
        """Count a call as under way; refuse it where the last one allowed is another worker's."""
        with self._channel.lease(role) if self.budget else contextlib.nullcontext():
            yield


def _charged(record: Record) -> str | None:
    """Return whose call *record* charges for, if it was made."""
    if isinstance(record, Charged):
        return record.role if record.kept else None
    if isinstance(record, Called) and not record.metered:
        made = not record.call.cached and record.call.reason not in NOT_MADE
        return "target" if made else None
    return None

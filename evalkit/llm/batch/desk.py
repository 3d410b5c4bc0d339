"""Gathers requests into batches, follows each batch to its end, and hands out the answers.

A batch is cut when every caller waits for one (more would never come), or when it is full.  It is
written down before it is sent, and answers are recorded the moment they are fetched: whenever the
process is killed, the next one goes on from there and pays for nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import anyio
import anyio.abc

from evalkit._internal.clock import monotonic
from evalkit.errors import BatchPendingError, TargetError
from evalkit.llm.batch.api import BatchApi, Place, UnseenBatchError
from evalkit.llm.batch.carrier import (
    Parcel,
    Pending,
    PendingFolder,
    Settle,
    Wanted,
    carry,
    key_of,
    packed,
)
from evalkit.llm.batch.census import Census, waiting
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest

_SETTLED_SECONDS: Final = 0.05
"""How long nothing may change before a batch is cut, so that who is just coming still gets in."""

_IDLE_SECONDS: Final = 300.0
"""How long nothing may change before a batch is cut, whoever is still at work."""

_LOOK_SECONDS: Final = 0.2
"""How often to look whether someone wants an end."""


class BatchModel(ChatModel, Protocol):
    """A client whose server may have a batch endpoint."""

    @property
    def batch_place(self) -> Place:
        """What requests must have in common to share a batch: server, model, and whose key."""
        ...

    def batch_api(self) -> BatchApi:
        """Return the endpoint, over connections of its own."""
        ...

    def batch_body(self, request: ChatRequest) -> bytes:
        """Return what a line of a batch asks."""
        ...


@dataclass(slots=True, eq=False)
class _Queue:
    """Requests to one model that wait for their batch."""

    api: BatchApi
    ready: bool = False
    """Whether the server is known to take batches."""

    wanted: list[Wanted] = field(default_factory=list[Wanted])


class Desk:
    """Takes requests from callers that wait, and sends them by batches."""

    def __init__(
        self,
        settings: BatchSettings,
        *,
        folder: PendingFolder | None = None,
        since: int = 0,
        stopped: Callable[[], bool] = lambda: False,
        keep_files: bool = False,
    ) -> None:
        """Take in what earlier processes have left on its way; send nothing yet.

        Args:
            settings: Whose calls are batched, and how.
            folder: Where batches on their way are written down.
            since: Batches of before are none of ours, in milliseconds.
            stopped: Says whether someone wants an end.
            keep_files: Whether to keep the files of answered batches until `open` ends, since
                answers are kept nowhere before.
        """
        self.settings = settings
        self.census = Census(changed=self._stir)
        self._folder = folder or PendingFolder(None)
        self._stopped = stopped
        self._keep_files = keep_files
        self._answered: list[Pending] = []
        self._queues: dict[Place, _Queue] = {}
        self._lines: dict[str, list[tuple[Pending, str]]] = {}
        self._parcels: dict[str, Parcel] = {}
        self._group: anyio.abc.TaskGroup | None = None
        self._changed_at = monotonic()
        self._stirred = asyncio.Event()
        self.stopping = asyncio.Event()
        """Set once someone wants an end."""

        for pending in self._folder.all(since=since):
            for custom_id in pending.lines:
                self._lines.setdefault(key_of(custom_id), []).append((pending, custom_id))

    def takes(self, role: str, model: ChatModel) -> bool:
        """Say whether a call of *role* to *model* goes through a batch."""
        return role in self.settings.roles and hasattr(model, "batch_api")

    def knows(self, key: str) -> bool:
        """Say whether a batch of before may answer the call of this key."""
        return bool(self._lines.get(key))

    @property
    def on_the_way(self) -> tuple[int, int]:
        """How many batches are at the provider, and how many requests wait for their answers."""
        sent = [p for p in self._parcels.values() if p.pending.batch_id and not p.ended]
        return len(sent), sum(len(parcel.wanted) for parcel in sent)

    async def complete(
        self, model: ChatModel, request: ChatRequest, key: str, settle: Settle
    ) -> ChatReply:
        """Return the answer of a batch to *request*; hours may pass.

        Raises:
            TargetError: If no batch answers it.
            BatchPendingError: If someone wants an end before that.
        """
        if self.stopping.is_set() or self._group is None:
            raise BatchPendingError(*self.on_the_way)
        batched = cast("BatchModel", model)
        wanted = Wanted(
            key=key,
            body=batched.batch_body(request),
            api=self._queue_of(batched).api,
            settle=settle,
            future=asyncio.get_running_loop().create_future(),
        )
        if not self._claim(wanted):
            self._queue(wanted)
        async with waiting():
            return await wanted.future

    def _queue_of(self, model: BatchModel) -> _Queue:
        place = model.batch_place
        queue = self._queues.get(place)
        if queue is None:
            queue = self._queues[place] = _Queue(model.batch_api())
            assert self._group is not None  # noqa: S101  `complete` has looked
            self._group.start_soon(self._check, queue)
        return queue

    async def _check(self, queue: _Queue) -> None:
        await queue.api.check()
        queue.ready = True
        self._stir()

    def _claim(self, wanted: Wanted) -> bool:
        """Let a batch of before answer *wanted*; say whether there is one that asks the same."""
        lines = self._lines.get(wanted.key)
        if not lines:
            return False
        pending, custom_id = lines[0]
        parcel = self._parcels.get(pending.mark)
        if parcel is not None and parcel.failed is not None:
            # Nobody follows it any more, and sending it anew could pay for it twice.
            wanted.fail(_another(parcel.failed))
            return True
        del lines[0]
        if parcel is None:
            parcel = Parcel(api=wanted.api, pending=pending)
            self._carry(parcel)
        reply = parcel.held.pop(custom_id, None)
        if reply is not None:
            wanted.answer(reply, pending.name_of(custom_id))
            self._forget_if_done(parcel)
        elif parcel.ended:
            return False
        else:
            parcel.wanted[custom_id] = wanted
        return True

    def _queue(self, wanted: Wanted) -> None:
        self._queues[wanted.api.place].wanted.append(wanted)
        self._stir()

    def _carry(self, parcel: Parcel) -> None:
        assert self._group is not None  # noqa: S101  `complete` has looked
        self._parcels[parcel.pending.mark] = parcel
        self._group.start_soon(self._see_through, parcel)

    async def _see_through(self, parcel: Parcel) -> None:
        try:
            unanswered = await carry(parcel, self._folder, self.settings, self.stopping)
        except TargetError as error:
            for wanted in parcel.wanted.values():
                wanted.fail(_another(error))
            if parcel.pending.batch_id is not None or isinstance(error, UnseenBatchError):
                self._give_up(parcel, error)
                return
            unanswered = []
        if unanswered is None:
            return
        for wanted in unanswered:
            if not wanted.future.done():
                self._queue(wanted)
        parcel.ended = True
        for custom_id in set(parcel.pending.lines) - parcel.wanted.keys() - parcel.held.keys():
            self._forget_line(parcel.pending, custom_id)
        parcel.wanted.clear()
        self._forget_if_done(parcel)
        self._stir()

    def _give_up(self, parcel: Parcel, error: TargetError) -> None:
        """Follow *parcel*, which may be at the provider, no further; it stays written down.

        Whoever asks for one of its lines later on is told the same, and only the next process
        looks again.
        """
        parcel.failed = error
        for custom_id in parcel.wanted:
            self._lines.setdefault(key_of(custom_id), []).append((parcel.pending, custom_id))
        parcel.wanted.clear()
        self._stir()

    def _forget_line(self, pending: Pending, custom_id: str) -> None:
        lines = self._lines.get(key_of(custom_id), [])
        lines[:] = [line for line in lines if line[0].mark != pending.mark]

    def _forget_if_done(self, parcel: Parcel) -> None:
        if not parcel.ended or parcel.held:
            return
        del self._parcels[parcel.pending.mark]
        if self._keep_files:
            self._answered.append(parcel.pending)
        else:
            self._folder.remove(parcel.pending)

    def _stir(self) -> None:
        self._changed_at = monotonic()
        self._stirred.set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Gather, send and follow batches for as long as this block lasts.

        Raises:
            UsageError: If a server that was asked has no batch endpoint.
        """
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                group.start_soon(self._watch)
                try:
                    yield
                finally:
                    self._group = None
                    group.cancel_scope.cancel()
        finally:
            for pending in self._answered:
                self._folder.remove(pending)
            with anyio.CancelScope(shield=True):
                for queue in self._queues.values():
                    await queue.api.aclose()

    async def _watch(self) -> None:
        while True:
            self._stirred.clear()
            if self._stopped() and not self.stopping.is_set():
                self._stop()
            self._cut()
            quiet = self._changed_at + _SETTLED_SECONDS - monotonic()
            gathers = quiet > 0 and any(queue.wanted for queue in self._queues.values())
            look = _SETTLED_SECONDS if gathers else _LOOK_SECONDS
            with anyio.move_on_after(look):
                await self._stirred.wait()
                await anyio.sleep(_SETTLED_SECONDS / 5)  # many stir at a time

    def _stop(self) -> None:
        """Let every caller go; what is at the provider stays there, and is written down."""
        counts = self.on_the_way
        self.stopping.set()
        queued = [wanted for queue in self._queues.values() for wanted in queue.wanted]
        sent = [wanted for parcel in self._parcels.values() for wanted in parcel.wanted.values()]
        for wanted in [*queued, *sent]:  # `_cut` leaves out who has gone
            wanted.fail(BatchPendingError(*counts))

    def _cut(self) -> None:
        """Send what is gathered, where it is enough or nothing more will come."""
        requests, size = self.settings.requests, self.settings.bytes
        quiet = monotonic() - self._changed_at
        last = (self.census.at_work <= 0 and quiet >= _SETTLED_SECONDS) or quiet >= _IDLE_SECONDS
        for queue in self._queues.values():
            queue.wanted = [wanted for wanted in queue.wanted if not wanted.future.done()]
            total = sum(len(wanted.body) for wanted in queue.wanted)
            due = last or len(queue.wanted) >= requests or total >= size
            if queue.wanted and queue.ready and due:
                parcels = list(packed(queue.wanted, requests=requests, size=size))
                queue.wanted = [] if last else list(parcels.pop().wanted.values())
                for parcel in parcels:
                    self._carry(parcel)


def _another(error: TargetError) -> TargetError:
    """Return *error* once more, for another caller."""
    return TargetError(error.reason, error.explanation, status=error.status)

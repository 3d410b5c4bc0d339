"""One batch on its way: packed, sent, looked at until it has ended, fetched, every line settled."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import anyio

from evalkit.errors import TargetError
from evalkit.llm.batch.api import BatchApi, UnseenBatchError, is_absent
from evalkit.llm.batch.lines import (
    Outcome,
    Unanswered,
    answers_gone,
    read_lines,
    request_line,
    without_answer,
)
from evalkit.llm.batch.pending import Pending, PendingFolder, new_pending
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.protocol import ChatReply

_log = logging.getLogger("evalkit")
_HEAD_BYTES: Final = 160
"""At least what a line has around its body."""

_ENDED: Final = frozenset({"completed", "failed", "expired", "cancelled"})
_FIRST_SHARE: Final = 1 / 12
_SLOWER: Final = 1.5
_LOST: Final = 5
"""Looks in a row that fail, each tried several times, before the provider counts as gone."""


Settle = Callable[[ChatReply], ChatReply]
"""Prices, records and counts a reply, the moment it is here."""


@dataclass(slots=True, eq=False)
class Wanted:
    """A request that waits to be sent, or to be answered."""

    key: str
    body: bytes
    api: BatchApi
    settle: Settle
    future: asyncio.Future[ChatReply]
    tries: int = 0
    """Batches that have not answered it."""

    def answer(self, reply: ChatReply) -> None:
        """Keep *reply*, which is paid, and hand it to whoever still waits."""
        settled = self.settle(reply)
        if not self.future.done():
            self.future.set_result(settled)

    def fail(self, error: Exception) -> None:
        """Tell whoever still waits that there is no answer."""
        if not self.future.done():
            self.future.set_exception(error)

    def give_up(self, why: Unanswered) -> None:
        """Fail for a reason that a provider gave."""
        tried = f" ({self.tries} batches)" if self.tries > 1 else ""
        text = f"{self.api.public_root}: {self.api.redacted(why.text)}{tried}"
        self.fail(TargetError(why.reason, text))


@dataclass(slots=True, eq=False)
class Parcel:
    """One batch, from its first line to its last answer."""

    api: BatchApi
    pending: Pending
    wanted: dict[str, Wanted] = field(default_factory=dict[str, Wanted])
    """Who waits for each line, by ``custom_id``."""

    content: bytes = b""
    """The file of requests, until it is sent."""

    held: dict[str, ChatReply] = field(default_factory=dict[str, ChatReply])
    """Answers that are here, and that nobody has asked for yet."""

    ended: bool = False
    failed: TargetError | None = None
    """Why this process follows it no further, although it may be at the provider."""


def packed(wanted: Iterable[Wanted], *, requests: int, size: int) -> Iterator[Parcel]:
    """Yield batches of at most so many requests and bytes; a larger request goes alone.

    All of *wanted* ask the same model of the same server.
    """
    lines: list[bytes] = []
    sent: dict[str, Wanted] = {}
    used: dict[str, int] = {}
    total = 0
    for one in wanted:
        longest = len(one.body) + _HEAD_BYTES
        if lines and (len(lines) >= requests or total + longest > size):
            yield _parcel(lines, sent)
            lines, sent, used, total = [], {}, {}, 0
        number = used[one.key] = used.get(one.key, -1) + 1
        custom_id = f"{one.key}-{number}" if number else one.key
        line = request_line(custom_id, one.body)
        sent[custom_id] = one
        lines.append(line)
        total += len(line)
    if lines:
        yield _parcel(lines, sent)


def _parcel(lines: list[bytes], sent: dict[str, Wanted]) -> Parcel:
    api = next(iter(sent.values())).api
    pending = new_pending(api.public_root, api.model, tuple(sent))
    return Parcel(api=api, pending=pending, wanted=sent, content=b"".join(lines))


class Counter(Protocol):
    """Where requests were handed in, and what is told of each parcel: the desk."""

    stopping: asyncio.Event
    """Set once someone wants an end."""

    def back(self, wanted: Wanted) -> None:
        """Take a request that a batch has not answered into the next one."""
        ...

    def ended(self, parcel: Parcel) -> None:
        """Learn that nothing more will come of *parcel*."""
        ...

    def given_up(self, parcel: Parcel, error: TargetError) -> None:
        """Learn that *parcel* is followed no further, for *error*."""
        ...


class Carrier:
    """Sees one batch through."""

    def __init__(
        self, counter: Counter, parcel: Parcel, folder: PendingFolder, settings: BatchSettings
    ) -> None:
        """Carry *parcel*; requests that it does not answer go back to *counter*."""
        self._counter = counter
        self._parcel = parcel
        self._folder = folder
        self._settings = settings

    async def run(self) -> None:
        """Send the batch, or find it where another process has sent it, and see it through."""
        parcel = self._parcel
        try:
            there = await (self._send() if parcel.content else self._find())
            batch = await self._look_until_ended() if there else None
        except TargetError as error:
            self._give_up(error)
            return
        if self._counter.stopping.is_set():
            return
        if batch is None:
            # It was never made, or is there no more: nothing was paid.
            for wanted in list(parcel.wanted.values()):
                self._counter.back(wanted)
            self._counter.ended(parcel)
            return
        await self._fetch(batch)

    async def _send(self) -> bool:
        parcel = self._parcel
        self._folder.write(parcel.pending)
        file_id = await parcel.api.upload(parcel.content)
        parcel.content = b""
        self._note(file_id=file_id)
        batch = await parcel.api.create(file_id, parcel.pending.mark)
        self._note(batch_id=batch["id"])
        _log.info(
            "Batch %s: %s requests are with %s, which may take hours; Ctrl-C leaves them there.",
            batch["id"],
            f"{len(parcel.wanted):,}",
            parcel.api.public_root,
        )
        return True

    async def _find(self) -> bool:
        """Say whether the batch is at the provider, and note its id."""
        parcel = self._parcel
        if parcel.pending.batch_id is None:
            # Killed between sending and noting: the batch itself tells whose it is.
            found = await parcel.api.find(parcel.pending.mark)
            if found is None:
                return False
            self._note(batch_id=found["id"])
        return True

    def _note(self, *, file_id: str | None = None, batch_id: str | None = None) -> None:
        known = self._parcel.pending
        self._parcel.pending = dataclasses.replace(
            known, file_id=file_id or known.file_id, batch_id=batch_id or known.batch_id
        )
        self._folder.write(self._parcel.pending)

    async def _look_until_ended(self) -> Mapping[str, Any] | None:
        """Return the batch once it has ended; ``None`` if it is gone or someone wants an end."""
        longest = self._settings.poll_seconds
        wait = longest * _FIRST_SHARE
        lost = 0
        batch_id = self._parcel.pending.batch_id or ""
        while not self._counter.stopping.is_set():
            try:
                batch = await self._parcel.api.look(batch_id)
                lost = 0
                if batch.get("status") in _ENDED:
                    return batch
            except TargetError as error:
                lost += 1
                if is_absent(error):
                    return None
                if lost >= _LOST:
                    raise
            with anyio.move_on_after(wait):
                await self._counter.stopping.wait()
            wait = min(wait * _SLOWER, longest)
        return None

    async def _fetch(self, batch: Mapping[str, Any]) -> None:
        outcomes: dict[str, Outcome] = {}
        missing = without_answer(batch)
        for name in ("error_file_id", "output_file_id"):
            if not batch.get(name):
                continue
            try:
                outcomes.update(read_lines(await self._parcel.api.content(batch[name])))
            except TargetError as error:
                if not is_absent(error):
                    self._give_up(error)
                    return
                # No later look will find it.  Whether to pay once more is the user's to say.
                missing = answers_gone(error)
        answered = sum(not isinstance(one, Unanswered) for one in outcomes.values())
        total = len(self._parcel.pending.lines)
        told = f"{answered:,} of {total:,} requests are answered"
        _log.info("Batch %s has ended (%s): %s.", batch.get("id"), batch.get("status"), told)
        for custom_id in self._parcel.pending.lines:
            self._settle(custom_id, outcomes.pop(custom_id, missing))
        self._counter.ended(self._parcel)

    def _settle(self, custom_id: str, outcome: Outcome) -> None:
        wanted = self._parcel.wanted.get(custom_id)
        if wanted is None:
            if not isinstance(outcome, Unanswered):
                self._parcel.held[custom_id] = outcome
        elif not isinstance(outcome, Unanswered):
            wanted.answer(outcome)
        else:
            self._try_again(wanted, outcome)

    def _try_again(self, wanted: Wanted, why: Unanswered) -> None:
        wanted.tries += 1
        if why.again and wanted.tries <= self._settings.retries:
            self._counter.back(wanted)
        else:
            wanted.give_up(why)

    def _give_up(self, error: TargetError) -> None:
        """Tell all who wait; a batch that may be at the provider stays written down."""
        for wanted in self._parcel.wanted.values():
            wanted.fail(TargetError(error.reason, error.explanation))
        if self._parcel.pending.batch_id is not None or isinstance(error, UnseenBatchError):
            self._counter.given_up(self._parcel, error)
        else:
            self._counter.ended(self._parcel)

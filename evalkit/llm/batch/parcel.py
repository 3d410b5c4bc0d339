"""One batch on its way: its requests, who waits for each, and what nobody has claimed yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from evalkit.errors import TargetError
from evalkit.llm.batch.api import BatchApi
from evalkit.llm.batch.lines import Unanswered, request_line
from evalkit.llm.batch.pending import Pending, new_pending
from evalkit.llm.protocol import ChatReply

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


_HEAD_BYTES = 160
"""At least what a line has around its body."""

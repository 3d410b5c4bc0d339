"""One batch on its way: written down, sent, looked at until it has ended, every line settled.

A batch outlives the process that has paid for it.  Its file appears whole or not at all, before
anything is sent, and holds keys of requests, not what they ask, and no secret.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.clock import now_milliseconds
from evalkit._internal.ids import new_run_id
from evalkit.errors import TargetError
from evalkit.llm.batch.api import (
    BatchApi,
    Outcome,
    is_absent,
    read_lines,
    request_line,
    without_answer,
)
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.protocol import ChatReply
from evalkit.llm.recordings import DAY
from evalkit.llm.retry import Refusal

_log = logging.getLogger("evalkit")

_DAYS: Final = 30
"""Days after which no provider keeps a batch's answers."""

_HEAD_BYTES: Final = 160
"""At least what a line has around its body."""

_ENDED: Final = frozenset({"completed", "failed", "expired", "cancelled"})
_FIRST_SHARE: Final = 1 / 12
_SLOWER: Final = 1.5
_LOST: Final = 5
"""Looks in a row that fail, each tried several times, before the provider counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is written down of a batch: what is in it, and how far it got."""

    server: str
    model: str
    lines: tuple[str, ...]
    """``custom_id`` of each request; it begins with the key of the call."""

    mark: str = field(default_factory=new_run_id)
    """Id that we gave it; the batch carries it in its metadata."""

    created: int = field(default_factory=now_milliseconds)
    """Milliseconds since the epoch."""

    file_id: str | None = None
    """The uploaded file, once there is one."""

    batch_id: str | None = None
    """The provider's id, once the batch is there."""

    def name_of(self, custom_id: str) -> str:
        """Return the name of a line, which no line of another batch has."""
        return f"{self.mark}/{custom_id}"


def key_of(custom_id: str) -> str:
    """Return the key of the call that a line asks.

    Examples:
        >>> key_of("0a1b-2")
        '0a1b'
    """
    return custom_id.partition("-")[0]


class PendingFolder:
    """The files of batches that are on their way; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        """Keep files in *path*; nothing is made before the first one is written."""
        self.path = path

    def write(self, pending: Pending) -> None:
        """Keep *pending*, whole or not at all, in place of what was written of it before."""
        if self.path is None:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        partial = self.path / f".{pending.mark}-{os.getpid()}"
        partial.write_bytes(canonical_json(dataclasses.asdict(pending)))
        partial.replace(self.path / f"{pending.mark}.json")

    def remove(self, pending: Pending) -> None:
        """Forget a batch whose answers are kept elsewhere by now."""
        if self.path is not None:
            (self.path / f"{pending.mark}.json").unlink(missing_ok=True)

    def all(self, *, since: int = 0) -> Iterator[Pending]:
        """Yield the batches sent from *since* on, the oldest first; what is too old is deleted."""
        files = [] if self.path is None else self.path.glob("*.json")
        batches = [pending for file in files if (pending := _read(file)) is not None]
        for pending in sorted(batches, key=lambda pending: (pending.created, pending.mark)):
            if pending.created < now_milliseconds() - _DAYS * DAY:
                self.remove(pending)
            elif pending.created >= since:
                yield pending


def _read(file: Path) -> Pending | None:
    try:
        fields: dict[str, Any] = parse_json(file.read_bytes())
        fields["lines"] = tuple(fields["lines"])
        return Pending(**fields)
    except (OSError, ValueError, TypeError, KeyError):
        return None  # another process has removed it, or it is none of ours


Settle = Callable[[ChatReply, str], ChatReply]
"""Prices, counts and records a reply, the moment it is here; takes the name of its line, too."""


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

    def answer(self, reply: ChatReply, line: str) -> None:
        """Keep *reply* to a *line*, which is paid, and hand it to whoever still waits."""
        settled = self.settle(reply, line)
        if not self.future.done():
            self.future.set_result(settled)

    def fail(self, error: Exception) -> None:
        """Tell whoever still waits that there is no answer."""
        if not self.future.done():
            self.future.set_exception(error)


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
    batch: dict[str, Wanted] = {}
    used: dict[str, int] = {}
    total = 0
    for request in wanted:
        longest = len(request.body) + _HEAD_BYTES
        if lines and (len(lines) >= requests or total + longest > size):
            yield _parcel(lines, batch)
            lines, batch, used, total = [], {}, {}, 0
        number = used[request.key] = used.get(request.key, -1) + 1
        custom_id = f"{request.key}-{number}" if number else request.key
        line = request_line(custom_id, request.body)
        batch[custom_id] = request
        lines.append(line)
        total += len(line)
    if lines:
        yield _parcel(lines, batch)


def _parcel(lines: list[bytes], wanted: dict[str, Wanted]) -> Parcel:
    api = next(iter(wanted.values())).api
    pending = Pending(server=api.public_root, model=api.model, lines=tuple(wanted))
    return Parcel(api=api, pending=pending, wanted=wanted, content=b"".join(lines))


async def carry(
    parcel: Parcel, folder: PendingFolder, settings: BatchSettings, stopping: asyncio.Event
) -> list[Wanted] | None:
    """Send a batch, or find it where another process has sent it, and see it through.

    Returns:
        Requests that the next batch should take; ``None`` once someone wants an end by *stopping*.

    Raises:
        TargetError: If it can be followed no further.
    """
    there = await (_send(parcel, folder) if parcel.content else _find(parcel, folder))
    batch = await _look_until_ended(parcel, settings.poll_seconds, stopping) if there else None
    if stopping.is_set():
        return None
    if batch is None:
        # It was never made, or is there no more: nothing was paid.
        return list(parcel.wanted.values())
    return await _fetch(parcel, batch, settings.retries)


async def _send(parcel: Parcel, folder: PendingFolder) -> bool:
    folder.write(parcel.pending)
    file_id = await parcel.api.upload(parcel.content)
    parcel.content = b""
    _note(parcel, folder, file_id=file_id)
    batch = await parcel.api.create(file_id, parcel.pending.mark)
    _note(parcel, folder, batch_id=batch["id"])
    _log.info(
        "Batch %s: %s requests are with %s, which may take hours; Ctrl-C leaves them there.",
        batch["id"],
        f"{len(parcel.wanted):,}",
        parcel.api.public_root,
    )
    return True


async def _find(parcel: Parcel, folder: PendingFolder) -> bool:
    """Say whether the batch is at the provider, and note its id."""
    if parcel.pending.batch_id is None:
        # Killed between sending and noting: the batch itself tells whose it is.
        batch = await parcel.api.find(parcel.pending.mark)
        if batch is None:
            return False
        _note(parcel, folder, batch_id=batch["id"])
    return True


def _note(parcel: Parcel, folder: PendingFolder, **ids: Any) -> None:
    parcel.pending = dataclasses.replace(parcel.pending, **ids)
    folder.write(parcel.pending)


async def _look_until_ended(
    parcel: Parcel, longest: float, stopping: asyncio.Event
) -> Mapping[str, Any] | None:
    """Return the batch once it has ended; ``None`` if it is gone or someone wants an end."""
    wait, lost = longest * _FIRST_SHARE, 0
    while not stopping.is_set():
        try:
            batch = await parcel.api.look(parcel.pending.batch_id or "")
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
            await stopping.wait()
        wait = min(wait * _SLOWER, longest)
    return None


async def _fetch(parcel: Parcel, batch: Mapping[str, Any], retries: int) -> list[Wanted]:
    outcomes: dict[str, Outcome] = {}
    missing = without_answer(batch)
    for name in ("error_file_id", "output_file_id"):
        if not batch.get(name):
            continue
        try:
            outcomes.update(read_lines(await parcel.api.content(batch[name])))
        except TargetError as error:
            if not is_absent(error):
                raise
            # No later look will find it.  Whether to pay once more is the user's to say.
            text = "the provider keeps the batch's answers no more; run again to ask anew"
            missing = Refusal(error.reason, f"{text} ({error})", again=False)
    lines = parcel.pending.lines
    answered = sum(isinstance(outcome, ChatReply) for outcome in outcomes.values())
    counts = f"{answered:,} of {len(lines):,} requests are answered"
    _log.info("Batch %s has ended (%s): %s.", batch.get("id"), batch.get("status"), counts)
    settled = (_settle(parcel, line, outcomes.pop(line, missing), retries) for line in lines)
    return [wanted for wanted in settled if wanted is not None]


def _settle(parcel: Parcel, custom_id: str, outcome: Outcome, retries: int) -> Wanted | None:
    """Hand out what became of a line; return its request if another batch can help."""
    wanted = parcel.wanted.get(custom_id)
    if isinstance(outcome, ChatReply):
        if wanted is None:
            parcel.held[custom_id] = outcome
        else:
            wanted.answer(outcome, parcel.pending.name_of(custom_id))
        return None
    if wanted is None:
        return None
    wanted.tries += 1
    if outcome.again and wanted.tries <= retries:
        return wanted
    tries = f" ({wanted.tries} batches)" if wanted.tries > 1 else ""
    text = f"{parcel.api.public_root}: {parcel.api.redacted(outcome.text)}{tries}"
    wanted.fail(TargetError(outcome.reason, text, status=outcome.status))
    return None

"""Batches that are on their way, in files: a batch outlives the process that has paid for it.

A file appears whole or not at all, and before anything is sent.  It holds keys of requests, not
what they ask, and no secret.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.clock import now_milliseconds
from evalkit._internal.ids import new_run_id
from evalkit.llm.recordings import DAY

KEPT_DAYS: Final = 30
"""Days after which no provider keeps a batch's answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One batch: what is in it, and how far it got."""

    mark: str
    """Id that we gave it; the batch carries it in its metadata."""

    server: str
    model: str
    created: int
    """Milliseconds since the epoch."""

    lines: tuple[str, ...]
    """``custom_id`` of each request; it begins with the key of the call."""

    file_id: str | None = None
    """The uploaded file, once there is one."""

    batch_id: str | None = None
    """The provider's id, once the batch is there."""


def new_pending(server: str, model: str, lines: tuple[str, ...]) -> Pending:
    """Return a batch that is about to be sent."""
    return Pending(
        mark=new_run_id(), server=server, model=model, created=now_milliseconds(), lines=lines
    )


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
        """Keep *pending*, whole or not at all, in place of what was known of it before."""
        if self.path is None:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        partial = self.path / f".{pending.mark}-{os.getpid()}"
        partial.write_bytes(canonical_json(dataclasses.asdict(pending)))
        partial.replace(self._file(self.path, pending))

    def remove(self, pending: Pending) -> None:
        """Forget a batch whose answers are kept elsewhere by now."""
        if self.path is not None:
            self._file(self.path, pending).unlink(missing_ok=True)

    def all(self, *, since: int = 0) -> Iterator[Pending]:
        """Yield the batches sent from *since* on, the oldest first; what is too old is deleted."""
        found = [] if self.path is None else sorted(self.path.glob("*.json"))
        read = [(file, pending) for file in found if (pending := _read(file)) is not None]
        for file, pending in sorted(read, key=lambda pair: pair[1].created):
            if pending.created < now_milliseconds() - KEPT_DAYS * DAY:
                file.unlink(missing_ok=True)
            elif pending.created >= since:
                yield pending

    @staticmethod
    def _file(folder: Path, pending: Pending) -> Path:
        return folder / f"{pending.mark}.json"


def _read(file: Path) -> Pending | None:
    try:
        fields: dict[str, Any] = parse_json(file.read_bytes())
        lines: tuple[str, ...] = tuple(fields.pop("lines"))
        return Pending(lines=lines, **fields)
    except (OSError, ValueError, TypeError, KeyError):
        return None  # another process has removed it, or it is none of ours

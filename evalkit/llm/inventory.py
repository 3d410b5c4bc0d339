"""What recordings there are at a place: of which model, how large, when last used; and pruning."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalkit._internal.clock import now_milliseconds
from evalkit.errors import UsageError
from evalkit.llm.cache import Cache
from evalkit.llm.recordings import DAY, RecordingFolder

_NAMES: Final = ("model", "target", "request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recording."""

    key: str
    model: str
    """Model, target or address that was asked."""

    bytes: int
    recorded: int
    """When it was made, in milliseconds since the epoch."""

    used: int | None
    """When it answered last; ``None`` where no run has noted it."""


def list_entries(path: str | Path) -> list[Entry]:
    """Return the recordings at *path*, the one used last first.

    Args:
        path: A recordings folder, or the file of a cache.

    Raises:
        UsageError: If there is nothing at *path*.
    """
    with _opened(path) as place:
        entries = [
            Entry(
                key=key,
                model=str(next((question[n] for n in _NAMES if question.get(n)), "unknown")),
                bytes=size,
                recorded=recorded,
                used=used,
            )
            for key, question, size, recorded, used in place.rows()
        ]
    return sorted(entries, key=lambda entry: (-(entry.used or 0), -entry.recorded, entry.key))


def list_stale(path: str | Path, *, days: float = 1.0) -> list[Entry]:
    """Return the recordings at *path* that have fallen out of use.

    Those are stale that were not used in the *days* before now, or in a folder before the last use
    of any: run everything that uses the folder, then list.

    Args:
        path: A recordings folder, or the file of a cache.
        days: How far back to look; at least 0.

    Raises:
        UsageError: If there is nothing at *path*, or no run has noted what it used.
    """
    with _opened(path) as place:
        last = place.last_used() if isinstance(place, RecordingFolder) else now_milliseconds()
    if last is None:
        raise UsageError(f"No run here has used {path}: run with recordings= first, then list.")
    before = int(last - days * DAY)
    return [entry for entry in list_entries(path) if (entry.used or 0) < before]


def prune(path: str | Path, *, days: float = 1.0) -> list[Entry]:
    """Delete what `list_stale` lists, and return it.

    Raises:
        UsageError: As `list_stale`.
    """
    stale = list_stale(path, days=days)
    with _opened(path, reading=False) as place:
        place.remove([entry.key for entry in stale])
    return stale


def recording_at(path: str | Path, key: str) -> dict[str, Any]:
    """Return the recording whose key begins with *key*: ``key``, ``asked`` and ``reply``.

    Raises:
        UsageError: If there is none, or there are several.
    """
    with _opened(path) as place:
        questions = {row[0]: row[1] for row in place.rows() if row[0].startswith(key)}
        if not questions:
            raise UsageError(f"No recording in {path} has a key that begins with {key!r}.")
        first, *more = sorted(questions)
        if more:
            raise UsageError(
                f"{key!r} is the beginning of {len(questions)} keys, such as {first[:12]} and "
                f"{more[0][:12]}; give more of it."
            )
        return {"key": first, "asked": questions[first], "reply": place.get(first)}


@contextlib.contextmanager
def _opened(path: str | Path, *, reading: bool = True) -> Generator[Cache | RecordingFolder]:
    """Look at the recordings at *path*, none of which counts as used."""
    place = Path(path)
    if not place.exists():
        raise UsageError(f"There are no recordings at {path}.")
    recordings = RecordingFolder(place) if place.is_dir() else Cache(place, reading=reading)
    try:
        yield recordings
    finally:
        recordings.abandon()

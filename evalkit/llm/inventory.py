"""What recordings there are at a place: how many, of which model, how large, when last used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import UsageError
from evalkit.llm.recorder import opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recording."""

    key: str
    label: str
    """Model, or target, that was asked."""

    bytes: int
    recorded: int
    """When it was made, in milliseconds since the epoch."""

    used: int | None
    """When it answered last; ``None`` where no run has noted it."""


def entries(path: str | Path) -> list[Entry]:
    """Return the recordings at *path*, the one used last first.

    Raises:
        UsageError: If there is nothing at *path*.
    """
    place = opened(path)
    try:
        found = [
            Entry(key=key, label=label_of(asked), bytes=size, recorded=recorded, used=used)
            for key, asked, size, recorded, used in place.rows()
        ]
    finally:
        place.abandon()
    return sorted(found, key=lambda entry: (-(entry.used or 0), -entry.recorded, entry.key))


def recording_at(path: str | Path, key: str) -> dict[str, Any]:
    """Return the recording whose key begins with *key*: ``key``, ``asked`` and ``reply``.

    Raises:
        UsageError: If there is none, or there are several.
    """
    place = opened(path)
    try:
        keys = sorted(row[0] for row in place.rows() if row[0].startswith(key))
        if not keys:
            raise UsageError(f"No recording in {path} has a key that begins with {key!r}.")
        if len(keys) > 1:
            raise UsageError(
                f"{key!r} is the beginning of {len(keys)} keys, such as {keys[0][:12]} and "
                f"{keys[1][:12]}; give more of it."
            )
        asked, reply = place.whole(keys[0])
    finally:
        place.abandon()
    return {"key": keys[0], "asked": asked, "reply": reply}


def label_of(asked: Mapping[str, Any]) -> str:
    """Return whom a recorded call asked.

    Examples:
        >>> label_of({"model": "openai/m", "messages": []})
        'openai/m'
    """
    return str(asked.get("model") or asked.get("target") or "unknown")

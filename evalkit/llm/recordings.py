"""Recordings in a folder to commit: one JSON file a call, named by its key.

A changed prompt shows in a diff as one file that goes and one that comes, two branches that record
different calls never conflict, and a file appears whole or not at all.  Which recordings were used
lately is noted in ``.used``, which the folder's own ``.gitignore`` keeps out of the repository.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, content_hash, parse_json
from evalkit._internal.clock import now_milliseconds
from evalkit._internal.ids import new_run_id
from evalkit.errors import DataError, UsageError
from evalkit.llm.recording import SUBJECTS, Recording, recording_of

DAY: Final = 24 * 60 * 60 * 1000
"""Milliseconds of a day."""

_USED: Final = ".used"
_KEPT_NOTES_DAYS: Final = 90
_UNSAFE: Final = re.compile(r"[^\w.-]+")


class RecordingFolder:
    """Recordings as files, for a repository.

    Examples:
        >>> import tempfile
        >>> from evalkit.llm.recording import recording_of
        >>> asked = recording_of({"model": "m"}, label="openai/m", subject="q")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     recordings = RecordingFolder(Path(folder))
        ...     recordings.put(asked, {"text": "4"})
        ...     [path.parent.name for path in recordings.files()], recordings.get(asked.key)
        (['openai-m'], {'text': '4'})
    """

    def __init__(self, path: Path) -> None:
        """Keep recordings in *path*; nothing is made before the first one is written."""
        self.path = path
        self.edited: set[str] = set()
        """Recordings that have answered and were changed by hand."""

        self._uses: set[str] = set()
        self._known: dict[str, Path] | None = None
        self._subjects: dict[str, list[Any]] | None = None

    @property
    def place(self) -> str:
        """Where the recordings lie, for messages."""
        return str(self.path)

    def check(self) -> None:
        """Refuse to ask for answers that could not be kept.

        Raises:
            UsageError: If nothing can be written here.
        """
        there = next(path for path in (self.path, *self.path.absolute().parents) if path.exists())
        if not (there.is_dir() and os.access(there, os.W_OK)):
            why = "cannot be written" if there.is_dir() else "is no folder"
            raise UsageError(
                f"Nothing can be recorded in {self.path}: {there} {why}; give another folder, or "
                "run with mode='replay'."
            )

    def files(self) -> Iterator[Path]:
        """Yield the files of all recordings, in order."""
        paths = sorted(self.path.glob("*/*.json"))
        yield from (path for path in paths if not path.parent.name.startswith("."))

    def get(self, key: str, *, since: int = 0) -> Any:
        """Return the reply kept under *key*, or ``None``; only if written from *since* on.

        Raises:
            DataError: If its file is no recording.
        """
        path = self._paths().get(key)
        if path is None:
            return None
        try:
            if since and path.stat().st_mtime * 1000 < since:
                return None
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        self._uses.add(key)
        recording = _read(path, content)
        if recording.get("digest") != _digest(recording["reply"]):
            self.edited.add(key)
        return recording["reply"]

    def put(self, recording: Recording, reply: Mapping[str, Any]) -> None:
        """Write *reply*, whole or not at all."""
        folder = self.path / (_UNSAFE.sub("-", recording.label).strip("-.")[:80] or "calls")
        folder.mkdir(parents=True, exist_ok=True)
        self._ignore_notes()
        content = parse_json(canonical_json({"asked": recording.asked, "reply": reply}))
        content["digest"] = _digest(content["reply"])
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        target = folder / f"{recording.key}.json"
        partial = folder / f".{recording.key}-{os.getpid()}-{new_run_id()[:8]}"
        partial.write_bytes(text.encode("utf-8", "replace") + b"\n")
        partial.replace(target)
        self._paths()[recording.key] = target
        self._uses.add(recording.key)

    def put_all(self, kept: Sequence[tuple[Recording, Mapping[str, Any]]]) -> None:
        """Write several replies, each whole or not at all."""
        for recording, reply in kept:
            self.put(recording, reply)

    def asked_of(self, subject: str) -> list[Any]:
        """Return what recordings of the same subject had asked, for telling what differs."""
        if self._subjects is None:
            self._subjects = {}
            for path in self.files():
                question = _read(path, path.read_bytes())["asked"]
                about = next((question[name] for name in SUBJECTS if name in question), None)
                digest = recording_of({}, label="", subject=about).subject
                self._subjects.setdefault(digest, []).append(question)
        return self._subjects.get(subject, [])

    def latest(self, count: int) -> list[tuple[Any, Any]]:
        """Return what was asked and answered in *count* of the recordings."""
        recordings = [
            _read(path, path.read_bytes()) for path in itertools.islice(self.files(), count)
        ]
        return [(recording["asked"], recording["reply"]) for recording in recordings]

    def rows(self) -> list[tuple[str, Any, int, int, int | None]]:
        """Return key, what was asked, bytes, and when it was recorded and used, of each."""
        used: dict[str, int] = {}
        for moment, keys in self._notes():
            for key in keys:
                used[key] = max(moment, used.get(key, 0))
        rows: list[tuple[str, Any, int, int, int | None]] = []
        for path in self.files():
            facts = path.stat()
            question = _read(path, path.read_bytes())["asked"]
            made = facts.st_mtime_ns // 1_000_000
            rows.append((path.stem, question, facts.st_size, made, used.get(path.stem)))
        return rows

    def abandon(self) -> None:
        """Forget what was only looked at: nothing of it counts as used."""
        self._uses.clear()

    def last_used(self) -> int | None:
        """Return when any recording was used last, in milliseconds; ``None`` if that is unknown."""
        return max((moment for moment, _ in self._notes()), default=None)

    def remove(self, keys: Iterable[str]) -> None:
        """Delete recordings."""
        for key in keys:
            path = self._paths().pop(key, None)
            if path is not None:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Note what was used, for `evalkit.llm.inventory`."""
        if not self._uses or not self.path.is_dir():
            return
        folder = self.path / _USED
        oldest = now_milliseconds() - _KEPT_NOTES_DAYS * DAY
        note = {"at": now_milliseconds(), "keys": sorted(self._uses)}
        self._uses.clear()
        with contextlib.suppress(OSError):  # what may only be read answers all the same
            self._ignore_notes()
            folder.mkdir(exist_ok=True)
            for path in folder.glob("*.json"):
                if path.stat().st_mtime * 1000 < oldest:
                    path.unlink(missing_ok=True)
            (folder / f"{new_run_id()}.json").write_bytes(canonical_json(note))

    def _ignore_notes(self) -> None:
        ignored = self.path / ".gitignore"
        if not ignored.exists():
            ignored.write_text(f"{_USED}/\n", encoding="utf-8")

    def _paths(self) -> dict[str, Path]:
        if self._known is None:
            self._known = {path.stem: path for path in self.files()}
        return self._known

    def _notes(self) -> Iterator[tuple[int, list[str]]]:
        for path in sorted((self.path / _USED).glob("*.json")):
            note = parse_json(path.read_bytes())
            yield note["at"], note["keys"]


def _digest(reply: Any) -> str:
    """Digest a reply, with half characters as the file has them."""
    text = json.dumps(reply, sort_keys=True, ensure_ascii=False)
    return content_hash(text.encode("utf-8", "replace"))


def _read(path: Path, content: bytes) -> Any:
    try:
        recording = parse_json(content)
        _ = recording["asked"], recording["reply"]
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"is no recording: {error}", file=str(path)) from error
    return recording

"""The cache of paid calls: one SQLite file that all processes of a project share.

In WAL mode readers never wait, and a written reply survives the death of the process the moment
`Cache.put` returns.  The file holds JSON alone.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.clock import now_milliseconds
from evalkit._internal.sqlite_file import connect_to_read, only_readable
from evalkit.errors import UsageError
from evalkit.llm.recording import Recording

LARGEST_BYTES: Final = 1 << 30
"""Size above which what was not used for longest is dropped."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS recordings (
    key TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    asked BLOB NOT NULL,
    reply BLOB NOT NULL,
    recorded INTEGER NOT NULL,
    used INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS recordings_subject ON recordings (subject);
CREATE INDEX IF NOT EXISTS recordings_used ON recordings (used);
"""
_CHECKED_EVERY: Final = 256
_KEPT_SHARE: Final = 0.8
_BUSY_SECONDS: Final = 30.0
_log = logging.getLogger("evalkit")


class Cache:
    """Recordings in a SQLite file, bounded in size.

    Examples:
        >>> import tempfile
        >>> from evalkit.llm.recording import recording_of
        >>> asked = recording_of({"model": "m"}, label="m", subject="q")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cache = Cache(Path(folder) / "calls.db")
        ...     cache.put(asked, {"text": "4"})
        ...     reply = cache.get(asked.key)
        ...     cache.close()
        >>> reply
        {'text': '4'}
    """

    def __init__(
        self, path: Path, *, largest_bytes: int = LARGEST_BYTES, reading: bool = False
    ) -> None:
        """Open *path*, made with its folder where there is none.

        Args:
            path: File of the cache.
            largest_bytes: Size above which what was not used for longest is dropped.
            reading: Whether it is only looked at, so that it need not be writable.

        Raises:
            UsageError: If it cannot be opened, or is no cache.
        """
        self.path = path
        self._largest = largest_bytes
        self._lock = threading.Lock()
        self._used: set[str] = set()
        self._written = 0
        self._broken = False
        self._reading = reading and only_readable(path)
        try:
            if self._reading:
                self._database = connect_to_read(path)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise UsageError(
                f"{path} cannot be used as the cache of model calls: {error}; remove it, give "
                "another folder by EVALKIT_HOME, or run with mode='none'."
            ) from error

    @property
    def place(self) -> str:
        """Where the recordings lie, for messages."""
        return str(self.path)

    def get(self, key: str, *, since: int = 0) -> Any:
        """Return the reply kept under *key*, or ``None``; only if recorded from *since* on."""
        query = "SELECT reply FROM recordings WHERE key = ? AND recorded >= ?"
        with self._lock, self._forgiven("read"):
            row = self._database.execute(query, (key, since)).fetchone()
            if row is not None:
                if not self._reading:
                    self._used.add(key)
                return parse_json(row[0])
        return None

    def put(self, recording: Recording, reply: Mapping[str, Any]) -> None:
        """Keep *reply*; it is on its way to the disk when this returns."""
        self.put_all([(recording, reply)])

    def put_all(self, kept: Sequence[tuple[Recording, Mapping[str, Any]]]) -> None:
        """Keep several replies, in one transaction."""
        now = now_milliseconds()
        values = [
            (recording.key, recording.subject, recording.written, canonical_json(reply), now, now)
            for recording, reply in kept
        ]
        with self._lock, self._forgiven("written"):
            with self._transaction() if len(values) > 1 else contextlib.nullcontext():
                self._database.executemany(
                    "INSERT OR REPLACE INTO recordings VALUES (?, ?, ?, ?, ?, ?)", values
                )
            before, self._written = self._written, self._written + len(values)
            if self._written // _CHECKED_EVERY > before // _CHECKED_EVERY:
                self._shrink()

    def asked_of(self, subject: str) -> list[Any]:
        """Return what recordings of the same subject had asked, for telling what differs."""
        query = "SELECT asked FROM recordings WHERE subject = ? ORDER BY used DESC LIMIT 50"
        with self._lock, self._forgiven("read"):
            return [parse_json(row[0]) for row in self._database.execute(query, (subject,))]
        return []

    def remove(self, keys: list[str]) -> None:
        """Drop recordings."""
        with self._lock, self._transaction():
            self._database.executemany(
                "DELETE FROM recordings WHERE key = ?", [(key,) for key in keys]
            )

    def __len__(self) -> int:
        with self._lock:
            count: int = self._database.execute("SELECT count(*) FROM recordings").fetchone()[0]
        return count

    def latest(self, count: int) -> list[tuple[Any, Any]]:
        """Return what was asked and answered in the *count* calls that were used last."""
        query = "SELECT asked, reply FROM recordings ORDER BY used DESC LIMIT ?"
        with self._lock, self._forgiven("read"):
            rows = self._database.execute(query, (count,)).fetchall()
            return [(parse_json(question), parse_json(reply)) for question, reply in rows]
        return []

    def rows(self) -> list[tuple[str, Any, int, int, int | None]]:
        """Return key, what was asked, bytes, and when it was recorded and used, of each."""
        query = "SELECT key, asked, length(asked) + length(reply), recorded, used FROM recordings"
        with self._lock:
            return [(row[0], parse_json(row[1]), *row[2:]) for row in self._database.execute(query)]

    def abandon(self) -> None:
        """Close the file, which was only looked at: nothing in it counts as used."""
        with self._lock:
            self._database.close()

    def close(self) -> None:
        """Note what was used, and close the file."""
        with self._lock:
            with self._forgiven("written"):
                self._flush_uses()
            if self._written:
                with self._forgiven("written"):
                    self._shrink()
            self._database.close()

    def _flush_uses(self) -> None:
        if not self._used:
            return
        now = now_milliseconds()
        with self._transaction():
            self._database.executemany(
                "UPDATE recordings SET used = ? WHERE key = ?", [(now, key) for key in self._used]
            )
        self._used.clear()

    def _shrink(self) -> None:
        if self._bytes() <= self._largest:
            return
        self._flush_uses()
        with self._transaction():
            self._drop_oldest()
        self._database.execute("PRAGMA incremental_vacuum").fetchall()

    def _drop_oldest(self) -> None:
        query = (
            "SELECT key, length(asked) + length(reply) + 200 FROM recordings "
            "ORDER BY used, recorded"
        )
        excess = self._bytes() - self._largest * _KEPT_SHARE
        dropped: list[tuple[str]] = []
        for key, size in self._database.execute(query):
            if excess <= 0:
                break
            excess -= size
            dropped.append((key,))
        self._database.executemany("DELETE FROM recordings WHERE key = ?", dropped)

    def _bytes(self) -> int:
        def number(pragma: str) -> int:
            return int(self._database.execute(f"PRAGMA {pragma}").fetchone()[0])

        return (number("page_count") - number("freelist_count")) * number("page_size")

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextlib.contextmanager
    def _forgiven(self, what: str) -> Generator[None]:
        """Go on without the cache where the disk is full: an answer that was paid for counts."""
        try:
            yield
        except sqlite3.Error as error:
            if not self._broken:
                self._broken = True
                _log.warning("The cache %s cannot be %s: %s.", self.path, what, error)

"""The append-only journal of a run: what is in it survives a kill, and nothing is half-read.

A record is a frame: length and CRC-32 of its payload (little-endian 32-bit words), then the
payload.  A frame goes to the file in a single ``write()``, which the kernel keeps even when the
process is killed the next moment; ``durable`` also asks for ``fsync``, which survives a power cut.
A reader that meets a frame which is not whole, or whose checksum is wrong, goes on with the next
whole one, wherever that begins: what a disk spoils costs the records that it lies in, and no other.
A writer cuts off only what comes after the last whole frame.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalkit.errors import JournalError, RunLockedError

FRAME: Final = struct.Struct("<II")
CALL: Final = b"C"
BATCH: Final = b"B"
CELL: Final = b"S"
USAGE: Final = b"U"
_KINDS: Final = re.compile(b"[CBSU]")
_WINDOW: Final = 1 << 20

LOCK_FILE: Final = "lock"
"""File in a run's folder that the process which writes the run holds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One whole record, as it lies in the file."""

    kind: bytes
    offset: int
    length: int
    """Place of the payload after its letter, in bytes, in the file."""

    payload: bytes


class Journal:
    """Appends records to one file; opened by the one process that holds the run's lock."""

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        """Open *path* for appending; what comes after the last whole record is cut off.

        Raises:
            JournalError: If the file cannot be opened or written.
        """
        self.path = path
        self._durable = durable
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            self._end = 0
            for record in _scan(self._file):
                self._end = record.offset + record.length
            os.ftruncate(self._file, self._end)
            os.lseek(self._file, self._end, os.SEEK_SET)
        except OSError as error:
            raise _unwritable(path, error) from error

    def append(self, kind: bytes, payload: bytes) -> None:
        """Write one record, whole or not at all.

        Raises:
            JournalError: If the disk is full or the file is gone; earlier records stay readable.
        """
        body = kind + payload
        frame = FRAME.pack(len(body), zlib.crc32(body)) + body
        try:
            unwritten = frame
            while unwritten:  # one write; a second one only says why the disk took no more
                unwritten = unwritten[os.write(self._file, unwritten) :]
            if self._durable:
                os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
                os.lseek(self._file, self._end, os.SEEK_SET)
            raise _unwritable(self.path, error) from error
        self._end += len(frame)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _unwritable(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"Cannot write {path}: {error.strerror or error}. What was written before is kept; "
        "make room or give another store, then resume."
    )


def _scan(file: int) -> Iterator[Entry]:
    """Yield the whole records of *file*; where it is broken, the next one is looked for."""
    size = os.fstat(file).st_size
    offset = 0
    while (record := _record_at(file, offset, size)) or (
        record := _next_record(file, offset + 1, size)
    ):
        yield record
        offset = record.offset + record.length


def _record_at(file: int, offset: int, size: int) -> Entry | None:
    header = os.pread(file, FRAME.size, offset)
    if len(header) < FRAME.size:
        return None
    length, wanted = FRAME.unpack(header)
    start = offset + FRAME.size
    if length < 1 or start + length > size:
        return None
    body = os.pread(file, length, start)
    if zlib.crc32(body) != wanted:
        return None
    return Entry(body[:1], start + 1, length - 1, body[1:])


def _next_record(file: int, offset: int, size: int) -> Entry | None:
    """Return the first whole record that begins at *offset* or later: its letter gives it away."""
    while offset < size:
        window = os.pread(file, _WINDOW, offset + FRAME.size)
        for letter in _KINDS.finditer(window):
            record = _record_at(file, offset + letter.start(), size)
            if record is not None:
                return record
        offset += _WINDOW
    return None


def read_journal(path: Path) -> Iterator[Entry]:
    """Yield the whole records of *path*, in order; nothing where there is no such file.

    Raises:
        JournalError: If the file cannot be read.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(f"Cannot read {path}: {error.strerror}.") from error
    try:
        yield from _scan(file)
    finally:
        os.close(file)


def is_being_written(folder: Path) -> bool | None:
    """Say whether a living process writes the run in *folder*; ``None`` where none ever has."""
    try:
        file = os.open(folder / LOCK_FILE, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # any number may look at once
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _take(file: int) -> None:
    """Lock *file*; raises `OSError` where a process holds it, not where one only looks at it."""
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared with those who look
            fcntl.flock(file, fcntl.LOCK_UN)


class RunLock:
    """An exclusive lock on a run's folder; the kernel lets go of it when the process dies."""

    def __init__(self, folder: Path, run_id: str) -> None:
        """Take the lock at once.

        Raises:
            RunLockedError: If a living process holds it.
            JournalError: If the folder cannot be written.
        """
        path = folder / LOCK_FILE
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            _take(self._file)
        except OSError as error:
            owner = os.pread(self._file, 64, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise RunLockedError(run_id, f"process {owner}") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of the lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

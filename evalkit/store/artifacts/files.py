"""Files of this machine, written whole or not at all.

Paths of artifacts are relative to their run's folder and use forward slashes.  What cannot be
made or written is a `StoreUnavailableError`, and the old file, if any, is untouched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from evalkit.entities.run import FileInfo
from evalkit.errors import ArtifactPathError, StoreUnavailableError, UsageError

UNFINISHED = ".unfinished-"
"""How the names of files and folders begin that lists leave out: they are being written."""


def local_folder(uri: str) -> Path:
    """Return the path of a ``file:`` URI.

    Raises:
        UsageError: If the URI is of another kind, so that its files are not on this machine.

    Examples:
        >>> local_folder("file:///srv/evalkit-artifacts/0/ab/artifacts").as_posix()
        '/srv/evalkit-artifacts/0/ab/artifacts'
    """
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
        raise UsageError(f"{uri} is not a folder on this machine; give a file: URI.")
    if os.name != "nt":
        return Path(unquote(parts.path))
    from urllib.request import url2pathname  # brings http and e-mail parsing with it

    return Path(url2pathname(parts.path))


def inside(folder: Path, path: str) -> Path:
    """Return *path* below *folder*, after making sure that it is below it.

    Raises:
        ArtifactPathError: If it is none, as `plain_path` says, or leads out through a link.

    Examples:
        >>> inside(Path("/srv/run"), "plots/roc.png").as_posix()
        '/srv/run/plots/roc.png'
        >>> inside(Path("/srv/run"), "../other/secret")
        Traceback (most recent call last):
        ...
        evalkit.errors.ArtifactPathError: Artifact path '../other/secret' climbs out of its \
folder; give a path inside the run's folder.
    """
    full = folder / plain_path(path)
    if not full.resolve().is_relative_to(folder.resolve()):
        raise ArtifactPathError(path, "leads out of its folder through a link")
    return full


def plain_path(path: str) -> PurePosixPath:
    """Return *path* if it is one below a folder, wherever that is.

    Raises:
        ArtifactPathError: If *path* is empty, absolute, climbs by ``..``, has a backslash, a drive
            or a null character.
    """
    pure = PurePosixPath(path)
    if not pure.parts:
        raise ArtifactPathError(path, "is empty")
    if pure.is_absolute():
        raise ArtifactPathError(path, "is absolute")
    if ".." in pure.parts:
        raise ArtifactPathError(path, "climbs out of its folder")
    if "\\" in path or "\0" in path or (len(path) > 1 and path[1] == ":"):
        raise ArtifactPathError(path, "has a character that paths of artifacts may not have")
    return pure


def make_folder(folder: Path) -> None:
    """Make *folder* and what is missing above it, for its owner only."""
    with clear_errors(folder):
        missing = [part for part in (folder, *folder.parents) if not part.exists()]
        for part in reversed(missing):  # mkdir(parents=True) would leave the parents open to all
            part.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(exist_ok=True)  # an error where it is no folder


def write_bytes_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write *data* to *path* so that a reader finds the old file or the new one, never a part."""
    with atomic_file(path, durable=durable) as file:
        file.write(data)


def copy_file_atomic(source: Path, path: Path) -> None:
    """Copy *source* to *path* as `write_bytes_atomic` writes.

    Raises:
        OSError: If *source* cannot be read.
    """
    with source.open("rb") as content, atomic_file(path) as file:
        shutil.copyfileobj(content, file, 1 << 20)


@contextlib.contextmanager
def atomic_file(path: Path, *, durable: bool = True) -> Generator[BinaryIO]:
    """Open a file that becomes *path* when the block ends without an error.

    It is written under another name in the same folder, and is gone if the block fails.  The
    folder is made if it is not there.

    Args:
        path: The file.
        durable: Have it on the disk before it gets its name, and its name too, so that it survives
            a power cut.
    """
    make_folder(path.parent)
    with clear_errors(path):
        handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                if durable:  # else a power cut could leave the name without the content
                    file.flush()
                    os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        if durable:
            sync(path.parent)


def list_files(folder: Path, path: str = "") -> list[FileInfo]:
    """Return the entries of *folder*, or of *path* below it, by name; none where there is none.

    Raises:
        ArtifactPathError: If *path* is not below *folder*.
    """
    start = inside(folder, path) if path else folder
    if not start.is_dir():
        return []
    entries = sorted(e for e in start.iterdir() if not e.name.startswith(UNFINISHED))
    return [
        FileInfo(
            path=entry.relative_to(folder).as_posix(),
            is_dir=entry.is_dir(),
            file_size=None if entry.is_dir() else entry.lstat().st_size,
        )
        for entry in entries
    ]


def sync(path: Path) -> None:
    """Put a file's content, or the names in a folder, on the disk, where the system can."""
    if os.name != "posix" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def clear_errors(path: Path, *, but: type[OSError] | tuple[()] = ()) -> Generator[None]:
    """Turn an `OSError` of the block, *but* one kind, into one that says what to do."""
    try:
        yield
    except but:
        raise
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error})"
        advice = "free some space, or name another folder by --store or EVALKIT_TRACKING_URI"
        raise StoreUnavailableError(str(path), problem, advice) from error

"""Artifacts in a folder of this machine, and the opening of what a URI names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from evalkit.entities.run import FileInfo
from evalkit.errors import UsageError
from evalkit.store.artifacts.files import (
    clear_errors,
    copy_file_atomic,
    inside,
    list_files,
    local_folder,
    write_bytes_atomic,
)
from evalkit.store.artifacts.repository import ArtifactRepository


class LocalRepository(ArtifactRepository):
    """A folder; files in it are written whole or not at all, readable by their owner only.

    Symbolic links to folders are not followed.
    """

    def __init__(self, folder: Path) -> None:
        self.work = folder
        self.uri = folder.absolute().as_uri()

    def put(self, source: Path, path: str = "") -> None:
        target = self._at(path)
        if source.absolute() == target.absolute():  # it was made in its place
            return
        if not source.is_dir():
            copy_file_atomic(source, inside(self.work, path))
            return
        for folder, _, names in os.walk(source):
            for name in sorted(names):
                file = Path(folder, name)
                copy_file_atomic(file, inside(target, file.relative_to(source).as_posix()))

    def write(self, path: str, content: bytes) -> None:
        write_bytes_atomic(inside(self.work, path), content)

    def get(self, path: str = "") -> Path:
        target = self._at(path)
        if not target.exists():
            raise FileNotFoundError(f"There is no {path or 'folder'} in {self.uri}.")
        return target

    def list(self, path: str = "") -> list[FileInfo]:
        return list_files(self.work, path)

    def delete(self, path: str) -> None:
        target = inside(self.work, path)
        with clear_errors(target):
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)

    def _at(self, path: str) -> Path:
        return inside(self.work, path) if path else self.work


def open_repository(uri: str) -> ArtifactRepository:
    """Open a folder of artifacts, which need not exist.

    Args:
        uri: ``file:///PATH``, or a URI that fsspec reads, such as ``s3://bucket/runs``, for which
            the extra ``remote`` and fsspec's own package for that place are needed.

    Raises:
        UsageError: If the URI is none, or there is no package for it.
        MissingExtraError: If fsspec is not installed.

    Examples:
        >>> open_repository("file:///srv/artifacts").work.as_posix()
        '/srv/artifacts'
    """
    if uri.startswith("file:"):
        return LocalRepository(local_folder(uri))
    if "://" not in uri:
        raise UsageError(f"{uri!r} is no URI of a folder; give file:///PATH or s3://BUCKET/PATH.")
    # start-up: only who keeps artifacts elsewhere pays for fsspec
    from evalkit.store.artifacts.remote import RemoteRepository

    return RemoteRepository(uri)

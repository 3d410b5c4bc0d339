"""Artifacts: where work is done until it is whole (`WorkFolder`), and where it is kept."""

from evalkit.store.artifacts.files import (
    atomic_file,
    copy_file_atomic,
    inside,
    list_files,
    local_folder,
    make_folder,
    write_bytes_atomic,
)
from evalkit.store.artifacts.local import open_repository
from evalkit.store.artifacts.repository import ArtifactRepository
from evalkit.store.artifacts.root import ArtifactRoot
from evalkit.store.artifacts.work import WorkFolder

__all__ = [
    "ArtifactRepository",
    "ArtifactRoot",
    "WorkFolder",
    "atomic_file",
    "copy_file_atomic",
    "inside",
    "list_files",
    "local_folder",
    "make_folder",
    "open_repository",
    "write_bytes_atomic",
]

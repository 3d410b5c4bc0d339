"""What every place of artifacts promises."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from evalkit.entities.run import FileInfo


class ArtifactRepository(Protocol):
    """A folder of artifacts, such as a run's, wherever it is.

    Paths are relative to it and have forward slashes; one that leads out of it is an
    `ArtifactPathError`.  A place that cannot be reached, read or written is a
    `StoreUnavailableError`.
    """

    uri: str
    """The URI of the folder."""

    work: Path
    """Folder of this machine in which what is to be published here is made.

    It is the same for equal URIs, so that another process finds what this one left unfinished.
    Where the repository is local, it is the folder itself: what lies in it is published.
    """

    def put(self, source: Path, path: str = "") -> None:
        """Copy a file to *path*, or what a folder holds into the folder *path*, each file whole.

        Raises:
            OSError: If *source* cannot be read.
        """
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write the file *path*, whole or not at all."""
        ...

    def get(self, path: str = "") -> Path:
        """Return a file or folder of this machine that holds what *path* holds now; only read it.

        What is elsewhere is fetched into the user's cache, where it is found by its digest the next
        time.

        Raises:
            FileNotFoundError: If there is nothing at *path*.
        """
        ...

    def list(self, path: str = "") -> list[FileInfo]:
        """Return the entries of the folder *path* by name; none where there is none."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that it holds; what is not there is no error."""
        ...

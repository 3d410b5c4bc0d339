"""A store that is gone when it is closed: for tests, and for work that nobody wants to keep."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from evalkit.store.sql.store import SqlTrackingStore


class TemporaryStore(SqlTrackingStore):
    """A store in a folder of its own, removed when the store is closed or the process ends.

    It is a file all the same, so that threads and processes share it as they share any other.
    """

    def __init__(self, artifact_root: Path | None = None) -> None:
        folder = Path(tempfile.mkdtemp(prefix="evalkit-"))
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        super().__init__(folder / "evalkit.db", artifact_root or folder / "evalkit-artifacts")

    def close(self) -> None:
        """Let go of the database file and remove it."""
        super().close()
        self._remove()

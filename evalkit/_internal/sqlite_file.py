"""SQLite files that may not be written, opened to be read."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


def only_readable(path: Path) -> bool:
    """Say whether there is a file at *path* that can be looked at, but not written.

    Beside the file SQLite writes others: that the file alone may be written is not enough.
    """
    there = os.path.isfile(path)  # noqa: PTH113  pathlib's raises where one may not look
    return there and not all(os.access(p, os.W_OK) for p in (path, path.parent))


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the database at *path*, which nothing then writes; transactions begin as one says.

    Raises:
        sqlite3.Error: If it cannot be opened.
    """
    # The write-ahead log of a living writer is there to be read.  Without one SQLite would have to
    # make it, unless it is promised that nobody writes.
    log = path.with_name(f"{path.name}-wal")
    options = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )

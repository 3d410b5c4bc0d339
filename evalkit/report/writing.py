"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """Give a path to write to, and put the file in its place when all went well.

    Missing folders are made.  What stood there before stays until the new file is complete.

    Raises:
        OSError: If the file or its folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        yield fresh
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write *text* as UTF-8, line ends as they are; lone surrogates become question marks.

    Raises:
        OSError: If the file or its folder cannot be written.
    """
    with whole_file(path) as fresh:
        fresh.write_bytes(text.encode("utf-8", "replace"))

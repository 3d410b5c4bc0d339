"""Finding the exporter that writes a report."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

from evalkit.entities.exporter import Exporter
from evalkit.errors import UsageError, near_miss
from evalkit.hooks.catalog import catalog
from evalkit.hooks.offers import Entry


def exporter(name: str) -> Any:
    """Return the exporter registered as *name*.

    Raises:
        UsageError: If there is none, as when its plug-in is blocked.
    """
    reports = catalog().reports
    if name not in reports:
        names = ", ".join(reports) or "none"
        raise UsageError(f"No report is called {name!r}; registered: {names}.")
    return reports[name].item


def export(thing: Any, path: Path, *, verb: str = "write") -> Path:
    """Write *thing* to *path* with the exporter of its extension, and give the path back.

    The longest extension decides: ``x.baseline.json`` is another format than ``x.json``.  The
    *verb* is the exporters' attribute that writes such things: of comparisons ``write_comparison``.

    Raises:
        UsageError: If no exporter writes such files, or the file cannot be written.
    """
    writer = _writer(path, verb)
    try:
        with writer.blamed(f"write {path}"):
            getattr(writer.item, verb)(thing, path)
            if not path.exists():
                raise RuntimeError(f"{verb} left no file")
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from error
    return path


def check_report(path: Path, *, verb: str = "write") -> None:
    """Refuse a report that `export` cannot write, before anything is done for it.

    Raises:
        UsageError: As `export` does.
    """
    _writer(path, verb)
    check_writable(path)


def check_writable(path: Path) -> None:
    """Refuse a file that cannot be made, or written anew; nothing stays behind.

    Raises:
        UsageError: Saying why.
    """
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # Made and not asked for: rights alone say nothing of a disk mounted to be read.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from error


def _writer(path: Path, verb: str) -> Entry[Exporter]:
    known = catalog()
    by_ending = known.claims(
        known.reports, lambda item: item.extensions if getattr(item, verb, None) else ()
    )
    for ending in sorted(by_ending, key=len, reverse=True):
        if path.name.lower().endswith(ending):
            return by_ending[ending]
    extension = path.suffix.lower()
    what = "comparison" if verb == "write_comparison" else "report"
    raise UsageError(
        f"No {what} is written as {extension or 'a file without extension'!r}."
        f"{near_miss(extension, by_ending)} Extensions: {' '.join(sorted(by_ending)) or 'none'}."
    )

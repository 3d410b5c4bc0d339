"""Finding the exporter that writes a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalkit.errors import UsageError, near_miss
from evalkit.hooks.catalog import catalog


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
    items = [entry.item for entry in catalog().reports.values()]
    exporters = [item for item in items if getattr(item, verb, None) is not None]
    by_ending = {ending: item for item in exporters for ending in item.extensions}
    for ending in sorted(by_ending, key=len, reverse=True):
        if path.name.lower().endswith(ending):
            try:
                getattr(by_ending[ending], verb)(thing, path)
            except OSError as error:
                raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from error
            return path
    extension = path.suffix.lower()
    what = "comparison" if verb == "write_comparison" else "report"
    raise UsageError(
        f"No {what} is written as {extension or 'a file without extension'!r}."
        f"{near_miss(extension, by_ending)} Extensions: {' '.join(sorted(by_ending)) or 'none'}."
    )

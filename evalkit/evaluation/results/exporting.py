"""Finding the exporter that writes a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import UsageError, near_miss
from evalkit.hooks.catalog import catalog

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.result import EvaluationResult


def exporter(name: str) -> Any:
    """Return the exporter registered as *name*.

    Raises:
        UsageError: If there is none, as when its plug-in is blocked.
    """
    found = catalog().reports.get(name)
    if found is None:
        known = ", ".join(catalog().reports) or "none"
        raise UsageError(f"No report is called {name!r}; registered: {known}.")
    return found.item


def export_comparison(comparison: Comparison, path: Path) -> Path:
    """Write *comparison* to *path* with the exporter of its extension.

    Raises:
        UsageError: If no exporter writes comparisons with this extension.
    """
    extension = path.suffix.lower()
    known: list[str] = []
    for entry in catalog().reports.values():
        write = getattr(entry.item, "write_comparison", None)
        if write is None:
            continue
        if extension in entry.item.extensions:
            write(comparison, path)
            return path
        known += entry.item.extensions
    listed = " ".join(sorted(known)) or "none"
    raise UsageError(f"No comparison is written as {extension!r}. Extensions: {listed}.")


def export(result: EvaluationResult, path: Path) -> Path:
    """Write *result* to *path* with the exporter of its extension.

    Raises:
        UsageError: If no exporter has the extension, or the file cannot be written.
    """
    extension = path.suffix.lower()
    exporters = [entry.item for entry in catalog().reports.values()]
    known = {ending: found for found in exporters for ending in found.extensions}
    # The longest one decides: x.baseline.json is another format than x.json.
    for ending in sorted(known, key=len, reverse=True):
        if path.name.lower().endswith(ending):
            try:
                known[ending].write(result, path)
            except OSError as error:
                raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from error
            return path
    raise UsageError(
        f"No report is written as {extension or 'a file without extension'!r}."
        f"{near_miss(extension, known)} Extensions: {' '.join(sorted(known))}."
    )

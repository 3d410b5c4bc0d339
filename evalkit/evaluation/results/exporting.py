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


def export(thing: EvaluationResult | Comparison, path: Path, verb: str = "write") -> Path:
    """Write a result, or a comparison, to *path* with the exporter of its extension.

    Args:
        thing: What to write.
        path: File; its extension decides who writes it.
        verb: Name of the exporter's method: ``write``, or ``write_comparison``.

    Raises:
        UsageError: If no exporter has the extension, or the file cannot be written.
    """
    writers = {
        extension: getattr(entry.item, verb, None)
        for entry in catalog().reports.values()
        for extension in entry.item.extensions
    }
    known = {extension: write for extension, write in writers.items() if write is not None}
    # The longest one decides: x.baseline.json is another format than x.json.
    for extension in sorted(known, key=len, reverse=True):
        if path.name.lower().endswith(extension):
            try:
                known[extension](thing, path)
            except OSError as error:
                raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from error
            return path
    what = "report" if verb == "write" else "comparison"
    extension = path.suffix.lower()
    raise UsageError(
        f"No {what} is written as {extension or 'a file without extension'!r}."
        f"{near_miss(extension, known)} Extensions: {' '.join(sorted(known)) or 'none'}."
    )

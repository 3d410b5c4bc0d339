"""Results on stdout: the table for people, one JSON object for machines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.cli.exits import outcome, scored_anything
from evalkit.cli.output import drawing_board, show, tell, write_json
from evalkit.errors import UsageError
from evalkit.report.comparison_document import comparison_document
from evalkit.report.table import WIDEST, render

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.gates.verdict import GateVerdict


def show_results(
    results: Sequence[EvaluationResult], *, as_json: bool, comparison: Comparison | None = None
) -> None:
    """Print *results*; say on stderr where nothing could be scored, and why.

    Args:
        results: What to print.
        as_json: Whether to print one JSON object instead of tables.
        comparison: Added to the JSON object of several results.
    """
    if as_json:
        found = [as_object(result) for result in results]
        several: dict[str, Any] = {"runs": found}
        if comparison is not None:
            several["comparison"] = comparison_document(comparison, cases=0)
        write_json(found[0] if len(found) == 1 else several)
    else:
        width = min(drawing_board().width, WIDEST)
        show(*(render(result, width=width) for result in results))
    for result in results:
        if not scored_anything(result):
            tell(f"Nothing could be scored in {result.name!r}: no metric has a value of any case.")


def check_report_files(files: Iterable[Path]) -> None:
    """Refuse reports that cannot be written, before anything is called for them.

    Raises:
        UsageError: Naming the file, and the extensions that there are.
    """
    from evalkit.hooks.catalog import catalog

    known = {end for entry in catalog().reports.values() for end in entry.item.extensions}
    for file in files:
        if file.suffix.lower() not in known:
            listed = " ".join(sorted(known))
            raise UsageError(f"No report is written as {file.name!r}; extensions: {listed}.")
        nearest = next(folder for folder in file.absolute().parents if folder.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            raise UsageError(f"Cannot write {file}: {nearest} cannot be written.")


def write_reports(result: EvaluationResult, files: Iterable[str | Path]) -> None:
    """Write *result* to each of *files*, and say so on stderr."""
    for file in files:
        tell(f"Wrote {result.report(file)}")


def as_object(result: EvaluationResult, verdict: GateVerdict | None = None) -> dict[str, Any]:
    """Return *result* as the JSON report has it; *verdict* may be one on other gates."""
    from evalkit.report.json import document

    verdict = result.verdict if verdict is None else verdict
    return {**document(result, verdict=verdict), "verdict": str(outcome(result, verdict))}

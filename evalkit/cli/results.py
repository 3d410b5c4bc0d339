"""Results on stdout: the table for people, one JSON object for machines; and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.cli.guard import tell_error
from evalkit.cli.output import drawing_board, show, tell, write_json
from evalkit.errors import EvalkitError
from evalkit.gates.verdict import EXIT_CODES, GateVerdict, Verdict, gravest
from evalkit.report.comparison_document import comparison_document
from evalkit.report.console import WIDEST
from evalkit.report.json import document
from evalkit.report.table import render

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.result import EvaluationResult


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
        runs = [as_object(result) for result in results]
        several: dict[str, Any] = {"runs": runs}
        if comparison is not None:
            several["comparison"] = comparison_document(comparison, cases=0)
        write_json(runs[0] if len(runs) == 1 else several)
    else:
        width = min(drawing_board().width, WIDEST)
        show(*(part for result in results for part in render(result, width=width)))
    for result in results:
        if not result.scored_anything:
            tell(f"Nothing could be scored in {result.name!r}: no metric has a value of any case.")


def as_object(result: EvaluationResult, verdict: GateVerdict | None = None) -> dict[str, Any]:
    """Return *result* as the JSON report has it; *verdict* may be one on other gates."""
    return document(result, verdict=result.verdict if verdict is None else verdict)


def check_report_files(files: Iterable[str | Path], *, verb: str = "write") -> None:
    """Refuse reports that cannot be written, before anything is called for them."""
    from evalkit.evaluation.results.exporting import check_report  # start-up: most write none

    for file in files:
        check_report(Path(file), verb=verb)


def write_reports(thing: EvaluationResult | Comparison, files: Iterable[str | Path]) -> int:
    """Write *thing* to each of *files*, and say on stderr what was written and what was not.

    Returns:
        Exit code: 0, or that of infrastructure where a report is missing.
    """
    code = 0
    for file in files:
        try:
            tell(f"Wrote {thing.report(file)}")
        except EvalkitError as error:  # the run is done: its other reports are still to be had
            tell_error(error)
            code = EXIT_CODES[Verdict.INFRA]
    return code


def exit_code(results: Iterable[EvaluationResult]) -> int:
    """Return the exit code of the gravest of *results*: FAIL, then BUDGET, INFRA, INCONCLUSIVE."""
    return EXIT_CODES[gravest(outcome(result, result.verdict) for result in results)]


def outcome(result: EvaluationResult, verdict: GateVerdict) -> Verdict:
    """Return what *verdict* comes to as an exit code: where nothing was scored, INFRA at least."""
    if verdict.status in {Verdict.FAIL, Verdict.BUDGET} or result.scored_anything:
        return verdict.status
    return Verdict.INFRA

"""``evalkit report``."""

from __future__ import annotations

import click

from evalkit.cli.command import Command
from evalkit.cli.options import json_option, run_argument, store_option


@click.command(
    cls=Command, own_modules=True, example="evalkit report latest -o report.html -o report.md"
)
@run_argument
@click.option(
    "-o",
    "--output",
    "files",
    multiple=True,
    metavar="FILE",
    help="File to write, in the format of its extension; without any, the table is shown.",
)
@json_option
@store_option
def command(run: str, files: tuple[str, ...], as_json: bool) -> int:
    """Show a run, or write it as a report.

    Extensions: .html .md .json .xml (JUnit) .csv .parquet .tex, those of plug-ins, and
    .baseline.json: the scores alone, a line a case, to commit and to compare later runs with.
    """
    from evalkit.cli.results import check_report_files, show_results, write_reports
    from evalkit.evaluation.result import EvaluationResult

    check_report_files(files)
    result = EvaluationResult.load(run)
    code = write_reports(result, files)
    if as_json or not files:
        show_results([result], as_json=as_json)
    return code

"""``evalkit retry``."""

from __future__ import annotations

import click

from evalkit.cli.command import Command
from evalkit.cli.options import json_option, report_option, run_argument, store_option


@click.command(cls=Command, example="evalkit retry latest")
@run_argument
@click.option("--model", metavar="MODEL", help="The target, where it cannot be found by its name.")
@click.option(
    "--scorer",
    "scorers",
    multiple=True,
    metavar="SCORER",
    help="The scorers, where they cannot be found by their names.",
)
@report_option
@json_option
@store_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    run: str,
    model: str | None,
    scorers: tuple[str, ...],
    report: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run what failed again, as a new run that keeps the rest."""
    from evalkit.cli.exits import exit_code
    from evalkit.cli.locating import find_own_modules
    from evalkit.cli.summary import show_results, write_reports
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.specification.words import read_scorer

    find_own_modules()
    given = [read_scorer(text) for text in scorers] or None
    result = EvaluationResult.load(run).retry("failed", model=model, scorers=given)
    show_results([result], as_json=as_json)
    write_reports(result, report)
    context.exit(exit_code([result]))

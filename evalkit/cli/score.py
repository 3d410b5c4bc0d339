"""``evalkit score``."""

from __future__ import annotations

import click

from evalkit.cli.command import Command
from evalkit.cli.options import json_option, report_option, run_argument, store_option


@click.command(cls=Command, example="evalkit score latest --scorer text.bleu")
@run_argument
@click.option(
    "--scorer",
    "scorers",
    multiple=True,
    required=True,
    metavar="SCORER",
    help="Name, 'name:{json}', 'module:object' or a judge's file; repeat.",
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
    scorers: tuple[str, ...],
    report: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add scorers to finished work, in the same run; no model is called."""
    from evalkit.cli.exits import exit_code
    from evalkit.cli.locating import find_own_modules
    from evalkit.cli.summary import show_results, write_reports
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.specification.words import read_scorer

    find_own_modules()
    result = EvaluationResult.load(run).score([read_scorer(text) for text in scorers])
    show_results([result], as_json=as_json)
    write_reports(result, report)
    context.exit(exit_code([result]))

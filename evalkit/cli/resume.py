"""``evalkit resume``."""

from __future__ import annotations

from typing import Any

import click

from evalkit.cli.command import Command
from evalkit.cli.options import json_option, report_option, run_argument, store_option
from evalkit.cli.words import budget_of, given


@click.command(cls=Command, example="evalkit resume latest --budget 5")
@run_argument
@click.option("--concurrency", type=int, metavar="N", help="Calls in flight at once.")
@click.option("--timeout-seconds", type=float, metavar="S", help="Longest time of one call.")
@click.option("--requests-per-minute", type=float, metavar="N", help="Most calls in a minute.")
@click.option(
    "--budget",
    multiple=True,
    callback=budget_of,
    metavar="USD|UNIT=N",
    help="Most to spend, what is spent already included; replaces the run's own.",
)
@click.option("--durable/--no-durable", default=None, help="Survive a power cut too.")
@click.option("--progress/--no-progress", default=None, help="Draw a progress bar, or none.")
@report_option
@json_option
@store_option
@click.pass_context
def command(
    context: click.Context, /, run: str, report: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """Finish an evaluation that was interrupted, killed or out of budget.

    Only calls that were in flight are made again; no score differs.  Settings are the run's own
    unless they are given here.
    """
    from evalkit.cli.exits import exit_code
    from evalkit.cli.locating import find_own_modules
    from evalkit.cli.summary import show_results, write_reports
    from evalkit.evaluation.evaluate import resume
    from evalkit.evaluation.results.loading import find_folder
    from evalkit.evaluation.running.runtime import Runtime

    find_own_modules()
    folder = find_folder(run)
    settings = {**folder.read_json(folder.plan)["runtime"]}
    settings |= given(options)
    settings["budget"] = dict(settings["budget"] or {}) or None
    result = resume(run, runtime=Runtime(**settings))
    show_results([result], as_json=as_json)
    write_reports(result, report)
    context.exit(exit_code([result]))

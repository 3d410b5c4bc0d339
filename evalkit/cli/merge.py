"""``evalkit merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, report_option, store_option


@click.command(
    cls=Command, own_modules=True, example="evalkit merge qa-1 qa-2 --report report.html"
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@keyword("scorers", "Corpus scorer of your own, which files do not bring along; repeat.")
@keyword("gates", "Condition to hold; by default those that the shards were started with.")
@keyword("baseline", "What gates compare with; by default that of the shards.")
@keyword("name")
@keyword("experiment")
@keyword("no_store")
@click.option("-o", "--output", metavar="FOLDER", help="Keep the result there, in no store.")
@report_option
@json_option
@store_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    runs: tuple[str, ...],
    scorers: tuple[str, ...],
    gates: tuple[str, ...],
    no_store: bool | None,
    output: str | None,
    report: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Merge shards of one evaluation, or runs on disjoint cases, as a run of its own.

    The gates of 'evalkit evaluate --shard I/N' are judged here, once, on the whole. RUN is also
    the folder of an evaluation, such as one that another machine has made.
    """
    from evalkit.cli.results import check_report_files, conclude
    from evalkit.evaluation.merge import merge
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.running.runtime import Runtime
    from evalkit.evaluation.specification.words import read_scorer

    check_report_files(map(Path, report))
    nowhere = no_store or output is not None
    result = merge(
        [EvaluationResult.load(run) for run in runs],
        scorers=[read_scorer(text) for text in scorers],
        gates=gates or None,
        runtime=Runtime(store=False if nowhere else None),
        folder=output,
        **options,
    )
    conclude(context, result, report=report, as_json=as_json)

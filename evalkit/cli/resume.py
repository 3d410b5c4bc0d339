"""``evalkit resume``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import concluded, run_argument
from evalkit.cli.values import given

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


@click.command(cls=Command, own_modules=True, example="evalkit resume latest --budget 5")
@run_argument
@keyword("concurrency", "Calls in flight at once.")
@keyword("timeout_seconds")
@keyword("requests_per_minute")
@keyword("budget", "Most to spend, what is spent already included; replaces the run's own.")
@keyword("durable")
@keyword("progress")
@concluded
def command(run: str, **options: Any) -> EvaluationResult:
    """Finish an evaluation that was interrupted, killed or out of budget.

    Only calls that were in flight are made again; no score differs.  Settings are the run's own
    unless they are given here.
    """
    from evalkit.evaluation.evaluate import resume
    from evalkit.evaluation.results.loading import find_folder
    from evalkit.evaluation.running.runtime import Runtime

    folder = find_folder(run)
    settings = {**folder.read_json(folder.plan)["runtime"]}
    settings |= given(options)
    settings["budget"] = dict(settings["budget"] or {}) or None
    return resume(run, runtime=Runtime(**settings))

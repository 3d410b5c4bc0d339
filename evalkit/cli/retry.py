"""``evalkit retry``."""

from __future__ import annotations

from typing import Any

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, report_option, run_argument, store_option


@click.command(cls=Command, own_modules=True, example="evalkit retry latest")
@run_argument
@keyword("model", "The target, where it cannot be found by its name.", multiple=False)
@keyword("scorers", "The scorers, where they cannot be found by their names.")
@report_option
@json_option
@store_option
@click.pass_context
def command(
    context: click.Context,
    /,
    run: str,
    *,
    model: str | None,
    scorers: tuple[str, ...],
    **options: Any,
) -> None:
    """Run what failed again, as a new run that keeps the rest."""
    from evalkit.cli.results import conclude
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.specification.words import read_scorer

    given = [read_scorer(text) for text in scorers] or None
    result = EvaluationResult.load(run).retry("failed", model=model, scorers=given)
    conclude(context, result, **options)

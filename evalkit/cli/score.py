"""``evalkit score``."""

from __future__ import annotations

from typing import Any

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, report_option, run_argument, store_option


@click.command(cls=Command, own_modules=True, example="evalkit score latest --scorer text.bleu")
@run_argument
@keyword("scorers", required=True)
@report_option
@json_option
@store_option
@click.pass_context
def command(
    context: click.Context, /, run: str, *, scorers: tuple[str, ...], **options: Any
) -> None:
    """Add scorers to finished work, in the same run; no model is called."""
    from evalkit.cli.results import conclude
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.specification.words import read_scorer

    result = EvaluationResult.load(run).score([read_scorer(text) for text in scorers])
    conclude(context, result, **options)

"""``evalkit score``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import concluded, run_argument

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


@click.command(cls=Command, own_modules=True, example="evalkit score latest --scorer text.bleu")
@run_argument
@keyword("scorers", required=True)
@concluded
def command(run: str, scorers: tuple[str, ...]) -> EvaluationResult:
    """Add scorers to finished work, in the same run; no model is called."""
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.specification.words import read_scorer

    return EvaluationResult.load(run).score([read_scorer(text) for text in scorers])

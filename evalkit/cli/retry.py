"""``evalkit retry``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import concluded, run_argument

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


@click.command(cls=Command, own_modules=True, example="evalkit retry latest")
@run_argument
@keyword("model", "The target, where it cannot be found by its name.", multiple=False)
@keyword("scorers", "The scorers, where they cannot be found by their names.")
@concluded
def command(run: str, model: str | None, scorers: tuple[str, ...]) -> EvaluationResult:
    """Run what failed again, as a new run that keeps the rest."""
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.specification.words import read_scorer

    given = [read_scorer(text) for text in scorers] or None
    return EvaluationResult.load(run).retry("failed", model=model, scorers=given)

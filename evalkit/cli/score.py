"""``evalkit score``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import concluded, run_argument
from evalkit.cli.values import given

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


@click.command(cls=Command, own_modules=True, example="evalkit score latest --scorer text.bleu")
@run_argument
@keyword("scorers")
@click.option("--replace", is_flag=True, help="Put scorers in the place of those of their names.")
@click.option("--drop", multiple=True, metavar="NAME", help="Leave a scorer's metrics out.")
@keyword("judge_model")
@keyword("judge_base_url")
@keyword("mode")
@keyword("budget", "Most to spend, what is spent already included.")
@keyword("concurrency", "Calls in flight at once.")
@concluded
def command(
    run: str,
    scorers: tuple[str, ...],
    *,
    replace: bool,
    drop: tuple[str, ...],
    judge_model: str | None,
    judge_base_url: str | None,
    **options: Any,
) -> EvaluationResult:
    """Add scorers to finished work, in the same run; the target is not called.

    Settings are the run's own unless they are given here; its budget is not.
    """
    from evalkit.errors import UsageError
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.running.runtime import Runtime
    from evalkit.evaluation.specification.words import read_scorer

    if not scorers and not drop:
        raise UsageError("Give --scorer NAME for what to add, or --drop NAME.")
    result = EvaluationResult.load(run)
    kept = result.facts.plan.runtime
    settings: dict[str, Any] = {**kept, "budget": None, **given(options)}
    runtime = Runtime(**settings)
    return result.score(
        [read_scorer(text) for text in scorers],
        replace=replace,
        drop=drop,
        judge_model=judge_model,
        judge_base_url=judge_base_url,
        runtime=runtime,
    )

"""``evalkit retry``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import concluded, run_argument
from evalkit.cli.values import given

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


@click.command(cls=Command, own_modules=True, example="evalkit retry latest")
@run_argument
@keyword("model", "The target, where it cannot be found by its name.", multiple=False)
@keyword("scorers", "The scorers, where they cannot be found by their names.")
@keyword("judge_model", "Another model for judges that named none; they judge all anew.")
@keyword("judge_base_url")
@keyword("mode")
@keyword("budget", "Most to spend, what is spent already included.")
@keyword("concurrency", "Calls in flight at once.")
@keyword("timeout_seconds")
@concluded
def command(
    run: str,
    *,
    model: str | None,
    scorers: tuple[str, ...],
    judge_model: str | None,
    judge_base_url: str | None,
    **options: Any,
) -> EvaluationResult:
    """Run what failed again, as a new run that keeps the rest.

    Settings are the run's own unless they are given here; its budget is not.
    """
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.running.runtime import Runtime
    from evalkit.evaluation.specification.words import read_scorer

    result = EvaluationResult.load(run)
    kept = result.facts.plan.runtime
    settings: dict[str, Any] = {**kept, "budget": None, **given(options)}
    runtime = Runtime(**settings)
    chosen = [read_scorer(text) for text in scorers] or None
    return result.retry(
        "failed",
        model=model,
        scorers=chosen,
        judge_model=judge_model,
        judge_base_url=judge_base_url,
        runtime=runtime,
    )

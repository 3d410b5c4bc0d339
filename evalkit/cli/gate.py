"""``evalkit gate``."""

from __future__ import annotations

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, run_argument, store_option
from evalkit.cli.output import show, write_json
from evalkit.errors import UsageError
from evalkit.gates.verdict import EXIT_CODES


@click.command(
    cls=Command, own_modules=True, example="evalkit gate latest --gate 'text.token_f1 >= 0.6'"
)
@run_argument
@keyword("gates", "Condition to hold; by default those of the run itself.")
@keyword("baseline", "What conditions such as 'no_regression(text.token_f1)' compare with.")
@keyword("cards")
@json_option
@store_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    run: str,
    gates: tuple[str, ...],
    baseline: str | None,
    cards: str | None,
    as_json: bool,
) -> None:
    """Judge a finished run by conditions; the exit code tells the verdict.

    A condition is `metric op number`, such as `text.token_f1[language=de] >= 0.5`; a metric may
    stand in `mean`, `median`, `rate`, `min`, `max` or `p1` … `p99`, as `p95(operations.latency) <=
    2`, and in `worst(m, by=language)`, the slice where it is worst.  It passes if the whole
    interval does; with `@ point` at its end the value alone decides, `@ ci90` asks for another
    level.  `n(m) >= 100` counts cases with a value, `skipped <= 5%` those left out, `coverage >=
    98%` those without a failure; `cost <= 5` is in US dollars, and `must_pass[topic=safety]` is
    about the conditions of the cases themselves.

    `no_regression(m, margin=0.02)`, `improves(m, by=0.01)` and `equivalent(m, margin=0.01)` compare
    with the baseline, on the cases in common: a run, a baseline file, git:REF:FILE, or
    models:/NAME@ALIAS.  `calibrated(grounded, kappa >= 0.6)` goes by a judge's card.
    """
    from evalkit.cli.results import as_object, outcome
    from evalkit.evaluation.baselines.opening import open_result
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.report.table import gates as drawn_gates

    result = open_result(run, kind=EvaluationResult)
    conditions = gates or result.facts.plan.gates
    own = not gates and baseline is None and cards is None
    verdict = result.verdict if own else result.check(conditions, baseline=baseline, cards=cards)
    if not verdict.conditions:
        raise UsageError(f"{result.name!r} has no conditions of its own; give --gate CONDITION.")
    if as_json:
        write_json(as_object(result, verdict))
    else:
        show(drawn_gates(verdict))
    context.exit(EXIT_CODES[outcome(result, verdict)])

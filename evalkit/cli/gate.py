"""``evalkit gate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalkit.cli.command import Command
from evalkit.cli.options import json_option, run_argument, store_option

if TYPE_CHECKING:
    from evalkit.gates.verdict import GateVerdict


@click.command(cls=Command, example="evalkit gate latest --gate 'text.token_f1 >= 0.6'")
@run_argument
@click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="CONDITION",
    help="Condition to hold; by default those of the run itself.",
)
@click.option(
    "--baseline",
    metavar="RUN|FILE",
    help="What conditions such as 'no_regression(text.token_f1)' compare with.",
)
@click.option("--cards", metavar="FOLDER", help="Judges' cards, for calibrated(…).")
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

    A condition is `metric op number`, such as `p95(operations.latency) <= 2`,
    `text.token_f1[language=de] >= 0.5` or `coverage >= 98%`.  It passes if the whole interval
    does; with `@ point` at its end the value alone decides.  `no_regression(m, margin=0.02)`,
    `improves(m, by=0.01)` and `equivalent(m, margin=0.01)` compare with the baseline: a run, a
    baseline file, git:REF:FILE, or models:/NAME@ALIAS.  `calibrated(grounded, kappa >= 0.6)` goes
    by a judge's card.
    """
    from evalkit.cli.exits import outcome
    from evalkit.cli.locating import find_own_modules
    from evalkit.cli.output import write_json
    from evalkit.cli.summary import as_object
    from evalkit.errors import UsageError
    from evalkit.evaluation.baselines.opening import open_result
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.gates.verdict import EXIT_CODES

    find_own_modules()
    result = open_result(run, kind=EvaluationResult)
    asked = gates or result.facts.plan.gates
    own = not gates and baseline is None and cards is None
    verdict = result.verdict if own else result.check(asked, baseline=baseline, cards=cards)
    if not verdict.conditions:
        raise UsageError(f"{result.name!r} has no conditions of its own; give --gate CONDITION.")
    if as_json:
        write_json(as_object(result, verdict))
    else:
        show_verdict(verdict)
    context.exit(EXIT_CODES[outcome(result, verdict)])


def show_verdict(verdict: GateVerdict) -> None:
    """Print each condition with the numbers that decided it."""
    from rich.table import Table
    from rich.text import Text

    from evalkit.cli.output import show
    from evalkit.report.table import STYLES

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for condition in verdict.conditions:
        status = Text(str(condition.status), STYLES[condition.status])
        grid.add_row(status, Text(condition.why))
    show(grid)

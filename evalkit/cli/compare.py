"""``evalkit compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalkit.cli.command import Command
from evalkit.cli.options import json_option, store_option

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison

_ADJUST = {"bh": "benjamini-hochberg", "holm": "holm"}


@click.command(
    cls=Command,
    example=(
        "evalkit compare latest~1 latest --cases 5\n"
        "evalkit compare tests/qa.baseline.json latest --gate 'no_regression(text.token_f1)' \\\n"
        "    --report comment.md"
    ),
)
@click.argument("runs", metavar="RUN RUN…", nargs=-1, required=True)
@click.option(
    "--metric", "metrics", multiple=True, metavar="KEY", help="Metric to compare; repeat for more."
)
@click.option(
    "--by", "tags", multiple=True, metavar="TAG", help="Show the differences by a tag, too."
)
@click.option(
    "--cases", type=click.IntRange(min=0), default=0, metavar="N",
    help="Show N fixed and N broken cases of each system and metric.",
)  # fmt: skip
@click.option(
    "--adjust",
    type=click.Choice(list(_ADJUST)),
    default="bh",
    help="How p-values allow for their number: holm to decide, bh (the default) to explore.",
)
@click.option("--anyway", is_flag=True, help="Compare even where data, scorer or reducer differ.")
@click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="CONDITION",
    help="Condition on each run after the first, such as 'no_regression(text.token_f1)'.",
)
@click.option(
    "--report",
    multiple=True,
    metavar="FILE",
    help="Write the comparison in the format of the extension: .html, .md, .json, .tex.",
)
@json_option
@store_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    runs: tuple[str, ...],
    metrics: tuple[str, ...],
    tags: tuple[str, ...],
    cases: int,
    adjust: str,
    anyway: bool,
    gates: tuple[str, ...],
    report: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare runs on the same cases, paired; the first is the baseline.

    Baseline files, folders of evaluations, git:REF:FILE, models:/NAME@ALIAS, and logs of Inspect
    and lm-eval stand for runs, too.
    """
    from evalkit.cli.comparing import exit_code_of, gate_verdicts, show_comparison
    from evalkit.cli.locating import find_own_modules
    from evalkit.cli.output import tell
    from evalkit.evaluation.sweep import compare

    find_own_modules()
    found: Comparison = compare(*runs, metrics=metrics or None, anyway=anyway)
    verdicts = gate_verdicts(found, gates)
    show_comparison(
        found, verdicts, adjust=_ADJUST[adjust], cases=cases, tags=tags, as_json=as_json
    )
    for file in report:
        tell(f"Wrote {found.report(file)}")
    context.exit(exit_code_of(found, verdicts))

"""``evalkit compare``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import drawing_board, show, write, write_json
from evalkit.gates.verdict import EXIT_CODES, GateVerdict, Verdict, gravest
from evalkit.report.console import WIDEST

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison

_ADJUST = {"bh": "benjamini-hochberg", "holm": "holm"}


@click.command(
    cls=Command,
    own_modules=True,
    example=(
        "evalkit compare latest~1 latest --cases 5\n"
        "evalkit compare tests/qa.baseline.json latest --report comment.md \\\n"
        "    --gate 'no_regression(text.token_f1)'"
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
@keyword("gates", "Condition on each run after the first, such as 'no_regression(text.token_f1)'.")
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
    anyway: bool,
    gates: tuple[str, ...],
    report: tuple[str, ...],
    **options: Any,
) -> None:
    """Compare runs on the same cases, paired; the first is the baseline.

    Baseline files, folders of evaluations, git:REF:FILE, models:/NAME@ALIAS, and logs of Inspect
    and lm-eval stand for runs, too.
    """
    from evalkit.cli.results import check_report_files, write_reports
    from evalkit.evaluation.sweep import compare

    check_report_files(report, verb="write_comparison")
    comparison = compare(*runs, metrics=metrics or None, anyway=anyway)
    baseline = comparison[comparison.baseline]
    verdicts = {
        name: comparison[name].check(list(gates), baseline=baseline)
        for name in comparison.others
        if gates
    }
    options["adjust"] = _ADJUST[options["adjust"]]
    show_comparison(comparison, verdicts, **options)
    unwritten = write_reports(comparison, report)
    context.exit(_exit_code(comparison, verdicts) or unwritten)


def show_comparison(
    comparison: Comparison,
    verdicts: Mapping[str, GateVerdict],
    *,
    as_json: bool = False,
    **options: Any,
) -> None:
    """Print *comparison*, and the verdicts on its gates.

    Args:
        comparison: What to print.
        verdicts: Verdict on the gates of each system that has any.
        as_json: Whether to print the JSON report with the verdicts, not a table.
        **options: ``adjust``, ``cases`` and ``tags``, as `comparison_document` takes them.
    """
    from evalkit.evaluation.results.view import conditions
    from evalkit.report.comparison_document import comparison_document
    from evalkit.report.comparison_table import render_systems
    from evalkit.report.table import gates

    if as_json:
        facts = comparison_document(comparison, **options)
        facts["verdict"] = str(gravest(verdict.status for verdict in verdicts.values()))
        facts["verdicts"] = {
            name: {"verdict": str(verdict.status), "conditions": conditions(verdict)}
            for name, verdict in verdicts.items()
        }
        write_json(facts)
        return
    show(*render_systems(comparison, width=min(drawing_board().width, WIDEST), **options))
    for name, verdict in verdicts.items():
        write(f"\n{name}")
        show(gates(verdict))


def _exit_code(comparison: Comparison, verdicts: Mapping[str, GateVerdict]) -> int:
    """Return the exit code: that of the gravest verdict, or INFRA where nothing was measured."""
    statuses = [verdict.status for verdict in verdicts.values()]
    if not any(row.value_a is not None and row.value_b is not None for row in comparison.rows):
        statuses.append(Verdict.INFRA)
    return EXIT_CODES[gravest(statuses)]

"""``evalkit plan``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from evalkit._internal.words import percent
from evalkit.cli.command import Command
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import emit
from evalkit.report.console import Part, listing

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.sample_size import SamplePlan


@click.command(
    cls=Command,
    own_modules=True,
    example="evalkit plan --from latest --detect 0.02 --metric text.exact_match",
)
@click.option("--from", "pilot", required=True, metavar="RUN", help="Run that serves as the pilot.")
@click.option(
    "--detect",
    type=float,
    required=True,
    metavar="DIFFERENCE",
    help="True difference to find, in the metric's unit.",
)
@click.option(
    "--power", type=float, default=0.8, metavar="SHARE", help="Wanted chance to find it; 0.8."
)
@click.option("--metric", metavar="KEY", help="Metric; the first that is a mean by default.")
@keyword(
    "baseline", "Other system on the same cases; then the difference of the two is planned for."
)
@keyword("level", "Confidence level; the pilot's own.")
@json_option
@store_option
def command(*, pilot: str, as_json: bool, **question: Any) -> None:
    """Say how many cases and repeats find a difference, from a pilot run.

    The pilot tells how much cases differ, how much a case's repeats do, how alike the cases of a
    group are, and what a call costs.  Without a baseline the difference is that from a fixed
    value, such as a gate's threshold.
    """
    from evalkit.evaluation.result import EvaluationResult

    plan = EvaluationResult.load(pilot).plan(**question)
    emit(dataclasses.asdict(plan), lambda _: _drawn(plan), as_json=as_json)


def _drawn(plan: SamplePlan) -> Iterator[Part]:
    about = "a fixed value" if plan.baseline is None else plan.baseline
    rows = [
        (
            f"{row.repeats:,}",
            f"{row.cases:,}",
            f"{row.calls:,}",
            "?" if row.cost is None else f"${row.cost:,.2f}",
            "?" if row.seconds is None else _time(row.seconds),
            f"{row.detectable:.3g}",
        )
        for row in plan.rows
    ]
    heads = ("repeats", "cases", "calls", "cost", "time", "the pilot's cases find")
    yield (
        f"{plan.metric}: a difference of {plan.detect:g} from {about}, found with "
        f"{percent(plan.power)} power at level {plan.level:g}"
    )
    yield from ("", listing(heads, rows, "rrrrrr"), "", _basis(plan), plan.note)


def _basis(plan: SamplePlan) -> str:
    parts = [f"{plan.pilot_cases:,} cases", f"variance over cases {plan.case_variance:.4g}"]
    if plan.repeat_variance is not None:
        parts.append(f"over repeats {plan.repeat_variance:.4g}")
    if plan.design_effect > 1:
        parts.append(f"design effect of groups {plan.design_effect:.3g}")
    if plan.discordance is not None:
        parts.append(f"discordance {plan.discordance:.3g}")
    return f"The pilot: {', '.join(parts)}."


def _time(seconds: float) -> str:
    """Return a span of time in its largest fitting unit.

    Examples:
        >>> _time(42), _time(150), _time(9000)
        ('42 s', '2.5 min', '2.5 h')
    """
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.2g} s"

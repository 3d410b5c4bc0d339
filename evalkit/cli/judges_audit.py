"""``evalkit judges audit``: can this judge be fooled?"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit.cli.command import Command
from evalkit.cli.judge import judge_of
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option
from evalkit.cli.output import emit, json_text, tell
from evalkit.cli.values import given
from evalkit.errors import UsageError
from evalkit.report.console import Part, listing, styled

if TYPE_CHECKING:
    from rich.text import Text

    from evalkit.evaluation.audit import AuditPlan
    from evalkit.evaluation.running.runtime import Runtime
    from evalkit.judging.auditing.audit import Audit, Battery, ProbeRow

_FORMATS: Final = (".md", ".json")
_RUNTIME: Final = ("concurrency", "budget", "mode", "recordings")
_MARKS: Final = {"pass": ("✓", "green"), "fail": ("✗", "bold red"), "inconclusive": ("?", "yellow")}


@click.command(
    "audit",
    cls=Command,
    own_modules=True,
    example="evalkit judges audit judge.correctness --judge-model openai/gpt-5-mini",
)
@click.argument("judge", metavar="JUDGE")
@keyword("data", "Good cases, whose outputs deserve the best verdict.")
@keyword("columns", "Column that fills a field, such as inputs=question.")
@keyword("judge_model", "Model of a judge that names none.")
@keyword("judge_base_url")
@click.option(
    "--probe",
    "probes",
    multiple=True,
    metavar="NAME",
    help="degradation, invariance, injection, garbage, bias, or one of their probes.",
)
@keyword("limit", type=click.IntRange(min=1))
@keyword("level")
@click.option("--target", type=float, metavar="SHARE", help="Share of relations to show; 0.95.")
@keyword("concurrency", "Judgements at once; 8.", type=click.IntRange(min=1))
@keyword("budget", "Most to spend: 1.5 (US dollars), calls=500, tokens=…")
@keyword("mode")
@keyword("recordings")
@click.option(
    "-o", "--output", "files", multiple=True, metavar="FILE", help="Write it as .md or .json."
)
@click.option("--strict", is_flag=True, help="Exit with 1 if a battery fails, 3 if one is open.")
@click.option("--dry-run", is_flag=True, help="Say how many calls it takes; stop.")
@json_option
@click.pass_context
def audit(
    context: click.Context,
    /,
    *,
    judge: str,
    files: tuple[str, ...],
    strict: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Try to fool JUDGE: worse answers, rewritings, attacks, empty answers, biases.

    JUDGE is a registered name, 'name:{json}', 'module:object', or a file, .yaml or .md. A judge of
    the library has good cases of its own; any other needs --data.
    """
    from evalkit.evaluation.audit import plan_audit
    from evalkit.evaluation.results.exporting import check_writable
    from evalkit.evaluation.running.runtime import Runtime

    for file in files:
        if Path(file).suffix not in _FORMATS:
            raise click.BadParameter(f"{file!r} is neither .md nor .json.", param_hint="--output")
        check_writable(Path(file))
    words = given(options)
    runtime = Runtime(**{name: words.pop(name) for name in _RUNTIME if name in words})
    cases = {"cases": words.pop("data")} if "data" in words else {}
    plan = plan_audit(judge_of(judge), **words, **cases, runtime=runtime)
    expected = _expected(plan)
    if dry_run:
        probes = Counter(trial.probe.partition(".")[0] for trial in plan.trials.listed)
        facts = {"judge": plan.judge.name, "cases": plan.n_cases, "judgements": probes}
        emit(facts | {"calls": plan.calls}, expected, as_json=as_json)
        return
    tell(expected)
    made = _run(plan, runtime)
    for file in files:
        _write(made, Path(file))
    emit(made.to_json(), lambda _: _drawn(made), as_json=as_json)
    context.exit(_exit_code(made, strict=strict))


def _expected(plan: AuditPlan) -> str:
    return (
        f"{plan.judge.name}: {plan.n_cases} good cases, "
        f"{len(plan.trials.listed):,} judgements, at most {plan.calls:,} calls; what is recorded "
        "is not asked again."
    )


def _run(plan: AuditPlan, runtime: Runtime) -> Audit:
    """Run the audit under a progress bar, if stderr is a terminal."""
    from evalkit.evaluation.audit import run_audit

    if not sys.stderr.isatty():
        return run_audit(plan, runtime)
    with click.progressbar(length=len(plan.trials.listed), label="judging", file=sys.stderr) as bar:
        return run_audit(plan, runtime, on_done=bar.update)


def _write(made: Audit, path: Path) -> None:
    text = str(made) if path.suffix == ".md" else json_text(made.to_json())
    try:
        path.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written: {error.strerror}.") from error


def _exit_code(made: Audit, *, strict: bool) -> int:
    if made.n_not_run:
        return 5
    if not made.n_scored:
        return 4
    return {"pass": 0, "fail": 1, "inconclusive": 3}[made.outcome] if strict else 0


def _drawn(made: Audit) -> Iterator[Part]:
    """Yield one table a battery, with what it comes to."""
    from evalkit.judging.auditing.audit import TITLES

    for battery in made.batteries.values():
        heading = styled(TITLES[battery.name]).append(f"  {battery.name}\n", "dim")
        yield heading.append_text(_line(battery.outcome, battery.conclusion))
        yield from (*_table(battery), "")
    yield _line(made.outcome, made.conclusion)
    cost = _spent(made)
    if cost:
        yield styled(cost, "dim")


def _line(outcome: str, conclusion: str) -> Text:
    mark, style = _MARKS[outcome]
    return styled(f"{mark} ", style).append(conclusion, "default")


def _table(battery: Battery) -> Iterator[Part]:
    from evalkit.judging.auditing.audit import COLUMNS, rows_of, shown_rows

    rows = shown_rows(battery)
    if not rows:
        return
    heads = ("probe", *COLUMNS[battery.name])
    # The line of all probes comes after the rows.
    styles = [_style(battery, row) for row in rows] + ["dim"]
    cells = [
        [styled(cell, style) for cell in line]
        for line, style in zip(rows_of(battery), styles, strict=False)
    ]
    first = "f" if battery.name == "garbage" else "l"
    yield listing(heads, cells, first + "r" * (len(heads) - 1))


def _style(battery: Battery, row: ProbeRow) -> str:
    if battery.name == "bias":
        p_value = None if row.effect is None else row.effect.p_value
        return "red" if p_value is not None and p_value < 0.05 else ""  # noqa: PLR2004
    return "red" if row.held < row.n else ""


def _spent(made: Audit) -> str:
    calls = sum(spent["calls"] for spent in made.usage.values())
    cached = sum(spent["cached"] for spent in made.usage.values())
    costs = [spent["cost"] for spent in made.usage.values()]
    if not calls and not cached:
        return ""
    line = f"{calls:,} calls, {cached:,} answered by recordings"
    return line if None in costs else f"{line}, ${sum(costs):.2f}"

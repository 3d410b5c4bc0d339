"""``evalkit judges audit``: can this judge be fooled?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit.cli.command import Command
from evalkit.cli.options import json_option
from evalkit.cli.words import budget_of, columns_of

if TYPE_CHECKING:
    from evalkit.evaluation.audit import AuditPlan
    from evalkit.judging.auditing.audit import Audit

_FORMATS: Final = (".md", ".json")


@click.command(
    "audit",
    cls=Command,
    example="evalkit judges audit judge.correctness --judge-model openai/gpt-5-mini",
)
@click.argument("judge", metavar="JUDGE")
@click.option("--data", metavar="DATA", help="Good cases, whose outputs deserve the best verdict.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=columns_of,
    metavar="FIELD=COLUMN",
    help="Column that fills a field, such as inputs=question.",
)
@click.option("--judge-model", metavar="MODEL", help="Model of a judge that names none.")
@click.option("--base-url", metavar="URL", help="Address of an OpenAI-compatible server.")
@click.option(
    "--probe",
    "probes",
    multiple=True,
    metavar="NAME",
    help="degradation, invariance, injection, garbage, bias, or one of their probes.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Take the first N cases.")
@click.option("--level", type=float, metavar="SHARE", help="Confidence level; 0.95.")
@click.option("--target", type=float, metavar="SHARE", help="Share of relations to show; 0.95.")
@click.option(
    "--concurrency", type=click.IntRange(min=1), metavar="N", help="Judgements at once; 8."
)
@click.option(
    "--budget",
    multiple=True,
    callback=budget_of,
    metavar="USD|UNIT=N",
    help="Most to spend: 1.5 (US dollars), calls=500, tokens=…",
)
@click.option("--mode", metavar="MODE", help="Recordings: auto, replay, live or none.")
@click.option("--recordings", metavar="FOLDER", help="Recordings to commit.")
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
    from evalkit.cli.output import tell, write, write_json
    from evalkit.evaluation.audit import plan_audit

    for file in files:
        if Path(file).suffix not in _FORMATS:
            raise click.BadParameter(f"{file!r} is neither .md nor .json.", param_hint="--output")
    runtime = _runtime(options)
    plan = plan_audit(_opened(judge, options.pop("base_url")), **_asked(options), runtime=runtime)
    told = _expected(plan)
    if dry_run:
        write_json(_shape(plan)) if as_json else write(told)
        return
    tell(told)
    found = _run(plan, runtime)
    for file in files:
        _write(found, Path(file))
    if as_json:
        write_json(found.to_json())
    else:
        from evalkit.cli.judges_audit_shown import show_audit

        show_audit(found)
    context.exit(_exit_code(found, strict=strict))


def _runtime(options: dict[str, Any]) -> Any:
    from evalkit.cli.words import given
    from evalkit.evaluation.running.runtime import Runtime

    names = ("concurrency", "budget", "mode", "recordings")
    return Runtime(**given({name: options.pop(name) for name in names}))


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    from evalkit.cli.words import given

    found = given(options)
    data = found.pop("data", None)
    return found if data is None else {**found, "cases": data}


def _opened(text: str, base_url: str | None) -> Any:
    """Return the judge that *text* means, at *base_url* if that is given."""
    from dataclasses import replace

    from evalkit.cli.locating import find_own_modules
    from evalkit.errors import UsageError
    from evalkit.evaluation.running.scorers import resolve_scorers
    from evalkit.evaluation.specification.words import read_scorer
    from evalkit.judging.judge import Judge
    from evalkit.judging.make import load_judge

    find_own_modules()
    is_file = Path(text).suffix in {".yaml", ".yml", ".md"}
    found: Any = load_judge(text) if is_file else read_scorer(text)
    if base_url is None:
        return found
    (judge,) = resolve_scorers(found)
    if not isinstance(judge, Judge):
        raise UsageError(f"--base-url is for judges of one model; {judge.name!r} is none.")
    return replace(judge, base_url=base_url)


def _shape(plan: AuditPlan) -> dict[str, Any]:
    from collections import Counter

    probes = Counter(t.probe.partition(".")[0] for t in plan.trials.listed)
    return {
        "judge": plan.judge.name,
        "cases": plan.n_cases,
        "judgements": dict(probes),
        "calls": plan.calls,
    }


def _expected(plan: AuditPlan) -> str:
    return (
        f"{plan.judge.name}: {plan.n_cases} good cases, "
        f"{len(plan.trials.listed):,} judgements, at most {plan.calls:,} calls; what is recorded "
        "is not asked again."
    )


def _run(plan: AuditPlan, runtime: Any) -> Audit:
    """Run the audit under a progress bar, if stderr is a terminal."""
    import sys

    from evalkit.evaluation.audit import run_audit

    if not sys.stderr.isatty():
        return run_audit(plan, runtime)
    with click.progressbar(length=len(plan.trials.listed), label="judging", file=sys.stderr) as bar:
        return run_audit(plan, runtime, on_done=bar.update)


def _write(found: Audit, path: Path) -> None:
    import orjson

    from evalkit.errors import UsageError

    as_json = path.suffix == ".json"
    text = (
        orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2).decode()
        if as_json
        else str(found)
    )
    try:
        path.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written: {error.strerror}.") from error


def _exit_code(found: Audit, *, strict: bool) -> int:
    if found.n_not_run:
        return 5
    if not found.n_scored:
        return 4
    if not strict:
        return 0
    return {"pass": 0, "fail": 1, "inconclusive": 3}[found.outcome]

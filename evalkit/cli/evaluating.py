"""What ``evalkit evaluate`` does once its words are read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from evalkit.cli.comparing import show_comparison
from evalkit.cli.exits import exit_code
from evalkit.cli.forecast_shown import forecast_lines
from evalkit.cli.output import facts_grid, show, tell, write, write_json
from evalkit.cli.summary import check_report_files, show_results, write_reports
from evalkit.engine.plan import Plan
from evalkit.errors import UsageError
from evalkit.evaluation.comparing.comparison import Comparison
from evalkit.evaluation.evaluate import evaluate
from evalkit.evaluation.forecast import forecast_of, quiet
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.start import Request, start
from evalkit.evaluation.specification.words import Specification
from evalkit.evaluation.sweep import compare
from evalkit.scoring.signature import signature


def run(chosen: Sequence[Specification], *, as_json: bool) -> int:
    """Evaluate each of *chosen*, show results and write reports; return the exit code."""
    results: list[EvaluationResult] = []
    check_report_files(Path(file) for words in chosen for file in words.report)
    for words in chosen:
        result = evaluate(**words.arguments())
        files = [Path(file) for file in words.report]
        if len(chosen) > 1:
            name = _plain(result.name)
            files = [file.with_name(f"{file.stem}-{name}{file.suffix}") for file in files]
        if not as_json:  # at once, so that Ctrl-C in the next one does not take it along
            if results:
                write("")
            show_results([result], as_json=False)
        write_reports(result, files)
        results.append(result)
    comparison = _compared(results)
    if as_json:
        show_results(results, as_json=True, comparison=comparison)
    elif comparison is not None:
        write("")
        show_comparison(comparison, {})
    return exit_code(results)


def _compared(results: Sequence[EvaluationResult]) -> Comparison | None:
    """Return the comparison of several models, the first being the baseline of the others."""
    if len(results) < 2:  # noqa: PLR2004  it takes two to compare
        return None
    try:
        return compare(*results)
    except UsageError as error:
        tell(f"The models are not compared: {error}")
        return None


def _plain(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name).strip("-.")


def describe(chosen: Sequence[Specification], *, as_json: bool) -> None:
    """Say what would be called, after checking all of it; call nothing and keep nothing."""
    found = [_described(words) for words in chosen]
    if as_json:
        write_json(found[0] if len(found) == 1 else {"runs": found})
        return
    for number, facts in enumerate(found):
        if number:
            write("")
        _show(facts)


def _described(words: Specification) -> dict[str, Any]:
    if words.resume is not None:
        raise UsageError("--dry-run is for new evaluations; 'evalkit runs show RUN' describes one.")
    arguments = words.arguments()
    runtime: Runtime = arguments["runtime"]
    arguments["runtime"] = quiet(runtime)
    job = start(Request(**arguments), EvaluationResult)
    try:
        expected = forecast_of(job, runtime)
        return {**_facts(job, job.plan(), runtime.limits()), "expected": expected.to_json()}
    finally:
        job.spool.close()


def _facts(job: Job[Any], plan: Plan, limits: Any) -> dict[str, Any]:
    live = job.target is not None
    return {
        "data": {
            **dataclasses.asdict(job.plan_facts.dataset),
            "mapping": dict(job.spool.facts["mapping"]),
        },
        "cases": job.spool.n,
        "repeats": plan.repeats,
        "target": {
            name: getattr(job.plan_facts.target, name) for name in ("kind", "name", "parameters")
        },
        "calls": plan.cells if live else 0,
        "concurrency": limits.concurrency if live else None,
        "budget": dict(limits.budget),
        "scorers": {scorer.name: signature(scorer) for scorer in job.scorers},
        "gates": list(job.plan_facts.gates),
    }


def _show(facts: dict[str, Any]) -> None:
    from rich.text import Text

    grid = facts_grid()
    data, target = facts["data"], facts["target"]
    grid.add_row("data", f"{data['name']} ({facts['cases']:,} cases, digest {data['digest'][:12]})")
    for field, columns in data["mapping"].items():
        names = columns if isinstance(columns, str) else ", ".join(columns)
        grid.add_row("", Text(f"{field} from {names}"))
    stored = target["kind"] == "stored"
    grid.add_row(
        "target", Text("stored outputs" if stored else f"{target['name']} ({target['kind']})")
    )
    grid.add_row("target calls", Text(_calls(facts)))
    for place, line in enumerate(forecast_lines(facts["expected"])):
        grid.add_row("" if place else "expected", Text(line))
    for place, mark in enumerate(facts["scorers"].values()):
        grid.add_row("" if place else "scorers", Text(mark))
    for place, gate in enumerate(facts["gates"]):
        grid.add_row("" if place else "gates", Text(gate))
    show(grid)
    tell("Nothing was called and nothing is kept: this was a dry run.")


def _limits(budget: Mapping[str, Any], role: str = "") -> Iterator[str]:
    for unit, limit in budget.items():
        if isinstance(limit, Mapping):
            yield from _limits(cast("Mapping[str, Any]", limit), f" of {unit} calls")
        else:
            yield f"{limit:g} {unit}{role}"


def _calls(facts: dict[str, Any]) -> str:
    if not facts["calls"]:
        return "none"
    repeats = f" ({facts['cases']:,} cases × {facts['repeats']})" if facts["repeats"] > 1 else ""
    budget = ", ".join(_limits(facts["budget"]))
    at_once = f", at most {facts['concurrency']} at once"
    return f"{facts['calls']:,}{repeats}{at_once}" + (f", within {budget}" if budget else "")

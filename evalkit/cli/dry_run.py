"""What ``evalkit evaluate --dry-run`` says: what would be called, and what it would cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from evalkit.cli.output import show, tell, write, write_json
from evalkit.engine.plan import Plan
from evalkit.errors import UsageError
from evalkit.evaluation.forecast import forecast_of, quiet
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.request import Request
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.start import start
from evalkit.evaluation.specification.words import Specification
from evalkit.llm.budget import Budget
from evalkit.report.console import fields
from evalkit.scoring.signature import signature

_CENTS_BELOW: Final = 100


def describe(runs: Sequence[Specification], *, as_json: bool) -> None:
    """Say what would be called, after checking all of it; call nothing and keep nothing."""
    descriptions = [_described(words) for words in runs]
    if as_json:
        write_json(descriptions[0] if len(descriptions) == 1 else {"runs": descriptions})
        return
    for number, facts in enumerate(descriptions):
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
    data, target = facts["data"], facts["target"]
    pairs: list[tuple[str, Any]] = [
        ("data", f"{data['name']} ({facts['cases']:,} cases, digest {data['digest'][:12]})")
    ]
    for field, columns in data["mapping"].items():
        names = columns if isinstance(columns, str) else ", ".join(columns)
        pairs.append(("", f"{field} from {names}"))
    stored = target["kind"] == "stored"
    name = "stored outputs" if stored else f"{target['name']} ({target['kind']})"
    pairs += [
        ("target", name),
        ("target calls", _calls(facts)),
        ("expected", list(forecast_lines(facts["expected"]))),
        ("scorers", list(facts["scorers"].values())),
        ("gates", facts["gates"]),
    ]
    show(fields(pairs))
    tell("Nothing was called and nothing is kept: this was a dry run.")


def _calls(facts: dict[str, Any]) -> str:
    if not facts["calls"]:
        return "none"
    repeats = f" ({facts['cases']:,} cases × {facts['repeats']})" if facts["repeats"] > 1 else ""
    budget = Budget.of(facts["budget"])
    limits = [f"{limit:g} {unit}" for unit, limit in budget.total.items()]
    for role, units in budget.roles.items():
        limits += [f"{limit:g} {unit} of {role} calls" for unit, limit in units.items()]
    at_once = f", at most {facts['concurrency']} at once"
    within = f", within {', '.join(limits)}" if limits else ""
    return f"{facts['calls']:,}{repeats}{at_once}{within}"


def forecast_lines(expected: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each that asks models, one for all, and how the numbers were come by.

    Examples:
        >>> list(forecast_lines({"askers": [], "notes": []}))
        ['no model is asked']
    """
    askers = expected["askers"]
    if not askers:
        yield "no model is asked"
        return
    for asker in askers:
        model = asker["model"]
        whose = "target" if asker["role"] == "target" else f"{asker['role']} {asker['name']}"
        name = f"{whose} ({model})" if model and model != asker["name"] else whose
        batched = ", by batches" if asker["batched"] else ""
        yield f"{name}: {_amounts(asker)}{batched}"
    if len(askers) > 1:
        yield f"in all: {_amounts(expected['total'])}"
    n, cases = expected["sampled"], expected["cases"]
    some = f"{n:,} of {cases:,} cases, drawn by the seed; 95 % intervals"
    yield f"From the prompts of {'all cases' if n == cases else some}."
    yield from dict.fromkeys(line for asker in askers for line in asker["method"])
    yield from expected["notes"]


def _amounts(facts: Mapping[str, Any]) -> str:
    parts = [f"{_span(facts['calls'], _count)} calls"]
    if facts["recorded"] and facts["recorded"]["value"] >= 1:
        parts.append(f"{_count(facts['recorded']['value'])} more are recorded or equal")
    if facts["input_tokens"] is None:
        parts.append("tokens unknown")
    else:
        parts.append(f"{_span(facts['input_tokens'], _count)} tokens in")
        parts.append(f"{_span(facts['output_tokens'], _count)} out")
    usd = facts["usd"]
    parts.append("price unknown" if usd is None else f"${_span(usd, _money)}")
    return ", ".join(parts)


def _span(amount: Mapping[str, float], written: Callable[[float], str]) -> str:
    low, value, high = (written(amount[end]) for end in ("low", "value", "high"))
    return value if low == value == high else f"{value} ({low} to {high})"


def _count(number: float) -> str:
    return f"{round(number):,}"


def _money(dollars: float) -> str:
    return f"{dollars:,.0f}" if dollars >= _CENTS_BELOW else f"{dollars:.2g}"

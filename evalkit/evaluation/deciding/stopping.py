"""Stopping as soon as the gates are decided: which gates a test can decide, and of what range."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from evalkit.errors import UnknownMetricError, UsageError
from evalkit.evaluation.results.result import Result
from evalkit.gates.comparing import margin_of
from evalkit.gates.condition import COUNTED, Condition
from evalkit.gates.grammar import parse_gates
from evalkit.gates.sequential import ORDERED
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.protocol import Scorer, facts_of
from evalkit.scoring.reduce import Reducer
from evalkit.scoring.signature import signature

WHEN_DECIDED: Final = "when decided"
_AT_THE_END: Final = frozenset({"coverage", "cost", "calibrated", *COUNTED})
"""Conditions on plain numbers, which are judged on what was run."""


def tested(gates: Sequence[str]) -> list[Condition]:
    """Return the conditions that a test decides; the others are judged on what was run."""
    return [c for c in parse_gates(gates) if c.kind not in _AT_THE_END]


def stop_facts(
    stop: str | None,
    gates: Sequence[str],
    scorers: Sequence[Scorer],
    reducers: Sequence[Reducer],
    baseline: Result | None,
) -> dict[str, Any] | None:
    """Return what the plan keeps of ``stop=``: range and direction of each condition's metric.

    Raises:
        UsageError: If a gate cannot be tested while cases come in, naming it and why.
        UnknownMetricError: If a gate names no metric of the scorers.
    """
    if stop is None:
        return None
    if stop != WHEN_DECIDED:
        raise UsageError(f"stop={stop!r}: the only choice is {WHEN_DECIDED!r}.")
    conditions = tested(gates)
    if not conditions:
        raise UsageError(f"stop={WHEN_DECIDED!r} needs a gate on a metric, such as 'm >= 0.6'.")
    metrics: dict[str, dict[str, Any]] = {}
    for condition in conditions:
        why = untestable(condition)
        if why is not None:
            raise UsageError(_cannot(condition, why))
        place = scorer_place(condition, [scorer.name for scorer in scorers])
        facts = _facts(condition, scorers[place], reducers)
        bounds = facts.bounds
        if bounds is None:
            why = (
                "its metric has no fixed range; declare it, as by @evalkit.scorer(low=0, high=1), "
                "or by '-> bool' where it is yes or no"
            )
            raise UsageError(_cannot(condition, why))
        if condition.compares:
            margin_of(condition, bounds)  # refuses one beyond the range
            _check_baseline(condition, baseline, scorers[place], facts)
        low, high = bounds
        metrics[condition.text] = {"low": low, "high": high, "direction": facts.direction}
    return {"when": stop, "metrics": metrics}


def _cannot(condition: Condition, why: str) -> str:
    return f"Gate {condition.text!r} cannot be decided while cases come in: {why}."


def untestable(condition: Condition) -> str | None:
    """Return why no sequential test is known for *condition*, whatever its metric."""
    key = condition.key
    if key is None:
        return "it is about every case that it names"
    if key.worst_by is not None:
        return "the worst of several slices is no mean"
    if key.function not in {None, "mean", "rate"}:
        return "quantiles and extremes are no means"
    if condition.point:
        return "'@ point' ignores how much of the value is chance"
    if not condition.compares and condition.op not in ORDERED:
        return f"an interval never shows that {condition.op} holds"
    return None


def scorer_place(condition: Condition, names: Sequence[str]) -> int:
    """Return the place of the scorer whose metric *condition* is about.

    Raises:
        UnknownMetricError: If there is none.
    """
    assert condition.key is not None  # noqa: S101  the caller looked
    metric = condition.key.metric
    fitting = [n for n in names if metric == n or metric.startswith((f"{n}.", f"{n}="))]
    if not fitting:
        raise UnknownMetricError(metric, names)
    return list(names).index(max(fitting, key=len))


def _facts(condition: Condition, scorer: Scorer, reducers: Sequence[Reducer]) -> MetricFacts:
    """Return the facts of the values behind *condition*: those of a rate are known by its form."""
    assert condition.key is not None  # noqa: S101  the caller looked
    key = condition.key
    rest = key.metric.removeprefix(scorer.name)
    reducer = reducers[0]
    for other in reducers:
        if rest.endswith(f".{other}"):
            rest, reducer = rest.removesuffix(f".{other}"), other
    member, label, _ = rest.partition("=")
    facts = facts_of(scorer, member.removeprefix(".") or None)
    rate = bool(label) or key.function == "rate"
    corpus = getattr(scorer, "corpus", None) is not None
    if corpus and key.function is None and not rate:
        why = "it is computed from all cases at once, and is no mean"
        raise UsageError(_cannot(condition, why))
    declared = getattr(getattr(scorer, "function", None), "__annotations__", {}).get("return")
    yes_or_no = facts.binary or (facts.bounds is None and declared in {bool, "bool"})
    if reducer.of(facts, binary=yes_or_no or rate).yields_share:
        return MetricFacts(low=0.0, high=1.0)
    if rate or yes_or_no:
        return dataclasses.replace(facts, low=0.0, high=1.0)
    return facts


def _check_baseline(
    condition: Condition, baseline: Result | None, scorer: Scorer, facts: MetricFacts
) -> None:
    if baseline is None:
        raise UsageError(_cannot(condition, "there is no baseline; give baseline=…"))
    if facts.direction == "none" and condition.kind != "equivalent":
        raise UsageError(_cannot(condition, "neither more nor less of its metric is better"))
    metric = baseline.by_key.part(condition.key_text or "").metric
    if metric.signature != signature(scorer):
        why = (
            f"{baseline.name!r} was scored otherwise ({metric.signature}, not {signature(scorer)})"
        )
        raise UsageError(_cannot(condition, why))

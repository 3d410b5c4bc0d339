"""Gates on a result."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalkit.entities.estimate import Estimate
from evalkit.entities.score import Status
from evalkit.errors import UnknownMetricError, UsageError
from evalkit.evaluation.deciding.calibrated import judge_card, judged_metric
from evalkit.evaluation.deciding.paired import judge_paired
from evalkit.gates.comparing import alarm_p_value, without_chance_alarms
from evalkit.gates.condition import CALIBRATED, OPERATORS, Condition
from evalkit.gates.grammar import parse_gates
from evalkit.gates.verdict import (
    COVERAGE,
    INFRASTRUCTURE,
    Circumstances,
    ConditionVerdict,
    GateVerdict,
    Verdict,
    decide,
    decide_number,
    together,
)

if TYPE_CHECKING:
    from evalkit.evaluation.results.result import Result


def judge_gates(
    result: Result,
    gates: str | Iterable[str],
    baseline: Result | str | None = None,
    *,
    lenient: bool = False,
    cards: str | None = None,
) -> GateVerdict:
    """Return the verdict on *gates*; without any, what the run's own fate says.

    Args:
        result: What is judged.
        gates: Conditions.
        baseline: What those that compare are about, or why there is none.
        lenient: Whether a gate that names what the result does not have is INCONCLUSIVE instead
            of an error, so that finished work is never lost to it.
        cards: Folder of judges' cards; that of the evaluation by default.

    Raises:
        GateSyntaxError: If a gate does not parse.
        UnknownMetricError: If a gate names a metric that the result does not have.
    """
    conditions = parse_gates(gates)
    asked = [c.threshold for c in conditions if c.kind == "coverage" and c.op in {">=", ">"}]
    least = min(asked, default=COVERAGE)
    found: list[ConditionVerdict] = []
    alarms: list[tuple[int, float, float]] = []
    for condition in conditions:
        missing = _missing(result, condition) if lenient else None
        if missing is not None:
            found.append(missing)
            continue
        if condition.kind == CALIBRATED:
            found.append(judge_card(result, condition, cards=cards))
            continue
        early = _judge_early(result, condition, baseline, least)
        if early is not None:
            found.append(early)
            continue
        if not condition.compares:
            found.append(_judge(result, condition, least))
            continue
        around = _around(result, condition, least)
        verdict, compared = judge_paired(result, condition, baseline, around)
        p_value = None if compared is None else alarm_p_value(condition, compared)
        if compared is not None and p_value is not None:
            alarms.append((len(found), p_value, (1 - compared.found.level) / 2))
        found.append(verdict)
    found = without_chance_alarms(found, alarms)
    if result.facts.status == "budget" and not any(v.status is Verdict.BUDGET for v in found):
        why = "the budget was spent before every case was run"
        found.append(ConditionVerdict(condition="budget", status=Verdict.BUDGET, why=why))
    return together(found)


def _missing(result: Result, condition: Condition) -> ConditionVerdict | None:
    """Return the verdict on a condition whose metric or tag the result does not have."""
    try:
        if condition.judge is not None:
            judged_metric(result, condition.judge)
        if condition.key_text is None:
            return None
        result[condition.key_text]
    except (UnknownMetricError, UsageError) as error:
        why = f"{condition.text}: {error}"
        return ConditionVerdict(condition=condition.text, status=Verdict.INCONCLUSIVE, why=why)
    return None


def _judge(result: Result, condition: Condition, least: float) -> ConditionVerdict:
    if condition.kind == "coverage":
        found = decide_number(condition, result.coverage, "coverage")
        if found.status is Verdict.FAIL and _only_infrastructure(result):
            return dataclasses.replace(found, status=Verdict.INFRA)
        return found
    if condition.kind == "cost":
        return decide_number(condition, result.cost, "cost")
    if condition.kind == "must_pass":
        return _must_pass(result, condition)
    level = condition.level or result.facts.plan.level
    estimate = result.estimate(condition.key_text or "", level=level)
    return decide(condition, estimate, _around(result, condition, least))


def _judge_early(
    result: Result,
    condition: Condition,
    baseline: Result | str | None,
    least: float,
) -> ConditionVerdict | None:
    """Decide a condition of an evaluation that was to stop early as it was watched."""
    if not result.facts.plan.stop or condition.kind in {"coverage", "cost", "must_pass"}:
        return None
    from evalkit.evaluation.deciding.early import judge_early

    return judge_early(result, condition, baseline, _around(result, condition, least))


def _around(result: Result, condition: Condition, least: float) -> Circumstances:
    estimate = result.estimate(condition.key_text or "", level=result.facts.plan.level)
    return Circumstances(
        infrastructure_failures=_infrastructure(result, estimate, condition),
        out_of_budget=result.facts.status == "budget",
        least_coverage=min(least, COVERAGE),
    )


def _infrastructure(result: Result, estimate: Estimate, condition: Condition) -> int:
    """Count the cases of a metric that failed for reasons that are nobody's own."""
    if not estimate.n_failed or condition.key is None:
        return 0
    wanted = condition.key.metric
    for metric in sorted(result.metrics, key=lambda metric: -len(metric.key)):
        if wanted == metric.key or wanted.startswith((f"{metric.key}.", f"{metric.key}=")):
            cases = {
                cell // result.repeats
                for cell, reason in metric.column.reasons.items()
                if reason in INFRASTRUCTURE
            }
            if condition.key.tags:
                tags = [(result.tag_values(name), value) for name, value in condition.key.tags]
                cases = {row for row in cases if all(found[row] == v for found, v in tags)}
            return min(len(cases), estimate.n_failed)
    return 0


def _only_infrastructure(result: Result) -> bool:
    """Say whether whatever failed did so for reasons that are nobody's own."""
    reasons = {reason for m in result.metrics for reason in m.column.reasons.values()}
    return bool(reasons) and reasons <= INFRASTRUCTURE


def _must_pass(result: Result, condition: Condition) -> ConditionVerdict:
    """Decide ``must_pass[tag=value]``: every such case meets the conditions of its ``must``."""
    batch = result.spool.batch(0, len(result))
    musts, ids = batch.column("must"), batch.ids
    broken: list[str] = []
    n = 0
    for row in _rows_with(result, condition):
        must = musts[row] or ()
        n += bool(must)
        broken += [f"{ids[row]}: {m}" for m in must if not _case_meets(result, row, m)]
    if broken:
        shown = "; ".join(broken[:5]) + ("; …" if len(broken) > 5 else "")  # noqa: PLR2004
        why = f"{condition.text}: {len(broken)} conditions do not hold: {shown}"
        return ConditionVerdict(condition=condition.text, status=Verdict.FAIL, why=why)
    if not n:
        why = f"{condition.text}: no such case has a condition"
        return ConditionVerdict(condition=condition.text, status=Verdict.INCONCLUSIVE, why=why)
    why = f"{condition.text}: {n} {'case meets its' if n == 1 else 'cases meet their'} conditions"
    return ConditionVerdict(condition=condition.text, status=Verdict.PASS, why=why)


def _rows_with(result: Result, condition: Condition) -> list[int]:
    """Return the cases that have the condition's tags, as its other keys would find them."""
    if not condition.tags:
        return list(range(len(result)))
    try:
        return [int(row) for row in result.by_key.rows_with(condition.tags)]
    except UsageError:  # there is no such case, which passes nothing
        return []


def _case_meets(result: Result, row: int, must: str) -> bool:
    return all(
        condition_holds(result, row, repeat, condition)
        for condition in parse_gates(must)
        for repeat in range(result.repeats)
    )


def condition_holds(result: Result, row: int, repeat: int, condition: Condition) -> bool:
    """Say whether one repeat of one case meets *condition*; a missing score does not.

    Raises:
        UnknownMetricError: If the condition names no metric of the result.
        UsageError: If it is not about a single case.
    """
    key = condition.key
    if key is None or key.function or key.tags or key.worst_by:
        raise UsageError(f"{condition.text!r} is not about a single case; use a metric by itself.")
    base, equals, label = key.metric.partition("=")
    metrics = {metric.key: metric.column for metric in result.metrics}
    column = metrics.get(key.metric) or metrics.get(base)
    if column is None:
        raise UnknownMetricError(key.metric, list(metrics))
    cell = column.cell(row * result.repeats + repeat)
    if cell.status is not Status.OK:
        return False
    value = float(cell.label == label) if equals and key.metric not in metrics else cell.value
    return value is not None and OPERATORS[condition.op](float(value), condition.threshold)

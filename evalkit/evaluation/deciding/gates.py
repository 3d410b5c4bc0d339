"""Gates on a result."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from evalkit._internal.words import plural
from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.entities.score import Status
from evalkit.errors import UnknownMetricError, UsageError, near_miss
from evalkit.evaluation.deciding.circumstances import circumstances_of, least_coverage
from evalkit.evaluation.results.facts import DECIDED, OUTAGE
from evalkit.evaluation.results.result import Result
from evalkit.gates.comparing import alarm_p_value, without_chance_alarms
from evalkit.gates.condition import OPERATORS, Condition
from evalkit.gates.grammar import check_single, parse_gates
from evalkit.gates.verdict import (
    ConditionVerdict,
    GateVerdict,
    Verdict,
    decide,
    decide_number,
    describe,
    gravest,
    together,
    verdict_on,
)

if TYPE_CHECKING:
    from evalkit.evaluation.deciding.paired import Decided


def judge_gates(
    result: Result,
    gates: str | Iterable[str] | None,
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
    least = least_coverage(conditions)
    verdicts: list[ConditionVerdict] = []
    alarms: list[tuple[int, float, float]] = []
    for condition in conditions:
        missing = _missing(result, condition) if lenient else None
        if missing is not None:
            verdicts.append(missing)
            continue
        if condition.kind == "metric":
            _check_meetable(result, condition)
        verdict, compared = _decide(result, condition, baseline, least, cards)
        p_value = None if compared is None else alarm_p_value(condition, compared)
        if compared is not None and p_value is not None:
            alarms.append((len(verdicts), p_value, (1 - compared.difference.level) / 2))
        verdicts.append(verdict)
    verdicts = [_unless_cut(v, result) for v in without_chance_alarms(verdicts, alarms)]
    if verdicts and not result.scored_anything:
        verdicts = [_of_nothing(verdict) for verdict in verdicts]
    if result.facts.status == "budget" and not any(v.status is Verdict.BUDGET for v in verdicts):
        why = "the budget was spent before every case was run"
        verdicts.append(ConditionVerdict(condition="budget", status=Verdict.BUDGET, why=why))
    if result.facts.status == OUTAGE and not any(v.status is Verdict.INFRA for v in verdicts):
        why = "no answer could be had; every case that is missing was left out"
        verdicts.append(ConditionVerdict(condition=OUTAGE, status=Verdict.INFRA, why=why))
    return together(verdicts)


def _unless_cut(verdict: ConditionVerdict, result: Result) -> ConditionVerdict:
    """Return what *verdict* is where a run ended early: some cases cannot speak for all."""
    if verdict.status is not Verdict.PASS or result.facts.status in {"complete", DECIDED}:
        return verdict
    statuses = [metric.column.status.reshape(len(result), -1) for metric in result.metrics]
    left = np.any([(s == Status.NOT_RUN).any(axis=1) for s in statuses], axis=0).sum()
    if not left:
        return verdict
    spent = result.facts.status == "budget"
    fates = {"budget": Verdict.BUDGET, OUTAGE: Verdict.INFRA}
    status = fates.get(result.facts.status, Verdict.INCONCLUSIVE)
    why = f"{verdict.why}; {plural(int(left), 'case')} not run{': the budget is spent' * spent}"
    return dataclasses.replace(verdict, status=status, why=why)


def _of_nothing(verdict: ConditionVerdict) -> ConditionVerdict:
    """Return what *verdict* is where no metric has any value: an outage passes nothing."""
    if verdict.status not in {Verdict.PASS, Verdict.INCONCLUSIVE}:
        return verdict
    why = f"{verdict.why}; nothing was scored"
    return dataclasses.replace(verdict, status=Verdict.INFRA, why=why)


def _missing(result: Result, condition: Condition) -> ConditionVerdict | None:
    """Return the verdict on a condition whose metric or tag the result does not have."""
    try:
        if condition.judge is not None:
            # start-up: the cards of judges
            from evalkit.evaluation.agreement.cards import judged_metric

            judged_metric(result, condition.judge)
        if condition.key_text is None:
            return None
        result[condition.key_text]
        if condition.kind == "metric":
            _check_meetable(result, condition)
    except (UnknownMetricError, UsageError) as error:
        return verdict_on(condition, Verdict.INCONCLUSIVE, str(error))
    return None


def _check_meetable(result: Result, condition: Condition) -> None:
    """Refuse a threshold that no value, or every one, of the metric's range meets.

    Raises:
        UsageError: If the condition decides nothing.
    """
    low, high = result.by_key.part(condition.key_text or "").bounds
    value = result.estimate(condition.key_text or "", level=result.facts.plan.level).value
    if value is not None and not (low or -math.inf) <= value <= (high or math.inf):
        return  # the values leave the range, which the verdict says
    why = condition.vacuous_in(low, high)
    if why is not None:
        raise UsageError(f"{condition.text!r} decides nothing: {why}.")


def _decide(
    result: Result,
    condition: Condition,
    baseline: Result | str | None,
    least: float,
    cards: str | None,
) -> Decided:
    match condition.kind:
        case "coverage":
            verdict = _coverage(result, condition)
        case "cost":
            verdict = decide_number(condition, result.cost, "cost")
        case "n" | "skipped":
            verdict = _counted(result, condition)
        case "must_pass":
            verdict = _must_pass(result, condition)
        case "calibrated":
            # start-up: the cards of judges
            from evalkit.evaluation.deciding.calibrated import judge_card

            verdict = judge_card(result, condition, cards=cards)
        case _:
            return _decide_metric(result, condition, baseline, least)
    return verdict, None


def _decide_metric(
    result: Result, condition: Condition, baseline: Result | str | None, least: float
) -> Decided:
    """Decide a condition on a metric: as it was watched, against the baseline, or by itself."""
    if result.facts.plan.stop:
        from evalkit.evaluation.deciding.early import judge_early  # start-up: sequential tests

        early = judge_early(result, condition, baseline, least)
        if early is not None:
            return early, None
    if condition.compares:
        from evalkit.evaluation.deciding.paired import judge_paired  # start-up: pairs of results

        return judge_paired(result, condition, baseline, least)
    key, level = condition.key_text or "", condition.level or result.facts.plan.level
    estimate = result.estimate(key, level=level)
    verdict = decide(condition, estimate, circumstances_of(result, key, least))
    remark = _unseen_label(result, condition)
    if remark:
        verdict = dataclasses.replace(verdict, why=f"{verdict.why}; {remark}")
    return _with_untagged(result, condition, verdict, level, least), None


def _unseen_label(result: Result, condition: Condition) -> str | None:
    """Return what is to be said of a condition on a label that no case has: it may be misspelt."""
    metric, equals, label = condition.key.metric.partition("=") if condition.key else ("", "", "")
    columns = [m.column for m in result.metrics if m.key == metric]
    labels = {given for column in columns for given in column.labels.values()}
    if not equals or not labels or label in labels:
        return None
    others = ", ".join(sorted(labels)[:5])
    return f"no case is labelled {label!r}, there are {others}.{near_miss(label, labels)}"


def _with_untagged(
    result: Result, condition: Condition, verdict: ConditionVerdict, level: float, least: float
) -> ConditionVerdict:
    """Return *verdict*, or that on the cases without the tag of ``worst(…)`` if it is graver.

    The worst cases of all might be among those that no slice has.
    """
    key = result.by_key.part(condition.key_text or "").key
    rows = result.by_key.untagged(key)
    if not len(rows):
        return verdict
    estimate = result.by_key.of_rows(condition.key_text or "", rows, level)
    around = circumstances_of(result, condition.key_text or "", least, rows)
    around = dataclasses.replace(around, where=f"there is no {key.worst_by}")
    other = decide(condition, estimate, around)
    if gravest([verdict.status, other.status]) is not verdict.status:
        return other
    many = f"{len(rows)} case{'s have' if len(rows) > 1 else ' has'} no {key.worst_by}"
    return dataclasses.replace(verdict, why=f"{verdict.why}; {many}: {describe(estimate)}")


def _counted(result: Result, condition: Condition) -> ConditionVerdict:
    """Decide a condition on how many cases have a value, or which share was left out."""
    if condition.key_text is None:
        estimates = list(result.estimates.values())
    else:
        estimates = [result[condition.key_text]]
    if condition.kind == "n":
        return decide_number(condition, min(e.n_scored for e in estimates), "number of cases")
    share = max(e.n_skipped / max(e.n_total - e.n_not_run, 1) for e in estimates)
    return decide_number(condition, share, "skipped share")


def _coverage(result: Result, condition: Condition) -> ConditionVerdict:
    """Decide a condition on coverage: INFRA where all that failed did so for nobody's fault."""
    estimates = [e for e in result.estimates.values() if e.coverage is not None]
    least = min(estimates, key=lambda e: e.coverage or 0.0, default=None)
    counts = f" ({least.n_scored} of {least.n_scored + least.n_failed})" if least else ""
    verdict = decide_number(condition, result.coverage, "coverage", counts)
    reasons = {reason for m in result.metrics for reason in m.column.reasons.values()}
    if verdict.status is Verdict.FAIL and reasons and reasons <= INFRASTRUCTURE:
        return dataclasses.replace(verdict, status=Verdict.INFRA)
    return verdict


def _must_pass(result: Result, condition: Condition) -> ConditionVerdict:
    """Decide ``must_pass[tag=value]``: every such case meets the conditions of its ``must``."""
    batch = result.spool.batch(0, len(result))
    musts, ids = batch.column("must"), batch.ids
    broken: list[str] = []
    n = 0
    try:
        rows = result.by_key.rows_with(condition.tags).tolist()
    except UsageError:  # there is no such case, which passes nothing
        rows = []
    for row in rows:
        n += bool(musts[row])
        broken += [f"{ids[row]}: {m}" for m in musts[row] or () if not case_meets(result, row, m)]
    if broken:
        some = "; ".join(broken[:5]) + ("; …" if len(broken) > 5 else "")  # noqa: PLR2004
        why = f"{len(broken)} conditions do not hold: {some}"
        return verdict_on(condition, Verdict.FAIL, why)
    if not n:
        return verdict_on(condition, Verdict.INCONCLUSIVE, "no such case has a condition")
    cases = "case meets its" if n == 1 else "cases meet their"
    return verdict_on(condition, Verdict.PASS, f"{n} {cases} conditions")


def case_meets(result: Result, row: int, must: str) -> bool:
    """Say whether every repeat of a case meets each condition of *must*, as `condition_holds`."""
    pairs = itertools.product(range(result.repeats), parse_gates(must))
    return all(condition_holds(result, row, repeat, condition) for repeat, condition in pairs)


def condition_holds(result: Result, row: int, repeat: int, condition: Condition) -> bool:
    """Say whether one repeat of one case meets *condition*; a missing score does not.

    Raises:
        UnknownMetricError: If the condition names no metric of the result.
        UsageError: If it is not about a single case.
    """
    key = check_single(condition)
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

"""The gates of a suite, decided together and once, and whether its judges did their work."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any

from evalkit._internal.words import percent, plural
from evalkit.entities.estimate import Estimate
from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.entities.score import Status
from evalkit.errors import EvalkitError
from evalkit.evaluation.deciding.gates import judge_gates
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.running.scorers import resolve_scorers
from evalkit.gates.verdict import (
    COVERAGE,
    Circumstances,
    ConditionVerdict,
    Verdict,
    lacks_coverage,
    together,
)
from evalkit.scoring.configured import ConfiguredScorer
from evalkit.suites.verdict import write_verdict


def with_gates(
    result: EvaluationResult,
    conditions: Iterable[str],
    data_name: str,
    *,
    judges: Iterable[str] = (),
    waiting: Iterable[str] = (),
    of: int = 0,
    no_baseline: str | None = None,
) -> EvaluationResult:
    """Return *result* with *conditions* as its own gates, and write that to its folder.

    What makes no sense, such as a metric that no scorer gives, fails by itself: a typing error in
    a gate must not cost the evaluation.

    Args:
        result: The evaluation.
        conditions: What is asked of it.
        data_name: Name of the data.
        judges: Judges whose health is a condition too.
        waiting: Gates of the whole suite, of which these are some of the cases: ``evalkit merge``
            judges them.
        of: Cases of the whole suite.
        no_baseline: Why gates that compare have nothing to compare with, though it was named.
    """
    asked = list(conditions)
    problems = {condition: problem(result, condition) for condition in asked}
    gates = [condition for condition in asked if problems[condition] is None]
    dataset = dataclasses.replace(result.facts.plan.dataset, name=data_name)
    plan = dataclasses.replace(result.facts.plan, gates=[*gates, *waiting], dataset=dataset)
    notes = [*result.facts.notes]
    waits = len(plan.gates) - len(gates)
    if waits:
        notes.append(
            f"Not judged: {plural(waits, 'gate')}, since {len(result)} of {of} cases ran here; "
            "evalkit merge judges all parts together."
        )
    facts = dataclasses.replace(result.facts, plan=plan, notes=tuple(notes))
    result = result.replaced(facts=facts)
    verdict = judge_gates(result, gates, no_baseline) if no_baseline else result.check(gates)
    decided = {verdict.condition: verdict for verdict in verdict.conditions}
    for condition, why in problems.items():
        if why is not None:
            decided[condition] = ConditionVerdict(
                condition=condition, status=Verdict.FAIL, why=f"{condition}: {why}"
            )
    verdicts = [*decided.values(), *(health(result, judge) for judge in judges)]
    gated = result.replaced(verdict=together(verdicts))
    result.folder.write_plan(plan)
    write_verdict(gated)
    return gated


def problem(result: EvaluationResult, condition: str) -> str | None:
    """Return why *condition* cannot be asked of *result*; ``None`` where it can."""
    try:
        result.check(condition)
    except EvalkitError as error:
        return str(error)
    return None


def judge_names(scorers: Any) -> list[str]:
    """Return the names of those among *scorers* that ask a language model.

    Raises:
        EvalkitError: If there is no such scorer.

    Examples:
        >>> judge_names(["text.exact_match"])
        []
    """
    return [scorer.name for scorer in resolve_scorers(scorers) if _is_judge(scorer)]


def _is_judge(scorer: Any) -> bool:
    while isinstance(scorer, ConfiguredScorer):
        scorer = scorer.inner
    return hasattr(scorer, "with_model")


def health_item(judge: str) -> str:
    """Return the name of the item that shows the health of a judge."""
    return f"health({judge})"


def health(result: EvaluationResult, judge: str) -> ConditionVerdict:
    """Return whether a judge came to a verdict on enough of the cases that were answered.

    A judge that does not answer must not look like a bad model.  Verdicts that could not be read,
    refusals and the like are the judge's own; lost connections are not.  The least share is that
    of every gate.
    """
    judged = 0
    reasons: Counter[str] = Counter()
    for metric in result.metrics:
        if metric.scorer != judge:
            continue
        for cell, status in enumerate(metric.column.status.tolist()):
            if status == Status.OK:
                judged += 1
            elif status == Status.FAILED and cell not in result.facts.failures:
                reasons[metric.column.reasons.get(cell, "scorer_error")] += 1
    answers = judged + reasons.total()
    lost = sum(count for reason, count in reasons.items() if reason in INFRASTRUCTURE)
    counts = Estimate(key=judge, n_total=answers, n_scored=judged, n_failed=reasons.total())
    lacks = lacks_coverage(counts, Circumstances(infrastructure_failures=lost))
    passes = Verdict.PASS if answers else Verdict.INCONCLUSIVE
    status = next((outcome for outcome, _ in lacks), passes)
    why = f"{health_item(judge)}: {judged} of {answers} verdicts came"
    if reasons:
        why += f" ({', '.join(f'{count} {reason}' for reason, count in reasons.most_common())})"
    if status is not Verdict.PASS and answers:
        why += f"; at least {percent(COVERAGE)} must"
    return ConditionVerdict(condition=health_item(judge), status=status, why=why)

"""Whether a judge did its work: a judge that does not answer must not look like a bad model."""

from __future__ import annotations

from collections import Counter
from typing import Any

from evalkit.entities.score import Status
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.running.scorers import resolve_scorers
from evalkit.gates.verdict import COVERAGE, INFRASTRUCTURE, ConditionVerdict, Verdict
from evalkit.scoring.configured import ConfiguredScorer


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
    """Return the name of the item that shows the health of a judge.

    Examples:
        >>> health_item("grounded")
        'health(grounded)'
    """
    return f"health({judge})"


def health(result: EvaluationResult, judge: str) -> ConditionVerdict:
    """Return whether a judge came to a verdict on enough of the cases that were answered.

    Verdicts that could not be read, refusals and the like are the judge's own; lost connections
    are not.  The least share is that of every gate.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for metric in result.metrics:
        if metric.scorer != judge:
            continue
        for cell, status in enumerate(metric.column.status.tolist()):
            if status == Status.OK:
                counts["judged"] += 1
            elif status == Status.FAILED and cell not in result.facts.failures:
                reason = metric.column.reasons.get(cell, "scorer_error")
                counts["lost" if reason in INFRASTRUCTURE else "own"] += 1
                reasons[reason] += 1
    status = _decided(counts)
    answered = counts.total()
    why = f"{health_item(judge)}: {counts['judged']} of {answered} verdicts came"
    if reasons:
        why += f" ({', '.join(f'{count} {reason}' for reason, count in reasons.most_common())})"
    if status is not Verdict.PASS and answered:
        why += f"; at least {COVERAGE:.0%} must"
    return ConditionVerdict(condition=health_item(judge), status=status, why=why)


def _decided(counts: Counter[str]) -> Verdict:
    if not counts.total():
        return Verdict.INCONCLUSIVE
    if counts["judged"] >= COVERAGE * counts.total():
        return Verdict.PASS
    own = counts["judged"] < COVERAGE * (counts["judged"] + counts["own"])
    return Verdict.FAIL if own else Verdict.INFRA

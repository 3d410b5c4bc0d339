"""Gates on a judge's card: how well it agrees with people, and whether that is known at all."""

from __future__ import annotations

import dataclasses

from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.errors import EvalkitError
from evalkit.evaluation.agreement.cards import find_card, judged_metric
from evalkit.evaluation.results.recorded import RECORDED
from evalkit.evaluation.results.result import Result
from evalkit.gates.condition import Condition
from evalkit.gates.verdict import (
    COVERAGE,
    Circumstances,
    ConditionVerdict,
    Verdict,
    decide,
    verdict_on,
)
from evalkit.judging.calibration import Calibration
from evalkit.scoring.column import Metric


def judge_card(
    result: Result, condition: Condition, *, cards: str | None = None
) -> ConditionVerdict:
    """Decide ``calibrated(judge, figure op number)`` by the newest card of the judge's signature.

    Failed verdicts count as they do in every gate: below the least coverage nothing passes.  Where
    there is no such card, its interval is of a lower level than the gate's (else the result's), or
    more labelled cases than `COVERAGE` allows have no verdict, the outcome is INCONCLUSIVE.

    Raises:
        UnknownMetricError: If the result has no such metric.
    """
    name = condition.judge or ""
    metric = judged_metric(result, name)
    try:
        choice = find_card(result, metric, cards=cards)
    except EvalkitError as error:
        return verdict_on(condition, Verdict.INCONCLUSIVE, str(error))
    if choice.card is None:
        why = f"{name!r} is not calibrated; make a card"
        if choice.why is not None:
            why = f"the card of {name!r} {choice.why}; calibrate anew"
        return verdict_on(condition, Verdict.INCONCLUSIVE, f"{why}: {_how(metric, name)}")
    return _decided(condition, choice.card, condition.level or result.facts.plan.level)


def _how(metric: Metric, name: str) -> str:
    """Say how a card for *metric* is made."""
    from evalkit.hooks.catalog import catalog  # start-up: only to say how a card is made

    if metric.scorer != RECORDED:  # what is not registered lies in a file
        judge = metric.scorer if metric.scorer in catalog().scorers else "FILE.yaml"
        return f"evalkit judges calibrate {judge} --data labelled.csv --column labels.{name}=human"
    column = metric.key.removeprefix(f"{RECORDED}.")
    return (
        f"evalkit judges calibrate scores.{column} --data these-cases-labelled.csv "
        f"--column scores.{column}=verdict --column labels.{column}=human"
    )


def _decided(condition: Condition, card: Calibration, level: float) -> ConditionVerdict:
    figure, part = condition.figure or "", card.held_out
    if card.named(figure) not in part.figures:
        why = f"the card has no {figure}, its labels are {card.kind}: {', '.join(part.figures)}"
        return verdict_on(condition, Verdict.INCONCLUSIVE, why)
    estimate = card[figure]
    if not condition.point and estimate.level < level - 1e-9:
        why = (
            f"the card's intervals are at {estimate.level:.4g}, below the {level:.4g} that is "
            f"asked for; calibrate with level {level:.4g}"
        )
        return verdict_on(condition, Verdict.INCONCLUSIVE, why, estimate=estimate)
    lost = sum(count for reason, count in part.reasons.items() if reason in INFRASTRUCTURE)
    verdict = decide(condition, estimate, Circumstances(infrastructure_failures=lost))
    # It is labels that are missing, not cases of this evaluation.
    why = verdict.why.replace("more cases", "more labelled cases")
    if estimate.low is not None and not condition.point:
        why = f"{why}; the card's interval is at level {estimate.level:.4g}"
    status = verdict.status
    if status is Verdict.PASS and part.unjudged > (1 - COVERAGE) * part.n_labelled:
        status = Verdict.INCONCLUSIVE
        why = (
            f"{why}; {part.unjudged} of {part.n_labelled} labelled cases have no verdict, so "
            "the figure is of the others alone"
        )
    straddles = verdict.straddles and status is verdict.status
    return dataclasses.replace(
        verdict, status=status, why=why, straddles=straddles, more_cases=None
    )

"""What a result's reader must know of its judges: their cards, and their means corrected."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from evalkit.errors import EvalkitError
from evalkit.evaluation.agreement.cards import cards_near, choose_card, is_judge, may_have_card
from evalkit.evaluation.agreement.corrected import CorrectedEstimate, corrected
from evalkit.evaluation.agreement.human_labels import is_annotated
from evalkit.evaluation.results.result import Result
from evalkit.judging.calibration import Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A judge's metric with what is known of the judge."""

    metric: str
    card: Calibration | None = None
    why: str = ""
    """Why there is no card."""

    corrected: CorrectedEstimate | None = None
    """The mean with the judge's error taken out, where labels or the card allow it."""


def judged(result: Result) -> list[Judged]:
    """Return the judges of *result*, and other metrics that have a card or labels, in order."""
    metrics = [
        metric
        for metric in result.metrics
        if may_have_card(result, metric) or is_annotated(result, metric)
    ]
    if not metrics:
        return []
    cards: list[Calibration] = []
    problem = "not calibrated"
    try:
        cards = cards_near(result)
    except EvalkitError as error:
        problem = str(error)
    judges: list[Judged] = []
    for metric in metrics:
        choice = choose_card(result, cards, metric)
        mean = None
        with contextlib.suppress(EvalkitError):  # nothing to correct by, or not of that kind
            mean = corrected(result, metric.key)
        if choice.card is not None or mean is not None or is_judge(result, metric):
            why = problem if choice.why is None else f"not calibrated: the card {choice.why}"
            why = why if choice.card is None else ""
            judges.append(Judged(metric=metric.key, card=choice.card, why=why, corrected=mean))
    return judges

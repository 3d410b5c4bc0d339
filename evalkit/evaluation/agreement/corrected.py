"""A scorer's mean with its error taken out, by human labels or by its known error rates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import inf
from typing import Any, Final, TypeAlias

import numpy as np

from evalkit.entities.estimate import Estimate
from evalkit.entities.score import Status
from evalkit.errors import UsageError
from evalkit.evaluation.agreement.cards import find_card
from evalkit.evaluation.agreement.human_labels import (
    is_annotated,
    label_numbers,
    label_text,
    meanings,
    most_common,
    required_annotations,
)
from evalkit.evaluation.results.estimates import Part
from evalkit.evaluation.results.result import Result
from evalkit.judging.calibration import Calibration
from evalkit.scoring.estimate import case_values, case_weights
from evalkit.stats.clustered import rate_trials
from evalkit.stats.debias import prediction_powered_mean, rogan_gladen
from evalkit.stats.interval import normal_quantile

Counts: TypeAlias = tuple[float, float]
"""Successes and trials; no whole numbers where cases in groups are worth fewer than they are."""

_LEAST_LABELS: Final = 2
_SKILL: Final = "sensitivity=(found, positives) and specificity=(cleared, negatives)"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedEstimate:
    """An estimate beside what it would be if humans had judged every case."""

    metric: str
    raw: Estimate
    """As the scorer has it; its interval says nothing of the scorer's own error."""

    value: float
    low: float
    high: float
    level: float
    standard_error: float
    method: str
    """``ppi++`` or ``rogan-gladen``."""

    n_labelled: int | None = None
    """Cases with a human label and a score."""

    effective_labels: float | None = None
    """How many human labels alone would be as exact."""

    correlation: float | None = None
    """Of scorer and human on the labelled cases."""

    def __str__(self) -> str:
        raw = f"{self.raw.value:.3g}" if self.raw.value is not None else "no value"
        if self.raw.low is not None and self.raw.high is not None:
            raw += f" [{self.raw.low:.3g}, {self.raw.high:.3g}]"
        corrected = f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"
        return f"{self.metric}: {corrected} by {self.method}; uncorrected {raw}"


def corrected(
    result: Result,
    key: str,
    *,
    sensitivity: tuple[int, int] | None = None,
    specificity: tuple[int, int] | None = None,
) -> CorrectedEstimate:
    """Return *key* corrected for its scorer's error; `EvaluationResult.corrected` says by what.

    Raises:
        UnknownMetricError: If there is no such metric.
        UsageError: If there is nothing to correct by, or the metric is of the wrong kind.

    References:
        Angelopoulos, Duchi and Zrnic (2023), arXiv 2311.01453; Rogan and Gladen (1978); Lang and
        Reiczigel (2014).
    """
    part = result.by_key.part(key)
    if not part.is_mean:
        raise UsageError(f"{key} is no mean over cases, so it cannot be corrected.")
    if sensitivity is None and specificity is None:
        card = None if is_annotated(result, part.metric) else find_card(result, part.metric).card
        if card is None:
            return _by_labels(result, key, part)
        return _by_rates(result, key, part, *_of_card(key, card))
    if sensitivity is None or specificity is None:
        raise UsageError(f"Correcting by error rates takes both: {_SKILL}.")
    return _by_rates(result, key, part, sensitivity, specificity)


def _of_card(key: str, card: Calibration) -> tuple[Counts, Counts]:
    """Return sensitivity and specificity of the card's held-out cases, as counts."""
    counts = None if card.threshold is not None else card.error_counts()
    if counts is None:
        raise UsageError(
            f"{key}: its card is not about yes and no with people on both sides, so it has no "
            "error rates to correct by; label a random sample of these cases instead."
        )
    if card.held_out.n_groups is None:
        return counts
    figures = card.held_out.figures
    sensitivity, specificity = counts
    return (
        _worth(sensitivity, figures.get("sensitivity")),
        _worth(specificity, figures.get("specificity")),
    )


def _worth(counts: Counts, figure: Estimate | None) -> Counts:
    """Scale *counts* to as many cases as the figure's cluster-robust error speaks for."""
    right, tried = counts
    if figure is None or figure.low is None or figure.high is None or figure.standard_error is None:
        return counts
    share = right / tried
    if figure.standard_error > 0:
        trials = share * (1 - share) / figure.standard_error**2
    else:  # Wilson's limit at an end is n / (n + z^2), which tells the n it was computed with
        limit = max(figure.low, 1 - figure.high)
        z = normal_quantile(figure.level)
        trials = math.inf if limit >= 1 else z**2 * limit / (1 - limit)
    trials = min(float(tried), max(1.0, trials))
    return share * trials, trials


def _by_rates(
    result: Result, key: str, part: Part, sensitivity: Counts, specificity: Counts
) -> CorrectedEstimate:

    raw = result[key]
    if not part.is_rate or raw.value is None:
        raise UsageError(f"{key} is not a rate of yes and no; error rates cannot correct it.")
    for right, tried in (sensitivity, specificity):
        if not 0 <= right <= tried or tried < 1:
            raise UsageError(f"Error rates are counts, {_SKILL}; got ({right}, {tried}).")
    values, scored = _scored(result, part)
    design = result.by_key.design
    try:
        rate = rogan_gladen(
            raw.value,
            rate_trials(
                values[scored],
                groups=design.groups_of(scored),
                weights=case_weights(part.metric.column, design, scored),
            ),
            sensitivity=sensitivity[0] / sensitivity[1],
            positives=sensitivity[1],
            specificity=specificity[0] / specificity[1],
            negatives=specificity[1],
            level=raw.level,
        )
    except ValueError as error:
        raise UsageError(f"{key}: {error}.") from error
    return CorrectedEstimate(
        metric=key,
        raw=raw,
        value=rate.value,
        low=rate.low,
        high=rate.high,
        level=raw.level,
        standard_error=rate.standard_error,
        method="rogan-gladen",
    )


def _by_labels(result: Result, key: str, part: Part) -> CorrectedEstimate:

    raw, design = result[key], result.by_key.design
    if design.weights is not None:
        raise UsageError(f"{key}: cases have weights, with which labels cannot be combined yet.")
    values, scored = _scored(result, part)
    labels = _labels(result, part)
    labelled, rest = scored & np.isfinite(labels), scored & ~np.isfinite(labels)
    if labelled.sum() < _LEAST_LABELS or not rest.any():
        raise UsageError(
            f"{key}: {int(labelled.sum())} of {int(scored.sum())} cases have a human label; two "
            "with one and one without are the least."
        )
    mean = prediction_powered_mean(
        labels[labelled],
        values[labelled],
        values[rest],
        level=raw.level,
        groups_labelled=design.groups_of(labelled),
        groups_unlabelled=design.groups_of(rest),
    )
    if mean.standard_error == 0:
        raise UsageError(
            f"{key}: all {int(labelled.sum())} human labels are alike, so they do not tell how "
            "far the mean may be; label more cases."
        )
    least, most = (0.0, 1.0) if part.is_rate else part.metric.facts.bounds or (-inf, inf)
    return CorrectedEstimate(
        metric=key,
        raw=raw,
        value=min(most, max(least, mean.value)),
        low=max(least, mean.low),
        high=min(most, mean.high),
        level=raw.level,
        standard_error=mean.standard_error,
        method="ppi++",
        n_labelled=int(labelled.sum()),
        effective_labels=mean.effective_labels,
        correlation=mean.correlation,
    )


def _scored(result: Result, part: Part) -> tuple[Any, Any]:
    """Return the value of each case, and which of them the estimate rests on."""
    values, status = case_values(part.metric.column, result.by_key.design, part.reducer)
    scored = (status == Status.OK) & np.isfinite(values)
    if part.key.tags:
        among = np.zeros(len(result), dtype=np.bool_)
        among[result.by_key.rows_with(part.key.tags)] = True
        scored &= among
    return values, scored


def _labels(result: Result, part: Part) -> Any:
    """Read the human label of each case as a number, NaN where it has none.

    Of several annotators the label that most gave counts for words, the mean for numbers.
    """
    annotations = required_annotations(result, part.metric)
    reference = np.full(len(result), np.nan)
    _, equals, wanted = part.key.metric.partition("=")
    if equals:
        for row, labels in annotations.items():
            word = most_common([label_text(label) for label in labels.values()])
            reference[row] = np.nan if word is None else float(word == wanted)
        return reference
    numbers = label_numbers(part.metric, annotations, meanings(result, part.metric))
    for row, labels in numbers.items():
        reference[row] = math.fsum(labels.values()) / len(labels)
    if part.key.function == "rate":
        return np.where(np.isnan(reference), np.nan, reference >= 1.0)
    return reference

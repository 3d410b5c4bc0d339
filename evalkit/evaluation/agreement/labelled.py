"""A judge's verdicts beside human labels, both as numbers of one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from evalkit.entities.calibration import Kind
from evalkit.entities.score import Status
from evalkit.errors import UsageError
from evalkit.evaluation.agreement.human_labels import (
    TRUTH,
    Annotations,
    label_numbers,
    label_text,
    meanings,
    menu,
    most_common,
    required_annotations,
)
from evalkit.evaluation.results.estimates import Part
from evalkit.evaluation.results.result import Result
from evalkit.scoring.column import Metric
from evalkit.scoring.estimate import case_values

Floats: TypeAlias = npt.NDArray[np.float64]

MOST_LABELS: Final = 12
"""Different values up to which numbers are labels of an ordered scale."""

_TRUTHS: Final = frozenset({0.0, 1.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledCases:
    """All cases of a result: what the judge says, and what people say."""

    metric: str
    kind: Kind
    values: tuple[float, ...] = ()
    """Number of each label, in order; empty where numbers are no labels."""

    labels: tuple[str, ...] = ()
    """Words of `values`."""

    judge: Floats
    """Verdicts of all cases, shape ``(n,)``; NaN where there is none."""

    status: npt.NDArray[np.int8]
    """Outcome of each case; codes of `Status`."""

    human: Floats
    """Reference label of all cases, shape ``(n,)``; NaN where there is none, or none prevails."""

    annotators: Mapping[str, Floats]
    """Each annotator's labels of all cases, shape ``(n,)``; NaN where missing."""

    n_undecided: int
    """Cases on which no human label prevails."""

    reasons: Mapping[int, str]
    """Row -> why the verdict failed."""

    graded: bool = False
    """Whether people say yes or no where the judge gives grades, which have to be cut."""

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Which cases have a reference label."""
        return np.isfinite(self.human)


def labelled_cases(result: Result, part: Part, kind: Kind | None) -> LabelledCases:
    """Return verdicts and labels of *part*'s metric.

    Raises:
        UsageError: If there are no labels, or one means nothing to the judge.
    """
    metric = part.metric
    annotations = required_annotations(result, metric)
    values, status = case_values(metric.column, result.by_key.design, part.reducer)
    ok = status == Status.OK
    valued = bool(np.isfinite(values[ok]).any()) or (not ok.any() and not menu(result, metric))
    if kind == "nominal" or not valued:
        texts = _texts(result, metric, status)
        if kind == "nominal" or not {text.casefold() for text in texts.values()} <= set(TRUTH):
            return _of_words(result, metric, status, annotations, texts)
        values = np.full(len(result), np.nan)
        for row, text in texts.items():
            values[row] = TRUTH[text.casefold()]
    return _of_numbers(result, metric, status, annotations, np.where(ok, values, np.nan), kind)


def _cases(
    result: Result,
    metric: Metric,
    status: npt.NDArray[np.int8],
    judge: Floats,
    numbers: Mapping[int, Mapping[str, float]],
    **scale: Any,
) -> LabelledCases:
    """Return the cases with what people say of them, on the judge's own *scale*."""
    human = np.full(len(result), np.nan)
    who = sorted({name for labels in numbers.values() for name in labels})
    annotators = {name: np.full(len(result), np.nan) for name in who}
    for row, labels in numbers.items():
        for name, number in labels.items():
            annotators[name][row] = number
        if scale["kind"] == "numeric":
            human[row] = math.fsum(labels.values()) / len(labels)
        else:
            prevailing = most_common(list(labels.values()))
            human[row] = np.nan if prevailing is None else prevailing
    reasons = {
        cell // result.repeats: reason for cell, reason in sorted(metric.column.reasons.items())
    }
    for cell, failure in result.facts.failures.items():
        reasons[cell // result.repeats] = failure[0]
    return LabelledCases(
        metric=metric.key,
        judge=judge,
        status=status,
        human=human,
        annotators=cast("Mapping[str, Floats]", annotators),
        n_undecided=int(np.isnan(human[list(numbers)]).sum()),
        reasons=reasons,
        **scale,
    )


def _of_numbers(  # noqa: PLR0917
    result: Result,
    metric: Metric,
    status: Any,
    annotations: Annotations,
    judge: Floats,
    kind: Kind | None,
) -> LabelledCases:
    worth, order = meanings(result, metric), list(menu(result, metric))
    numbers = label_numbers(metric, annotations, worth)
    people = {number for labels in numbers.values() for number in labels.values()}
    verdicts = {float(value) for value in judge[np.isfinite(judge)]}
    possible = verdicts | {value for word, value in worth.items() if word in order}
    # Who speaks in the judge's own words is on its scale, even if only the ends of it are used.
    words = {word.casefold() for word in order}
    written = [label for labels in annotations.values() for label in labels.values()]
    in_words = all(isinstance(w, str) and w.strip().casefold() in words for w in written)
    graded = people <= _TRUTHS and not possible <= _TRUTHS and not in_words
    if kind is None:
        binary = graded or people | possible <= _TRUTHS
        ordinal = len(people | possible) <= MOST_LABELS
        kind = "binary" if binary else "ordinal" if ordinal else "numeric"
    values = sorted(_TRUTHS if kind == "binary" else people | possible)
    scale: dict[str, Any] = {"kind": kind, "graded": graded and kind == "binary"}
    if kind != "numeric":
        scale |= {"values": tuple(values), "labels": _words(values, worth, order)}
    return _cases(result, metric, status, judge, numbers, **scale)


def _words(values: list[float], worth: Mapping[str, float], order: list[str]) -> tuple[str, ...]:
    """Find the judge's word for each value; the number itself where it has none, or several."""
    words: dict[float, str] = {}
    for word in [*order, *sorted(set(worth) - set(TRUTH))]:
        if word in worth:
            words.setdefault(worth[word], word)
    if frozenset(values) == _TRUTHS and not order:
        words = {1.0: "yes", 0.0: "no"}
    return tuple(words.get(value, f"{value:g}") for value in values)


def _texts(result: Result, metric: Metric, status: Any) -> dict[int, str]:
    if result.repeats > 1:
        raise UsageError(
            f"{metric.key}: labels of {result.repeats} repeats cannot be calibrated; run each once."
        )
    column = metric.column
    rows = np.flatnonzero(status == Status.OK).tolist()
    return {row: column.labels.get(row) or label_text(float(column.values[row])) for row in rows}


def _of_words(
    result: Result, metric: Metric, status: Any, annotations: Annotations, texts: Mapping[int, str]
) -> LabelledCases:
    order = list(menu(result, metric))
    folded = {word.casefold(): word for word in [*order, *texts.values()]}
    human = {
        row: {
            who: folded.get(label_text(label).casefold(), label_text(label))
            for who, label in labels.items()
        }
        for row, labels in annotations.items()
    }
    used = {text for labels in human.values() for text in labels.values()}
    strange = sorted(used - set(order)) if order else []
    if strange:
        raise UsageError(
            f"{metric.key}: the human label {strange[0]!r} is none of the judge's: "
            f"{', '.join(order)}."
        )
    words = tuple(order or sorted(used | set(texts.values())))
    codes = {word: float(place) for place, word in enumerate(words)}
    judge = np.full(len(result), np.nan)
    for row, text in texts.items():
        judge[row] = codes[text]
    numbers = {row: {w: codes[t] for w, t in labels.items()} for row, labels in human.items()}
    scale = {"kind": "nominal", "values": tuple(codes.values()), "labels": words}
    return _cases(result, metric, status, judge, numbers, **scale)

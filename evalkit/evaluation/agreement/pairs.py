"""A judge's verdicts beside human labels, both as numbers of one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from evalkit.entities.calibration import Kind
from evalkit.entities.score import Status
from evalkit.errors import UsageError
from evalkit.evaluation.agreement.human_labels import (
    TRUTH,
    Annotations,
    annotations_of,
    label_number,
    label_text,
    meanings,
    menu,
    most_common,
)
from evalkit.scoring.estimate import case_values

if TYPE_CHECKING:
    from evalkit.evaluation.results.estimates import Part
    from evalkit.evaluation.results.result import Result
    from evalkit.scoring.column import Metric

Floats: TypeAlias = npt.NDArray[np.float64]

MOST_LABELS: Final = 12
"""Different values up to which numbers are labels of an ordered scale."""

_TRUTHS: Final = frozenset({0.0, 1.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """All cases of a result: what the judge says, and what people say."""

    metric: str
    kind: Kind
    values: tuple[float, ...]
    """Number of each label, in order; empty where numbers are no labels."""

    labels: tuple[str, ...]
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

    graded: bool
    """Whether people say yes or no where the judge gives grades, which have to be cut."""

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Which cases have a reference label."""
        return np.isfinite(self.human)


def pairs_of(result: Result, part: Part, kind: Kind | None) -> Pairs:
    """Return verdicts and labels of *part*'s metric.

    Raises:
        UsageError: If there are no labels, or one means nothing to the judge.
    """
    metric = part.metric
    given = annotations_of(result, metric)
    values, status = case_values(metric.column, result.by_key.design, part.reducer)
    ok = status == Status.OK
    valued = bool(np.isfinite(values[ok]).any()) or (not ok.any() and not menu(result, metric))
    if kind == "nominal" or not valued:
        said = _said(result, metric, status)
        truths = kind != "nominal" and {text.casefold() for text in said.values()} <= set(TRUTH)
        if not truths:
            return _nominal(result, metric, given, said, status)
        values = np.full(len(result), np.nan)
        for row, text in said.items():
            values[row] = TRUTH[text.casefold()]
    worth = meanings(result, metric)
    numbers = {
        row: {who: label_number(metric.key, label, worth) for who, label in labels.items()}
        for row, labels in given.items()
    }
    judge = np.where(ok, values, np.nan)
    people = {number for labels in numbers.values() for number in labels.values()}
    there = {float(value) for value in judge[np.isfinite(judge)]}
    order = menu(result, metric)
    listed = {value for word, value in worth.items() if word in order}
    # Who speaks in the judge's own words is on its scale, even if only the ends of it are used.
    graded = people <= _TRUTHS and not there | listed <= _TRUTHS and not _in_words(given, order)
    found = kind or _kind(people, there | listed, graded=graded)
    scale = sorted(_TRUTHS if found == "binary" else people | there | listed)
    words = _words(scale, worth, order)
    return _paired(
        result,
        metric,
        kind=found,
        values=() if found == "numeric" else tuple(scale),
        labels=() if found == "numeric" else words,
        judge=judge,
        status=status,
        given=numbers,
        graded=graded and found == "binary",
    )


def _kind(people: set[float], known: set[float], *, graded: bool) -> Kind:
    if graded or people | known <= _TRUTHS:
        return "binary"
    return "ordinal" if len(people | known) <= MOST_LABELS else "numeric"


def _in_words(given: Annotations, order: list[str]) -> bool:
    """Say whether every human label is a word of the judge's menu."""
    known = {word.casefold() for word in order}
    return all(
        isinstance(label, str) and label.strip().casefold() in known
        for labels in given.values()
        for label in labels.values()
    )


def _words(scale: list[float], worth: Mapping[str, float], order: list[str]) -> tuple[str, ...]:
    """Return the judge's word for each value; the number itself where it has none, or several."""
    named: dict[float, str] = {}
    for word in [*order, *sorted(set(worth) - set(TRUTH))]:
        if word in worth:
            named.setdefault(worth[word], word)
    if frozenset(scale) == _TRUTHS and not order:
        named = {1.0: "yes", 0.0: "no"}
    return tuple(named.get(value, f"{value:g}") for value in scale)


def _said(result: Result, metric: Metric, status: Any) -> dict[int, str]:
    if result.repeats > 1:
        raise UsageError(
            f"{metric.key}: labels of {result.repeats} repeats cannot be calibrated; run each once."
        )
    column = metric.column
    rows = np.flatnonzero(status == Status.OK).tolist()
    return {row: column.labels.get(row) or label_text(float(column.values[row])) for row in rows}


def _nominal(
    result: Result,
    metric: Metric,
    given: Annotations,
    said: Mapping[int, str],
    status: Any,
) -> Pairs:
    order = menu(result, metric)
    folded = {word.casefold(): word for word in [*order, *said.values()]}
    texts = {
        row: {who: _word(label, folded) for who, label in labels.items()}
        for row, labels in given.items()
    }
    used = {text for labels in texts.values() for text in labels.values()}
    strange = sorted(used - set(order)) if order else []
    if strange:
        raise UsageError(
            f"{metric.key}: the human label {strange[0]!r} is none of the judge's: "
            f"{', '.join(order)}."
        )
    words = tuple(order or sorted(used | set(said.values())))
    codes = {word: float(place) for place, word in enumerate(words)}
    judge = np.full(len(result), np.nan)
    for row, text in said.items():
        judge[row] = codes[text]
    return _paired(
        result,
        metric,
        kind="nominal",
        values=tuple(codes.values()),
        labels=words,
        judge=judge,
        status=status,
        given={row: {w: codes[t] for w, t in labels.items()} for row, labels in texts.items()},
        graded=False,
    )


def _word(label: Any, folded: Mapping[str, str]) -> str:
    text = label_text(label)
    return folded.get(text.casefold(), text)


def _paired(
    result: Result,
    metric: Metric,
    *,
    kind: Kind,
    given: Mapping[int, Mapping[str, float]],
    status: Any,
    **known: Any,
) -> Pairs:
    human = np.full(len(result), np.nan)
    who = sorted({name for labels in given.values() for name in labels})
    each = {name: np.full(len(result), np.nan) for name in who}
    undecided = 0
    for row, labels in given.items():
        for name, number in labels.items():
            each[name][row] = number
        reference = _reference(list(labels.values()), kind)
        if reference is None:
            undecided += 1
        else:
            human[row] = reference
    reasons = {
        cell // result.repeats: reason for cell, reason in sorted(metric.column.reasons.items())
    }
    for cell in result.facts.failures:
        reasons[cell // result.repeats] = result.facts.failures[cell][0]
    return Pairs(
        metric=metric.key,
        kind=kind,
        status=status,
        human=human,
        annotators=cast("Mapping[str, Floats]", each),
        n_undecided=undecided,
        reasons=reasons,
        **known,
    )


def _reference(labels: list[float], kind: Kind) -> float | None:
    """Return what several annotators say together: their mean, or what most of them say."""
    if kind == "numeric":
        return math.fsum(labels) / len(labels)
    found: float | None = most_common(labels)
    return found

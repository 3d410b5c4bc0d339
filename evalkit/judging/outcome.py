"""From one or several readings of a judge's answers to one score."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from evalkit.entities.score import Score, Status
from evalkit.errors import UsageError, near_miss
from evalkit.judging.form import Form, Value
from evalkit.judging.traces.views import clipped
from evalkit.judging.verdict import Unreadable, Verdict

Reading = Verdict | Unreadable

_SHOWN: Final = 300
"""Characters of an unreadable answer that its failure shows; all that is kept is metadata."""

Aggregate = Callable[[Sequence[float]], float]


def failed(unreadable: Unreadable, facts: Mapping[str, Any]) -> Score:
    """Return the failed score of an answer that is no verdict; its text is kept and shown."""
    metadata = {**facts, **({} if unreadable.raw is None else {"raw": unreadable.raw})}
    explanation = unreadable.explanation
    if unreadable.raw:
        explanation += f" It said: {clipped(' '.join(unreadable.raw.split()), _SHOWN)}"
    return Score(
        status=Status.FAILED,
        reason=unreadable.reason,
        explanation=explanation,
        metadata=metadata or None,
    )


def with_parts(verdict: Verdict, aggregate: Aggregate) -> Verdict | None:
    """Return *verdict* with the value of its parts; ``None`` where it has no parts."""
    values = [float(part.value) for part in verdict.parts if part.value is not None]
    if not values:
        return None
    labels = "; ".join(f"{part.text}: {part.label}" for part in verdict.parts)
    return replace(verdict, value=aggregate(values), rationale=verdict.rationale or labels)


def combined(readings: Sequence[Reading], form: Form, facts: Mapping[str, Any]) -> Score:
    """Return the score of one case from the readings of all samples of it.

    Values are averaged; the label is the one that more than half of the readable samples say.
    Where fewer than half of the samples can be read, the score fails with their commonest reason.
    """
    read = [reading for reading in readings if isinstance(reading, Verdict)]
    unread = [reading for reading in readings if isinstance(reading, Unreadable)]
    if len(read) * 2 < len(readings) or not read:
        reason = Counter(reading.reason for reading in unread).most_common(1)[0][0]
        return failed(next(reading for reading in unread if reading.reason == reason), facts)
    if len(readings) == 1:
        return scored(read[0].value, read[0].label, read[0], facts)
    votes = Counter(ballot(reading.label, reading.value) for reading in read)
    (top, count), *_ = votes.most_common()
    most = next(reading for reading in read if ballot(reading.label, reading.value) == top)
    facts = {**facts, "samples": len(readings), "unreadable": len(unread)}
    facts |= {"agreement": count / len(read), "votes": dict(votes)}
    majority = most.label if count * 2 > len(read) else None
    if not form.valued:
        if majority is None:
            return failed(Unreadable("off_menu", "The samples have no majority."), facts)
        return scored(None, majority, most, facts)
    values = [float(reading.value) for reading in read if reading.value is not None]
    return scored(math.fsum(values) / len(read), majority, most, facts)


def scored(value: Value, label: str | None, verdict: Verdict, facts: Mapping[str, Any]) -> Score:
    """Return the score of a verdict, with its parts as rows of evidence."""
    metadata = dict(facts)
    if verdict.span_id is not None:
        metadata |= {"span_id": verdict.span_id, "span_name": verdict.span_name}
    if verdict.parts:
        metadata["parts"] = [_row(part) for part in verdict.parts]
    return Score(value, label=label, explanation=verdict.rationale, metadata=metadata or None)


def _row(part: Verdict) -> dict[str, Any]:
    row = {"text": part.text, "verdict": part.label, "value": part.value}
    row["rationale"] = part.rationale
    return row if part.span_id is None else row | {"span_id": part.span_id}


def ballot(label: str | None, value: Value) -> str:
    """Return what a verdict counts as where votes are counted: its label, else its value."""
    return label if label is not None else "" if value is None else f"{float(value):g}"


def mean(values: Sequence[float]) -> float:
    """Return the mean of *values*, which are not empty.

    Examples:
        >>> mean([1.0, 0.0, 1.0, 1.0])
        0.75
    """
    return math.fsum(values) / len(values)


def average_precision(values: Sequence[float]) -> float:
    """Return the mean of precision at each rank that holds a relevant part; 0 without any.

    Args:
        values: Relevance in order of rank, each in [0, 1].

    Examples:
        >>> round(average_precision([1.0, 0.0, 1.0]), 4)
        0.8333
        >>> average_precision([0.0, 0.0])
        0.0

    References:
        Manning, Raghavan and Schütze (2008), *Introduction to Information Retrieval*, section 8.4.
    """
    total = math.fsum(values)
    if total == 0:
        return 0.0
    precisions: list[float] = []
    relevant = 0.0
    for rank, value in enumerate(values, 1):
        relevant += value
        precisions.append(value * relevant / rank)
    return math.fsum(precisions) / total


AGGREGATES: Final[Mapping[str, Aggregate]] = {
    "mean": mean,
    "min": min,
    "max": max,
    "average_precision": average_precision,
}


def aggregate_of(given: str | Callable[..., Any]) -> Aggregate:
    """Return the function called *given*, or *given* itself.

    Raises:
        UsageError: If there is none of that name.
    """
    if callable(given):
        return given
    if given not in AGGREGATES:
        names = ", ".join(AGGREGATES)
        raise UsageError(
            f"aggregate= is a function or one of {names}; got {given!r}."
            f"{near_miss(given, AGGREGATES)}"
        )
    return AGGREGATES[given]

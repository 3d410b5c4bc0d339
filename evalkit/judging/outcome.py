"""From one or several readings of a judge's answers to one score."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalkit.entities.score import Score, Status
from evalkit.judging.form import Form, Value
from evalkit.judging.parts import Aggregate
from evalkit.judging.verdict import Unreadable, Verdict

Reading = Verdict | Unreadable


def failed(found: Unreadable, facts: Mapping[str, Any]) -> Score:
    """Return the failed score of an answer that is no verdict; its text is kept."""
    metadata = {**facts, **({} if found.raw is None else {"raw": found.raw})}
    return Score(
        status=Status.FAILED,
        reason=found.reason,
        explanation=found.explanation,
        metadata=metadata or None,
    )


def with_parts(found: Verdict, aggregate: Aggregate) -> Verdict | None:
    """Return *found* with the value of its parts; ``None`` where it has no parts."""
    values = [float(part.value) for part in found.parts if part.value is not None]
    if not values:
        return None
    told = "; ".join(f"{part.text}: {part.label}" for part in found.parts)
    return replace(found, value=aggregate(values), rationale=found.rationale or told)


def combined(readings: Sequence[Reading], form: Form, facts: Mapping[str, Any]) -> Score:
    """Return the score of one case from the readings of all samples of it.

    Values are averaged; the label is the one that more than half of the readable samples say.
    Where fewer than half of the samples can be read, the score fails with their commonest reason.
    """
    read = [one for one in readings if isinstance(one, Verdict)]
    unread = [one for one in readings if isinstance(one, Unreadable)]
    if len(read) * 2 < len(readings) or not read:
        reason = Counter(one.reason for one in unread).most_common(1)[0][0]
        return failed(next(one for one in unread if one.reason == reason), facts)
    if len(readings) == 1:
        return scored(read[0].value, read[0].label, read[0], facts)
    votes = Counter(one.label if one.label is not None else _shown(one.value) for one in read)
    (top, count), *_ = votes.most_common()
    most = next(one for one in read if top in {one.label, _shown(one.value)})
    told = {
        **facts,
        "samples": len(readings),
        "unreadable": len(unread),
        "agreement": count / len(read),
        "votes": dict(votes),
    }
    majority = most.label if count * 2 > len(read) else None
    if not form.valued:
        if majority is None:
            return failed(Unreadable("off_menu", "The samples have no majority."), told)
        return scored(None, majority, most, told)
    value = math.fsum(float(one.value) for one in read if one.value is not None) / len(read)
    return scored(value, majority, most, told)


def scored(value: Value, label: str | None, found: Verdict, facts: Mapping[str, Any]) -> Score:
    """Return the score of a verdict, with its parts as rows of evidence."""
    metadata = dict(facts)
    if found.span_id is not None:
        metadata |= {"span_id": found.span_id, "span_name": found.span_name}
    if found.parts:
        metadata["parts"] = [part.row() for part in found.parts]
    return Score(value, label=label, explanation=found.rationale, metadata=metadata or None)


def _shown(value: Value) -> str:
    return "" if value is None else f"{float(value):g}"

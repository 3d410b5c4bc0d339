"""Gates that compare a result with its baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import UnknownMetricError, UsageError
from evalkit.evaluation.comparing.difference import difference_of
from evalkit.evaluation.comparing.pairs import Pairs, pairs
from evalkit.gates.comparing import Compared, decide_difference, interval_level, margin_of
from evalkit.gates.condition import Condition
from evalkit.gates.key import Key
from evalkit.gates.verdict import (
    Circumstances,
    ConditionVerdict,
    Verdict,
    lacks_coverage,
    together,
)

if TYPE_CHECKING:
    from evalkit.evaluation.results.result import Result

Decided = tuple[ConditionVerdict, Compared | None]
"""A verdict, and what decided it where something could be compared."""

_NO_BASELINE = (
    "there is no baseline; give a run, a result, a baseline file or a registered model: "
    "baseline=…, or --baseline RUN"
)


def judge_paired(
    result: Result,
    condition: Condition,
    baseline: Result | str | None,
    around: Circumstances,
) -> Decided:
    """Decide a condition that compares; what cannot be compared is INCONCLUSIVE, saying why.

    Raises:
        UnknownMetricError: If the result itself has no such metric.
    """
    assert condition.key_text is not None  # noqa: S101  the grammar gives it one
    result.by_key.part(condition.key_text)
    if baseline is None or isinstance(baseline, str):
        return _undecided(condition, baseline or _NO_BASELINE), None
    try:
        verdict, compared = _decide(result, condition, baseline)
    except (UsageError, UnknownMetricError) as error:
        return _undecided(condition, str(error)), None
    return _covered(verdict, result, baseline, condition.key_text, around), compared


def margin_in(result: Result, condition: Condition) -> float | None:
    """Return the margin of a condition that compares, in the unit of its metric in *result*.

    ``None`` where the metric has no fixed range and the condition does not say its margin.

    Raises:
        UnknownMetricError: If the result has no such metric.
    """
    return margin_of(condition, result.by_key.part(condition.key_text or "").metric.facts.bounds)


def _undecided(condition: Condition, why: str) -> ConditionVerdict:
    return ConditionVerdict(
        condition=condition.text, status=Verdict.INCONCLUSIVE, why=f"{condition.text}: {why}"
    )


def _decide(
    result: Result, condition: Condition, baseline: Result
) -> tuple[ConditionVerdict, Compared]:
    """Decide by all pairs; by the worst of a tag's values where the key asks for that.

    That every value's cases must pass is an intersection of tests, which needs no correction.
    """
    key = condition.key
    if key is None or key.worst_by is None:
        joined = pairs(result, baseline, condition.key_text or "")
        return _of_pairs(result, condition, baseline, joined)
    found = [
        _of_pairs(result, condition, baseline, part, told)
        for told, part in _slices(result, baseline, key)
    ]
    gravest = together([verdict for verdict, _ in found]).status
    left = [one for one in found if one[0].status is gravest]
    sign = -1.0 if left[0][1].direction == "lower" else 1.0
    return min(left, key=lambda one: sign * one[1].found.difference)


def _of_pairs(
    result: Result,
    condition: Condition,
    baseline: Result,
    joined: Pairs,
    told: str = "",
) -> tuple[ConditionVerdict, Compared]:
    level = interval_level(condition, result.facts.plan.level)
    facts = joined.metric.facts
    compared = Compared(
        found=difference_of(result, baseline, joined, level=level),
        direction=facts.direction,
        bounds=facts.bounds or ((0.0, 1.0) if joined.metric.column.binary else None),
        baseline=f"{baseline.name}{told}",
    )
    return decide_difference(condition, compared), compared


def _slices(result: Result, baseline: Result, key: Key) -> Iterator[tuple[str, Pairs]]:
    joined = pairs(result, baseline, dataclasses.replace(key, worst_by=None))
    if not len(joined.ids):
        yield "", joined  # which says so
    for value, rows in result.by_key.parts_of(key).items():
        among = np.flatnonzero(np.isin(joined.rows[0], rows))
        if len(among):
            yield f" where {key.worst_by}={value}", joined.take(among)


def _covered(
    verdict: ConditionVerdict,
    result: Result,
    baseline: Result,
    key: str,
    around: Circumstances,
) -> ConditionVerdict:
    """Let nothing pass that rests on too few of the cases, on either side."""
    estimate = result.estimate(key, level=result.facts.plan.level)
    found = [(verdict.status, "")]
    lacking = lacks_coverage(estimate, around)
    if lacking is not None:
        found.append(lacking)
    if estimate.n_not_run:
        status = Verdict.BUDGET if around.out_of_budget else Verdict.INCONCLUSIVE
        found.append((status, f"{estimate.n_not_run} cases were not run"))
    n_pairs = 0 if verdict.difference is None else verdict.difference.n
    if n_pairs < around.least_coverage * estimate.n_scored:
        missing = estimate.n_scored - n_pairs
        found.append((Verdict.INCONCLUSIVE, f"{missing} cases have no value in {baseline.name!r}"))
    status = together(
        [ConditionVerdict(condition="", status=status, why="") for status, _ in found]
    ).status
    why = next(why for outcome, why in reversed(found) if outcome is status)
    return dataclasses.replace(
        verdict,
        status=status,
        why=f"{verdict.why}; {why}" if why else verdict.why,
        estimate=estimate,
    )

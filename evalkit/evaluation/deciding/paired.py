"""Gates that compare a result with its baseline."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.errors import UnknownMetricError, UsageError
from evalkit.evaluation.comparing.difference import difference_of
from evalkit.evaluation.comparing.pairs import Pairs, dated_name, join
from evalkit.evaluation.deciding.circumstances import circumstances_of
from evalkit.evaluation.results.result import Result
from evalkit.gates.comparing import Compared, decide_difference, interval_level, margin_of
from evalkit.gates.condition import Condition
from evalkit.gates.verdict import (
    ConditionVerdict,
    Verdict,
    gravest,
    gravest_outcome,
    lacks,
    verdict_on,
)
from evalkit.scoring.estimate import case_facts

Decided = tuple[ConditionVerdict, Compared | None]
"""A verdict, and what decided it where something could be compared."""

_LEAST_IN_COMMON = 0.5
"""Share of the cases that a baseline must have for their difference to speak for all."""

_NO_BASELINE = (
    "there is no baseline; give a run, a result, a baseline file or a registered model: "
    "baseline=…, or --baseline RUN"
)


def judge_paired(
    result: Result, condition: Condition, baseline: Result | str | None, least: float
) -> Decided:
    """Decide a condition that compares; what cannot be compared is INCONCLUSIVE, saying why.

    Where the key asks for the worst of a tag's values, the gravest verdict of theirs counts: that
    every value's cases must pass is an intersection of tests, which needs no correction.

    Raises:
        UnknownMetricError: If the result itself has no such metric.
    """
    assert condition.key_text is not None  # noqa: S101  the grammar gives it one
    result.by_key.part(condition.key_text)
    if baseline is None or isinstance(baseline, str):
        return verdict_on(condition, Verdict.INCONCLUSIVE, baseline or _NO_BASELINE), None
    try:
        slices = [
            _of_slice(result, condition, baseline, part, least)
            for part in _slices(result, baseline, condition)
        ]
    except (UsageError, UnknownMetricError) as error:
        return verdict_on(condition, Verdict.INCONCLUSIVE, str(error)), None
    status = gravest(verdict.status for verdict, _ in slices)
    left = [(verdict, compared) for verdict, compared in slices if verdict.status is status]
    sign = -1.0 if left[0][1].direction == "lower" else 1.0
    return min(left, key=lambda decided: sign * decided[1].difference.difference)


def margin_in(result: Result, condition: Condition) -> float | None:
    """Return the margin of a condition that compares, in the unit of its metric in *result*.

    ``None`` where the metric has no fixed range and the condition does not say its margin, and
    where the margin is beyond the range.

    Raises:
        UnknownMetricError: If the result has no such metric.
    """
    part = result.by_key.part(condition.key_text or "")
    facts = case_facts(part.metric.column, part.metric.facts, part.reducer)
    with contextlib.suppress(UsageError):
        return margin_of(condition, facts.bounds)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """Joined cases that a condition is decided by."""

    pairs: Pairs
    rows: Any
    """Their cases in the result, with or without a pair, shape ``(n,)``."""

    name: str = ""
    """Which of a tag's values they have, as it follows the baseline's name."""


def _slices(result: Result, baseline: Result, condition: Condition) -> Iterator[_Slice]:
    key, by_key = condition.key, result.by_key
    assert key is not None  # noqa: S101  the grammar gives it one
    if key.worst_by is None:
        pairs = join(result, baseline, condition.key_text or "", common=True)
        yield _Slice(pairs=pairs, rows=by_key.rows_of(condition.key_text or ""))
        return
    pairs = join(result, baseline, dataclasses.replace(key, worst_by=None), common=True)
    for value, rows in by_key.parts_of(key).items():
        among = pairs.take(np.flatnonzero(np.isin(pairs.rows[0], rows)))
        yield _Slice(pairs=among, rows=rows, name=f" where {key.worst_by}={value}")
    untagged = by_key.untagged(key)
    if len(untagged):  # the worst cases of all might be among those that no slice has
        among = pairs.take(np.flatnonzero(np.isin(pairs.rows[0], untagged)))
        yield _Slice(pairs=among, rows=untagged, name=f" where there is no {key.worst_by}")


def _of_slice(
    result: Result, condition: Condition, baseline: Result, part: _Slice, least: float
) -> tuple[ConditionVerdict, Compared]:
    """Decide by the difference of a slice; nothing passes on too few cases, on either side."""
    key = condition.key_text or ""
    level = interval_level(condition, result.facts.plan.level)
    compared = Compared(
        difference=difference_of(result, baseline, part.pairs, level=level),
        direction=part.pairs.facts.direction,
        bounds=part.pairs.facts.bounds,
        baseline=f"{dated_name(baseline)}{part.name}",
    )
    verdict = decide_difference(condition, compared)
    estimate = result.by_key.of_rows(key, part.rows) if part.name else result.by_key[key]
    circumstances = circumstances_of(result, key, least, part.rows)
    outcomes = [(verdict.status, ""), *lacks(estimate, circumstances)]
    joined = estimate
    if len(part.pairs.ids) < len(part.rows):
        joined = result.by_key.of_rows(key, part.pairs.rows[0])
    missing = joined.n_scored - compared.difference.n
    if missing > (1 - circumstances.least_coverage) * joined.n_scored:
        why = f"{missing} cases have no value in {baseline.name!r}"
        outcomes.append((Verdict.INCONCLUSIVE, why))
    if len(part.pairs.ids) < _LEAST_IN_COMMON * len(part.rows):
        why = "less than half of the cases; write the baseline anew"
        outcomes.append((Verdict.INCONCLUSIVE, why))
    status, why = gravest_outcome(*outcomes)
    why = "; ".join(filter(None, [verdict.why, part.pairs.in_common, why]))
    straddles = verdict.straddles and len(outcomes) == 1
    decided = dataclasses.replace(
        verdict, status=status, why=why, estimate=estimate, straddles=straddles
    )
    return decided, compared

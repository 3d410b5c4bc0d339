"""Gates of an evaluation that was to stop early: decided by the tests that it was watched by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit.entities.estimate import Estimate
from evalkit.evaluation.deciding.stopping import untestable
from evalkit.evaluation.deciding.watching import WEIGHTED, Watched, watched
from evalkit.gates.condition import Condition
from evalkit.gates.verdict import (
    Circumstances,
    ConditionVerdict,
    GateVerdict,
    Verdict,
    describe,
    lacks_coverage,
    number,
    together,
)
from evalkit.scoring.estimate import case_values

if TYPE_CHECKING:
    from evalkit.evaluation.results.result import Result

METHOD: Final = "betting"
"""Method of an interval that holds at every moment."""


def judge_early(
    result: Result,
    condition: Condition,
    baseline: Result | str | None,
    around: Circumstances,
) -> ConditionVerdict | None:
    """Decide *condition* from the cases in the order in which they were run.

    What was seen case by case must not be judged by an interval of a single look.

    Returns:
        The verdict; ``None`` where no sequential test is known for such a condition.
    """
    metric = _metric(result, condition)
    if metric is None or (condition.compares and (baseline is None or isinstance(baseline, str))):
        return None
    one = replayed(result, condition, metric, baseline, around.least_coverage)
    return _verdict(result, one, baseline, around)


def _metric(result: Result, condition: Condition) -> Mapping[str, Any] | None:
    """Return range and direction of the metric, as the plan has them where it asks for them."""
    asked: Mapping[str, Any] = (result.facts.plan.stop or {}).get("metrics", {})
    if condition.text in asked:
        found: Mapping[str, Any] = asked[condition.text]
        return found
    if untestable(condition) is not None:
        return None
    part = result.by_key.part(condition.key_text or "")
    facts = part.metric.facts
    bounds = (0.0, 1.0) if part.is_rate or part.reducer.yields_share else facts.bounds
    if bounds is None or part.metric.source is not None:
        return None
    return {"low": bounds[0], "high": bounds[1], "direction": facts.direction}


def replayed(
    result: Result,
    condition: Condition,
    metric: Mapping[str, Any],
    baseline: Result | str | None,
    least_coverage: float,
) -> Watched:
    """Return the test of *condition* after all cases that were run."""
    (one,) = watched(
        [condition],
        {condition.text: metric},
        result.by_key,
        ids=result.case_ids.tolist(),
        least_coverage=least_coverage,
        baseline=None if isinstance(baseline, str) else baseline,
    )
    part = result.by_key.part(condition.key_text or "")
    column = part.metric.column
    if column.weights is not None:
        one.follower.untestable = WEIGHTED
    one.fill(np.arange(len(result)), *case_values(column, result.by_key.design, part.reducer))
    one.follower.advance()
    return one


def _verdict(
    result: Result,
    one: Watched,
    baseline: Result | str | None,
    around: Circumstances,
) -> ConditionVerdict:
    condition, follower = one.condition, one.follower
    test = follower.test
    level = condition.level or result.facts.plan.level
    estimate = result.estimate(condition.key_text or "", level=level)
    if not condition.compares and follower.untestable is None:
        estimate = _with_sequence(estimate, test.low, test.high)
    told = f"{condition.text}: {describe(estimate)}"
    if (
        condition.compares
    ):  # the metric's own interval is that of a single look, and decides nothing
        name = "" if baseline is None or isinstance(baseline, str) else baseline.name
        gain = "" if test.question.wins else f", gain in [{number(test.low)}, {number(test.high)}]"
        shown = describe(dataclasses.replace(estimate, low=None, high=None))
        told = f"{condition.text}: {shown}{gain} against {name}"
    found = [_outcome(one, len(result), around)]
    lacking = lacks_coverage(estimate, around)
    if lacking is not None:
        found.append(lacking)
    status = together(
        [ConditionVerdict(condition="", status=status, why="") for status, _ in found]
    ).status
    why = "; ".join(why for outcome, why in reversed(found) if outcome is status)
    return ConditionVerdict(
        condition=condition.text, status=status, why=f"{told}; {why}", estimate=estimate
    )


def _outcome(one: Watched, total: int, around: Circumstances) -> tuple[Verdict, str]:
    follower, test = one.follower, one.follower.test
    if follower.untestable is not None:
        return Verdict.INCONCLUSIVE, f"it could not be tested case by case: {follower.untestable}"
    if test.verdict is not None and follower.cases is not None:
        after = f"decided sequentially after {follower.cases:,} of {total:,} cases"
        return test.verdict, f"{after}, {test.describe()}"
    known = follower.known
    why = f"not decided sequentially by {known:,} of {total:,} cases, {test.describe()}"
    if around.out_of_budget and known < total:
        return Verdict.BUDGET, f"{why}: the budget is spent"
    return Verdict.INCONCLUSIVE, why


def _with_sequence(estimate: Estimate, low: float, high: float) -> Estimate:
    if estimate.value is None:
        return estimate
    note = "the interval holds at every moment, so also where the evaluation stopped"
    return dataclasses.replace(
        estimate, low=low, high=high, method=METHOD, standard_error=None, note=note
    )


def keep_sequences(result: Result, verdict: GateVerdict) -> None:
    """Give the metrics that are gated on the intervals that hold at every moment.

    Any other interval is that of a single look, and would be too narrow where a run stops early.
    """
    for condition in verdict.conditions:
        found = condition.estimate
        if (
            found is not None
            and found.method == METHOD
            and found.level == result.by_key.design.level
        ):
            result.by_key.know(found)

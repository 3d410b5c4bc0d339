"""Gates of an evaluation that was to stop early: decided by the tests that it was watched by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from evalkit.entities.estimate import Estimate
from evalkit.evaluation.comparing.pairs import dated_name
from evalkit.evaluation.deciding.circumstances import circumstances_of
from evalkit.evaluation.deciding.course import Follower
from evalkit.evaluation.deciding.stopping import untestable
from evalkit.evaluation.deciding.watching import follower_of, take_in
from evalkit.evaluation.results.result import Result
from evalkit.gates.condition import Condition
from evalkit.gates.sequential import SequentialTest
from evalkit.gates.verdict import (
    Circumstances,
    ConditionVerdict,
    GateVerdict,
    Outcome,
    Verdict,
    describe,
    gravest_outcome,
    lacks_coverage,
    number,
    verdict_on,
)
from evalkit.scoring.estimate import case_facts

METHOD: Final = "betting"
"""Method of an interval that holds at every moment."""


def judge_early(
    result: Result, condition: Condition, baseline: Result | str | None, least: float
) -> ConditionVerdict | None:
    """Decide *condition* from the cases in the order in which they were run.

    What was seen case by case must not be judged by an interval of a single look.

    Returns:
        The verdict; ``None`` where no sequential test is known for such a condition.
    """
    other = None if isinstance(baseline, str) else baseline
    metric = _metric(result, condition)
    if metric is None or (condition.compares and other is None):
        return None
    key, by_key = condition.key_text or "", result.by_key
    follower = follower_of(
        condition, metric, by_key, cases=result.spool, least_coverage=least, baseline=other
    )
    take_in(follower, np.arange(len(result)), by_key.part(key), by_key.design)
    follower.advance()
    circumstances = circumstances_of(result, key, least)
    estimate = result.estimate(key, level=condition.level or result.facts.plan.level)
    if other is not None and condition.compares:
        text = _described_gain(estimate, follower.test, other)
    else:
        if follower.untestable is None and estimate.value is not None:
            estimate = dataclasses.replace(
                estimate,
                low=follower.test.low,
                high=follower.test.high,
                method=METHOD,
                standard_error=None,
                note="the interval holds at every moment, so also where the evaluation stopped",
            )
        text = describe(estimate)
    others = list(lacks_coverage(estimate, circumstances))
    status, why = gravest_outcome(*others, _outcome(follower, len(result), circumstances))
    tested = follower.untestable is None and follower.n_run == len(result)
    straddles = status is Verdict.INCONCLUSIVE and tested and not others
    return verdict_on(condition, status, f"{text}; {why}", estimate=estimate, straddles=straddles)


def _metric(result: Result, condition: Condition) -> Mapping[str, Any] | None:
    """Find range and direction of the metric, as the plan has them where it asks for them."""
    metrics: Mapping[str, Mapping[str, Any]] = (result.facts.plan.stop or {}).get("metrics", {})
    if condition.text in metrics:
        return metrics[condition.text]
    if untestable(condition) is not None:
        return None
    part = result.by_key.part(condition.key_text or "")
    facts = case_facts(part.metric.column, part.metric.facts, part.reducer)
    if facts.bounds is None or part.metric.source is not None:
        return None
    return {"low": facts.low, "high": facts.high, "direction": facts.direction}


def _described_gain(estimate: Estimate, test: SequentialTest, baseline: Result) -> str:
    # The metric's own interval is that of a single look, and decides nothing.
    text = describe(dataclasses.replace(estimate, low=None, high=None))
    gain = "" if test.question.wins else f", gain in [{number(test.low)}, {number(test.high)}]"
    return f"{text}{gain} against {dated_name(baseline)}"


def _outcome(follower: Follower, total: int, circumstances: Circumstances) -> Outcome:
    test, n_run = follower.test, follower.n_run
    if follower.untestable is not None:
        return Verdict.INCONCLUSIVE, f"it could not be tested case by case: {follower.untestable}"
    if test.verdict is not None and follower.cases is not None:
        after = f"decided sequentially after {follower.cases:,} of {total:,} cases"
        return test.verdict, f"{after}, {test.describe()}"
    why = f"not decided sequentially by {n_run:,} of {total:,} cases, {test.describe()}"
    if circumstances.out_of_budget and n_run < total:
        return Verdict.BUDGET, f"{why}: the budget is spent"
    if circumstances.outage and n_run < total:
        return Verdict.INFRA, f"{why}: nothing answers"
    return Verdict.INCONCLUSIVE, why


def keep_sequences(result: Result, verdict: GateVerdict) -> None:
    """Give the metrics that are gated on the intervals that hold at every moment.

    Any other interval is that of a single look, and would be too narrow where a run stops early.
    """
    level = result.by_key.design.level
    for estimate in (condition.estimate for condition in verdict.conditions):
        if estimate is not None and estimate.method == METHOD and estimate.level == level:
            result.by_key.know(estimate)

"""Watching an evaluation: every scored shard goes to the tests of the gates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from evalkit._internal.words import percent
from evalkit.data.snapshot import Spool
from evalkit.engine.merge import metrics_of
from evalkit.engine.plan import Plan, Shard
from evalkit.engine.state import RunState
from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.entities.score import Status
from evalkit.errors import UnknownMetricError
from evalkit.evaluation.deciding.circumstances import least_coverage
from evalkit.evaluation.deciding.course import Course, Floats, Follower, Rows
from evalkit.evaluation.deciding.stopping import scorer_place, tested
from evalkit.evaluation.results.design import design_of
from evalkit.evaluation.results.estimates import Estimates, Part
from evalkit.evaluation.results.facts import DECIDED
from evalkit.evaluation.results.plan import EvaluationPlan
from evalkit.evaluation.results.result import Result
from evalkit.gates.comparing import margin_of
from evalkit.gates.condition import Condition
from evalkit.gates.grammar import parse_gates
from evalkit.gates.sequential import SequentialTest, question_of
from evalkit.scoring.estimate import Design, case_values
from evalkit.scoring.reduce import Reducer, parse_reducer

_WEIGHTED: Final = "the scorer gives each case a weight of its own, which was not known before"


def follower_of(
    condition: Condition,
    metric: Mapping[str, Any],
    by_key: Estimates,
    *,
    cases: Spool,
    least_coverage: float,
    baseline: Result | None = None,
) -> Follower:
    """Return what tests *condition* while cases come in, or when they are replayed.

    *metric* has ``low``, ``high`` and ``direction`` of its metric; *by_key* gives the layout of the
    *cases*, of which those that the baseline asks and expects alike are compared with it.
    """
    design, bounds = by_key.design, (metric["low"], metric["high"])
    course = Course.draw(design.n, design.groups, design.seed)
    reference, binary = None, False
    if condition.compares and baseline is not None:
        reference, binary = _reference(baseline, condition, cases)
    among = None
    if condition.key is not None and condition.key.tags:
        among = np.zeros(design.n, dtype=np.bool_)
        among[by_key.rows_with(condition.key.tags)] = True
    question = question_of(
        condition,
        bounds=bounds,
        level=design.level,
        margin=(margin_of(condition, bounds) or 0.0) if condition.compares else 0.0,
        binary=binary and course.even and design.weights is None and design.repeats == 1,
    )
    return Follower(
        SequentialTest(question),
        course,
        weights=design.weights,
        among=among,
        least_coverage=least_coverage,
        reference=reference,
        sign=-1.0 if metric["direction"] == "lower" else 1.0,
    )


def take_in(follower: Follower, rows: Rows, part: Part, design: Design) -> None:
    """Give *follower* the cases at *rows*, whose cells *part* has, laid out as *design* says."""
    column = part.metric.column
    if column.weights is not None:
        follower.untestable = _WEIGHTED
    follower.fill(rows, *case_values(column, design, part.reducer))


def _reference(baseline: Result, condition: Condition, cases: Spool) -> tuple[Floats, bool]:
    """Return the baseline's value of each of *cases*, and whether they are yes or no."""
    part = baseline.by_key.part(condition.key_text or "")
    values, status = case_values(part.metric.column, baseline.by_key.design, part.reducer)
    values = np.where(status == Status.OK, values, np.nan)
    own, others = (
        list(zip(spool.strings("id"), spool.case_digests, strict=True))
        for spool in (cases, baseline.spool)
    )
    value_of = dict(zip(others, values.tolist(), strict=True))
    reference = np.array([value_of.get(case, np.nan) for case in own], dtype=np.float64)
    return reference, part.metric.column.binary and baseline.repeats == 1


class Watcher:
    """Stops a run once every condition is decided."""

    def __init__(
        self, plan: Plan, followers: Sequence[Follower], design: Design, reducers: Sequence[Reducer]
    ) -> None:
        """Watch *plan*, whose cases are laid out as *design* says, by what tests its gates."""
        self._plan = plan
        self._followers = followers
        self._design = design
        self._reducers = reducers
        names = [scorer.name for scorer in plan.scorers]
        self._places = [scorer_place(f.condition, names) for f in followers]
        self._next = 0

    @property
    def cases(self) -> int | None:
        """Cases run, in order, when every verdict was final; ``None`` while one is not."""
        counts = [f.settled for f in self._followers if f.settled is not None]
        return max(counts) if len(counts) == len(self._followers) else None

    def look(self, state: RunState) -> None:
        """Take in the shards that are scored and whose turn it is; stop the run if that is all."""
        shards, before = self._plan.shards, self._next
        while self._next < len(shards) and all(
            (shards[self._next].index, place) in state.scored for place in self._places
        ):
            self._take_in(state, shards[self._next])
            self._next += 1
        if self._next == before:
            return
        for follower in self._followers:
            follower.advance()
        if self.cases is not None:
            state.cancel.stop(DECIDED)

    def _take_in(self, state: RunState, shard: Shard) -> None:
        rows = np.asarray(self._plan.rows_of(shard))
        failed = [
            cell in state.failures and state.failures[cell][0] not in INFRASTRUCTURE
            for cell in self._plan.cells_of(shard)
        ]
        design = dataclasses.replace(
            self._design.take(rows), target_failed=np.array(failed, dtype=np.bool_)
        )
        for follower, place in zip(self._followers, self._places, strict=True):
            columns = state.scored[shard.index, place]
            metrics = metrics_of(self._plan.scorers[place], [columns])
            by_key = Estimates(metrics, design, self._reducers, self._plan.spool)
            try:
                part = by_key.part(follower.condition.key_text or "")
            except UnknownMetricError:  # such as a label that no case of the shard has
                _, status = case_values(metrics[0].column, design, self._reducers[0])
                status = np.where(status == Status.OK, Status.SKIPPED, status)
                follower.fill(rows, np.full(len(rows), np.nan), status.astype(np.int8))
            else:
                take_in(follower, rows, part, design)


def course_of(spool: Spool, plan: EvaluationPlan) -> Course | None:
    """Return the order in which a plan with ``stop=`` runs its cases; ``None`` without."""
    if not plan.stop:
        return None
    design = _layout(spool, plan)
    return Course.draw(design.n, design.groups, design.seed)


def _layout(spool: Spool, plan: EvaluationPlan) -> Design:
    """Return how the cases of *plan* are laid out, before any of them is run."""
    return design_of(spool, repeats=plan.repeats, failed_cells=(), level=plan.level, seed=plan.seed)


def watcher_of(plan: Plan, facts: EvaluationPlan, baseline: Result | None) -> Watcher:
    """Return what stops *plan* once the gates in its *facts* are decided."""
    design = _layout(plan.spool, facts)
    reducers = [parse_reducer(text, facts.repeats) for text in facts.reducers]
    by_key = Estimates((), design, reducers, plan.spool)
    metrics = (facts.stop or {})["metrics"]
    followers = [
        follower_of(
            condition,
            metrics[condition.text],
            by_key,
            cases=plan.spool,
            least_coverage=least_coverage(parse_gates(facts.gates)),
            baseline=baseline,
        )
        for condition in tested(facts.gates)
    ]
    return Watcher(plan, followers, design, reducers)


def saved(cells: int, calls: int | None, cases: int, run: int) -> str:
    """Say what an early end has saved.

    Args:
        cells: Cells of the whole evaluation.
        calls: Calls of the target that were made; ``None`` for stored outputs.
        cases: Cases of the whole evaluation.
        run: Cases that have a score, or that one was tried for.

    Examples:
        >>> saved(1000, 240, 1000, 240)
        'Stopped early, as every gate was decided: 760 of 1,000 calls were saved (76 %).'
        >>> saved(1000, None, 1000, 256)
        'Stopped early, as every gate was decided: 744 of 1,000 cases were not scored (74 %).'
    """
    left, of, what = cases - run, cases, "cases were not scored"
    if calls is not None:
        left, of, what = cells - calls, cells, "calls were saved"
    return (
        f"Stopped early, as every gate was decided: {left:,} of {of:,} {what} "
        f"({percent(left / max(1, of), 0)})."
    )

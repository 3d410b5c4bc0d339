"""How many cases and repeats an evaluation needs, from a pilot: its variances, groups and price."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evalkit.entities.score import Status
from evalkit.errors import UsageError
from evalkit.evaluation.comparing.pairs import check_comparable, common_rows
from evalkit.evaluation.results.result import Result
from evalkit.stats.clustered import clustered_mean
from evalkit.stats.power import (
    PairedVariance,
    cases_to_detect,
    cases_to_detect_rates,
    detectable_difference,
    pilot_variance,
)

Floats = npt.NDArray[np.float64]

REPEATS: Final = (1, 2, 3, 5, 10)
"""Repeats that a plan offers, where the pilot tells the noise of repeats."""

_LEAST_CASES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One way to reach the power wanted."""

    repeats: int
    cases: int
    calls: int
    """Calls of the target: cases times repeats."""

    cost: float | None
    """US dollars at the pilot's price of a call; ``None`` where that is unknown."""

    seconds: float | None
    """Time at the pilot's pace; ``None`` where it called nothing."""

    detectable: float
    """Smallest difference that the pilot's own number of cases would find with these repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePlan:
    """Cases and repeats with which a difference is found, and what the answer rests on."""

    metric: str
    detect: float
    power: float
    level: float
    baseline: str | None
    """Name of the system that the pilot was paired with; ``None`` for a fixed value."""

    pilot_cases: int
    """Cases of the pilot with a value."""

    case_variance: float
    """Variance over cases: of the difference of means, or of the mean itself."""

    repeat_variance: float | None
    """Variance of a case's repeats, of both systems; ``None`` where the pilot had one repeat."""

    design_effect: float
    """How much groups inflate the variance; 1 without groups."""

    discordance: float | None
    """Share of cases that one of the systems alone has right; ``None`` but for paired rates."""

    method: str
    """``mcnemar`` (Connor) or ``normal`` (Miller)."""

    rows: tuple[PlanRow, ...]

    note: str
    """What the plan takes for granted."""

    @property
    def best(self) -> PlanRow:
        """The row with the fewest calls."""
        return min(self.rows, key=lambda row: row.calls)


def plan_sample(
    result: Result,
    *,
    detect: float,
    power: float = 0.8,
    metric: str | None = None,
    baseline: Result | None = None,
    level: float | None = None,
) -> SamplePlan:
    """Return how many cases and repeats find a difference; `EvaluationResult.plan` says of what.

    References:
        Miller (2024), arXiv 2411.00640, section 5; Connor (1987), *Biometrics* 43:207.
    """
    level = result.by_key.design.level if level is None else level
    if not (math.isfinite(detect) and detect > 0):
        raise UsageError(f"detect= is a difference above 0, got {detect}.")
    if not 0 < level < 1 or not 1 - level < power < 1:
        raise UsageError(f"power= must be above 1 - level and below 1, got {power} at {level}.")
    key = metric or _first_mean(result)
    pilot = _pilot(result, key, baseline)
    rows = [
        _row(result, repeats, *_needed(pilot, repeats, detect, alpha=1 - level, power=power))
        for repeats in (REPEATS if pilot.noisy else (pilot.repeats,))
    ]
    variance = pilot.variance
    return SamplePlan(
        metric=key,
        detect=detect,
        power=power,
        level=level,
        baseline=None if baseline is None else baseline.name,
        pilot_cases=pilot.n,
        case_variance=variance.between,
        repeat_variance=variance.within_a + variance.within_b if pilot.noisy else None,
        design_effect=variance.design_effect,
        discordance=pilot.discordance,
        method="mcnemar" if pilot.by_rates(detect) else "normal",
        rows=tuple(rows),
        note=_note(noisy=pilot.noisy, paired=baseline is not None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pilot:
    """What a pilot tells of the cases to come."""

    n: int
    repeats: int
    variance: PairedVariance
    noisy: bool
    """Whether the noise of repeats is told apart."""

    discordance: float | None

    def by_rates(self, detect: float) -> bool:
        return self.discordance is not None and detect <= self.discordance


def _pilot(result: Result, key: str, baseline: Result | None) -> _Pilot:
    part, values, rows = result.by_key.part(key), _matrix(result, key), np.arange(len(result))
    other, rates = np.zeros((len(values), 1)), False
    if baseline is not None:
        part_of_other = baseline.by_key.part(key)
        check_comparable(result, baseline, part, part_of_other)
        rows, others = common_rows(result, baseline)
        values, other = values[rows], _matrix(baseline, key)[others]
        rates = part.is_rate and part_of_other.is_rate
    kept = np.isfinite(values).all(axis=1) & np.isfinite(other).all(axis=1)
    values, other = values[kept], other[kept]
    if len(values) < _LEAST_CASES:
        raise UsageError(
            f"{key}: {len(values)} cases have a value; a pilot needs {_LEAST_CASES} at least."
        )
    repeats = values.shape[1], other.shape[1]
    noisy = repeats[0] > 1 and (baseline is None or repeats[1] > 1)
    variance = _with_groups(values, other, result.by_key.design.groups, rows[kept])
    if not noisy:  # at the pilot's own repeats, whose noise stays with the cases
        lumped = variance.of_case(*repeats) / variance.design_effect
        variance = PairedVariance(between=lumped, design_effect=variance.design_effect)
    discordance = None
    if rates and repeats == (1, 1):
        discordance = float((values != other).mean())
    return _Pilot(
        n=len(values), repeats=repeats[0], variance=variance, noisy=noisy, discordance=discordance
    )


def _needed(
    pilot: _Pilot, repeats: int, detect: float, *, alpha: float, power: float
) -> tuple[int, float]:
    """Return the cases needed with so many repeats, and what the pilot's own number detects."""
    each = repeats if pilot.noisy else 1
    variance = pilot.variance
    if pilot.discordance is not None and pilot.by_rates(detect):
        cases = cases_to_detect_rates(detect, pilot.discordance, alpha=alpha, power=power)
        cases *= variance.design_effect
    else:
        cases = cases_to_detect(detect, variance, repeats=each, alpha=alpha, power=power)
    reached = detectable_difference(pilot.n, variance, repeats=each, alpha=alpha, power=power)
    return max(2, math.ceil(cases - 1e-9)), reached


def _first_mean(result: Result) -> str:
    for metric in result.metrics:
        if metric.source is None and np.isfinite(metric.column.values).any():
            return metric.key
    raise UsageError(f"{result.name!r} has no metric that is a mean over cases.")


def _matrix(result: Result, key: str) -> Floats:
    """Return the value of each case and repeat, NaN where there is none, shape ``(n, K)``."""
    part = result.by_key.part(key)
    if not part.is_mean:
        raise UsageError(f"{key} is no mean over cases; plan by one that is.")
    column = part.metric.column
    values = np.where(column.status == Status.OK, column.values, np.nan)
    matrix = values.reshape(-1, result.repeats)
    if part.key.tags:
        matrix = matrix.copy()
        apart = np.ones(len(matrix), dtype=np.bool_)
        apart[result.by_key.rows_with(part.key.tags)] = False
        matrix[apart] = np.nan
    return matrix


def _with_groups(values: Floats, other: Floats, groups: Any, rows: Any) -> PairedVariance:
    variance = pilot_variance(values, other)
    if groups is None:
        return variance
    effect = clustered_mean(values.mean(axis=1) - other.mean(axis=1), groups[rows]).design_effect
    return dataclasses.replace(variance, design_effect=max(1.0, effect or 1.0))


def _row(result: Result, repeats: int, cases: int, reached: float) -> PlanRow:
    usage = result.usage.get("target")
    made = usage.calls if usage is not None else 0
    calls = cases * repeats
    cost = seconds = None
    if made and usage is not None:
        cost = None if result.cost is None else result.cost / made * calls
        seconds = usage.seconds / made * calls
    return PlanRow(
        repeats=repeats, cases=cases, calls=calls, cost=cost, seconds=seconds, detectable=reached
    )


def _note(*, noisy: bool, paired: bool) -> str:
    about = (
        "It is the two systems' difference on the same cases"
        if paired
        else "It is the metric's difference from a fixed value (give a baseline for two systems')"
    )
    note = f"{about}; new cases are taken to be like the pilot's."
    if noisy:
        return note
    return f"{note} What more repeats would bring, a pilot with one repeat does not tell."

"""The paired difference of two results on the same cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.entities.score import Status
from evalkit.errors import UnknownMetricError, UsageError
from evalkit.evaluation.design import design_of
from evalkit.scoring.estimate import case_values
from evalkit.scoring.reduce import parse_reducer
from evalkit.stats import PairedDifference, paired_difference

if TYPE_CHECKING:
    from evalkit.engine.merge import Metric
    from evalkit.evaluation.result import EvaluationResult


def difference(a: EvaluationResult, b: EvaluationResult, key: str) -> PairedDifference:
    """Return the difference ``a - b`` of the means of metric *key* over the cases of both.

    Cases are joined by id; where either has no value, the pair is left out.

    Raises:
        UsageError: If dataset, signature or reducer differ, naming what; or nothing pairs up.
        UnknownMetricError: If one has no such metric.
    """
    first, second = _metric(a, key), _metric(b, key)
    if first.source is not None:
        raise UsageError(
            f"{key} is a corpus metric; its paired difference needs resampling of both, which "
            "comes with comparisons. Compare a metric that is a mean of cases."
        )
    _check_comparable(a, b, first, second)
    rows_a, rows_b = _joined(a, b)
    values_a, values_b = _values(a, first)[rows_a], _values(b, second)[rows_b]
    paired = np.isfinite(values_a) & np.isfinite(values_b)
    if not paired.any():
        raise UsageError(f"No case has a value of {key} in both {a.name!r} and {b.name!r}.")
    design = _design(a)
    groups = None if design.groups is None else design.groups[rows_a][paired]
    weights = None if design.weights is None else design.weights[rows_a][paired]
    binary = first.column.binary and second.column.binary and a.repeats == b.repeats == 1
    return paired_difference(
        values_a[paired],
        values_b[paired],
        groups=groups,
        weights=weights,
        binary=binary,
        bounds=first.facts.bounds,
        level=a.facts.plan["level"],
        seed=a.facts.plan["seed"],
    )


def _metric(result: EvaluationResult, key: str) -> Metric:
    for metric in result.metrics:
        if metric.key == key:
            return metric
    raise UnknownMetricError(key, [metric.key for metric in result.metrics])


def _check_comparable(
    a: EvaluationResult, b: EvaluationResult, first: Metric, second: Metric
) -> None:
    differing = {
        "dataset": (a.dataset["digest"], b.dataset["digest"]),
        "signature": (first.signature, second.signature),
        "reducer": (a.facts.plan["reducers"][0], b.facts.plan["reducers"][0]),
    }
    for what, (mine, other) in differing.items():
        if mine != other:
            raise UsageError(
                f"{a.name!r} and {b.name!r} cannot be compared on {first.key}: their {what} "
                f"differs ({mine} and {other})."
            )


def _joined(a: EvaluationResult, b: EvaluationResult) -> tuple[Any, Any]:
    ids_a, ids_b = a.spool.strings("id"), b.spool.strings("id")
    place = {case_id: row for row, case_id in enumerate(ids_b)}
    pairs = [(row, place[i]) for row, i in enumerate(ids_a) if i in place]
    if not pairs:
        raise UsageError(f"{a.name!r} and {b.name!r} share no case.")
    rows = np.array(pairs, dtype=np.int64)
    return rows[:, 0], rows[:, 1]


def _design(result: EvaluationResult) -> Any:
    return design_of(
        result.spool,
        repeats=result.repeats,
        failed_cells=result.facts.failures,
        level=result.facts.plan["level"],
        seed=result.facts.plan["seed"],
    )


def _values(result: EvaluationResult, metric: Metric) -> Any:
    reducer = parse_reducer(result.facts.plan["reducers"][0], result.repeats)
    values, status = case_values(metric.column, _design(result), reducer)
    return np.where(status == Status.OK, values, np.nan)

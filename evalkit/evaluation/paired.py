"""The paired difference of two results on the same cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.data.identity import DATASET_FIELDS
from evalkit.entities.score import Status
from evalkit.errors import UnknownMetricError, UsageError
from evalkit.evaluation.design import design_of
from evalkit.scoring.estimate import Design, case_values, cells_of_rows
from evalkit.scoring.reduce import parse_reducer
from evalkit.scoring.sufficient import Additive, Rows
from evalkit.stats import (
    PairedDifference,
    approximate_randomization,
    bootstrap_weights,
    paired_bootstrap,
    paired_difference,
    percentile_interval,
)
from evalkit.stats.interval import normal_quantile

if TYPE_CHECKING:
    from evalkit.engine.merge import Metric
    from evalkit.evaluation.result import EvaluationResult

_DRAWS = 2000
_SLOW_DRAWS = 300
"""Draws of a metric that has to be computed anew, in Python, for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """One metric of two results, case by case, on the cases that both have."""

    metric: Metric
    other: Metric
    ids: Any
    """Ids of the joined cases, shape ``(n,)``."""

    rows: tuple[Any, Any]
    """Row of each joined case in either result."""

    values: tuple[Any, Any]
    """Value of each joined case in either result, NaN where it has none."""

    n_unmatched: int
    """Cases that only one of the results has."""


def difference(
    a: EvaluationResult, b: EvaluationResult, key: str, *, anyway: bool = False
) -> PairedDifference:
    """Return the difference ``a - b`` of metric *key* over the cases of both.

    Cases are joined by id; where either has no value, the pair is left out.  Means of cells are
    compared by `evalkit.stats.paired_difference`, corpus metrics by the paired bootstrap of their
    sufficient statistics, with approximate randomisation for the p-value where these add up.

    Args:
        a: One result.
        b: The other.
        key: Metric of both.
        anyway: Compare even where dataset, signature or reducer differ.

    Raises:
        UsageError: If dataset, signature or reducer differ, naming what; or nothing pairs up.
        UnknownMetricError: If one has no such metric.
    """
    return difference_of(a, b, pairs(a, b, key, anyway=anyway))


def pairs(a: EvaluationResult, b: EvaluationResult, key: str, *, anyway: bool = False) -> Pairs:
    """Return metric *key* of two results joined by case id; raises as `difference` does."""
    first, second = _metric(a, key), _metric(b, key)
    if not anyway:
        check_comparable(a, b, first, second)
    rows_a, rows_b = _joined(a, b)
    return Pairs(
        metric=first,
        other=second,
        ids=a.spool.strings("id")[rows_a],
        rows=(rows_a, rows_b),
        values=(_values(a, first)[rows_a], _values(b, second)[rows_b]),
        n_unmatched=len(a) + len(b) - 2 * len(rows_a),
    )


def difference_of(a: EvaluationResult, b: EvaluationResult, found: Pairs) -> PairedDifference:
    """Return the paired difference of joined cases."""
    design = _design(a).take(found.rows[0])
    if found.metric.source is not None:
        return _corpus_difference(a, b, found, design)
    values_a, values_b = found.values
    paired = np.isfinite(values_a) & np.isfinite(values_b)
    if not paired.any():
        raise UsageError(
            f"No case has a value of {found.metric.key} in both {a.name!r} and {b.name!r}."
        )
    binary = found.metric.column.binary and found.other.column.binary
    return paired_difference(
        values_a[paired],
        values_b[paired],
        groups=None if design.groups is None else design.groups[paired],
        weights=None if design.weights is None else design.weights[paired],
        binary=binary and a.repeats == b.repeats == 1,
        bounds=found.metric.facts.bounds,
        level=design.level,
        seed=design.seed,
    )


def _metric(result: EvaluationResult, key: str) -> Metric:
    for metric in result.metrics:
        if metric.key == key:
            return metric
    raise UnknownMetricError(key, [metric.key for metric in result.metrics])


def check_comparable(
    a: EvaluationResult, b: EvaluationResult, first: Metric, second: Metric
) -> None:
    """Refuse two metrics whose numbers do not mean the same.

    Raises:
        UsageError: Naming what differs.
    """
    differing = {
        "dataset": (a.dataset["digest"], b.dataset["digest"]),
        "signature": (first.signature, second.signature),
        "reducer": (a.facts.plan["reducers"][0], b.facts.plan["reducers"][0]),
    }
    for what, (mine, other) in differing.items():
        if mine != other:
            why = _why_other_data(a, b) if what == "dataset" else "."
            raise UsageError(
                f"{a.name!r} and {b.name!r} cannot be compared on {first.key}: their {what} "
                f"differs ({mine} and {other}){why}"
            )


def _why_other_data(a: EvaluationResult, b: EvaluationResult) -> str:
    """Say in which fields two datasets differ; a table of several systems' answers leaks tags."""
    if len(a) != len(b):
        return f": {len(a)} and {len(b)} cases."
    fields = [
        field
        for field in ("id", *DATASET_FIELDS)
        if list(a.spool.values(field)) != list(b.spool.values(field))
    ]
    said = f": their {' and '.join(fields)} differ." if fields else "."
    if fields == ["tags"]:
        said += (
            " Columns that nothing claims become tags, another system's answers too; drop them by "
            "columns={'tags': None}, and keep some by {'tags': None, 'tags.region': 'region'}."
        )
    return said


def _joined(a: EvaluationResult, b: EvaluationResult) -> tuple[Any, Any]:
    ids_a, ids_b = a.spool.strings("id"), b.spool.strings("id")
    if len(ids_a) == len(ids_b) and (ids_a == ids_b).all():
        rows = np.arange(len(ids_a))
        return rows, rows
    place = {case_id: row for row, case_id in enumerate(ids_b)}
    found = [(row, place[i]) for row, i in enumerate(ids_a) if i in place]
    if not found:
        raise UsageError(f"{a.name!r} and {b.name!r} share no case.")
    joined = np.array(found, dtype=np.int64)
    return joined[:, 0], joined[:, 1]


def _design(result: EvaluationResult) -> Design:
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


def _corpus_difference(
    a: EvaluationResult, b: EvaluationResult, found: Pairs, design: Design
) -> PairedDifference:
    scored_a, scored_b = _scored(a, found.metric), _scored(b, found.other)
    both = np.flatnonzero(scored_a[found.rows[0]] & scored_b[found.rows[1]])
    if not len(both):
        raise UsageError(
            f"No case has a value of {found.metric.key} in both {a.name!r} and {b.name!r}."
        )
    if a.repeats != b.repeats:
        raise UsageError(f"{found.metric.key}: the results have different numbers of repeats.")
    design = design.take(both)
    cells = [cells_of_rows(rows[both], a.repeats) for rows in found.rows]
    statistics = [
        metric.column.statistics.take(place)
        for metric, place in zip((found.metric, found.other), cells, strict=True)
        if metric.column.statistics is not None
    ]
    clustered = design.groups is not None or a.repeats > 1
    codes = np.arange(len(both)) if design.groups is None else design.groups
    groups = np.repeat(codes, a.repeats) if clustered else None
    weights = None if design.weights is None else np.repeat(design.weights, a.repeats)
    compare = _additive if isinstance(statistics[0], Additive) else _rows
    value, low, high, p_value, error, method = compare(
        found.metric.source, statistics, weights, groups, design
    )
    detectable = (normal_quantile(design.level) + normal_quantile(0.6)) * error
    return PairedDifference(
        difference=value,
        low=low,
        high=high,
        level=design.level,
        method=method,
        p_value=p_value,
        effect_size=None,
        correlation=None,
        n=len(both),
        n_groups=None if design.groups is None else len(np.unique(design.groups)),
        standard_error=error,
        smallest_detectable=detectable,
        test="approximate-randomization" if compare is _additive else "paired-bootstrap",
    )


def _scored(result: EvaluationResult, metric: Metric) -> Any:
    return (metric.column.status.reshape(len(result), -1) == Status.OK).all(axis=1)


Resampled = tuple[float, float | None, float | None, float | None, float, str]


def _additive(
    scorer: Any, statistics: list[Any], weights: Any, groups: Any, design: Design
) -> Resampled:
    first, second = (part.vectors for part in statistics)
    if weights is not None:
        first, second = first * weights[:, None], second * weights[:, None]
    settings: dict[str, Any] = {"draws": _DRAWS, "seed": design.seed, "groups": groups}
    found = paired_bootstrap(first, second, scorer.compute, level=design.level, **settings)
    test = approximate_randomization(first, second, scorer.compute, **settings)
    error = found.standard_error or 0.0
    return found.difference, found.low, found.high, test.p_value, error, "paired-bootstrap"


def _rows(
    scorer: Any, statistics: list[Any], weights: Any, groups: Any, design: Design
) -> Resampled:
    first, second = statistics
    value = scorer.compute(first, weights) - scorer.compute(second, weights)
    drawn = np.array(_row_draws(scorer, first, second, weights, groups, design.seed))
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < _SLOW_DRAWS // 2 or np.ptp(drawn) == 0.0:
        return float(value), None, None, None, 0.0, "paired-bootstrap"
    interval = percentile_interval(drawn, value, level=design.level)
    hits = int((np.abs(drawn - drawn.mean()) >= abs(value)).sum())
    p_value = (1 + hits) / (1 + len(drawn))
    error = float(drawn.std(ddof=1))
    return float(value), interval.low, interval.high, p_value, error, "paired-bootstrap"


def _row_draws(  # noqa: PLR0917
    scorer: Any, first: Rows, second: Rows, weights: Any, groups: Any, seed: int
) -> list[float]:
    drawn: list[float] = []
    for counts in bootstrap_weights(len(first), _SLOW_DRAWS, seed=seed, groups=groups):
        for count in counts:
            kept = count > 0
            load = count[kept] if weights is None else count[kept] * weights[kept]
            drawn.append(
                scorer.compute(first.take(kept), load) - scorer.compute(second.take(kept), load)
            )
    return drawn

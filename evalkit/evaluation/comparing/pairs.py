"""The paired difference of two results on the same cases."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.data.identity import DATASET_FIELDS
from evalkit.entities.score import Status
from evalkit.errors import UsageError
from evalkit.evaluation.comparing.resampled import corpus_difference, quantile_difference
from evalkit.scoring.estimate import case_values
from evalkit.stats.difference import PairedDifference
from evalkit.stats.paired import paired_difference

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.results.estimates import Part
    from evalkit.scoring.metric import Metric


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

    quantile: float | None = None
    """Share below the quantile that is compared; ``None`` for means and corpus metrics."""

    def take(self, places: Any) -> Pairs:
        """Return some of the joined cases only."""
        return dataclasses.replace(
            self,
            ids=self.ids[places],
            rows=(self.rows[0][places], self.rows[1][places]),
            values=(self.values[0][places], self.values[1][places]),
        )


def difference(
    a: EvaluationResult, b: EvaluationResult, key: str, *, anyway: bool = False
) -> PairedDifference:
    """Return the difference ``a - b`` of *key* over the cases of both.

    Cases are joined by id; where either has no value, the pair is left out.  Means of cells are
    compared by `evalkit.stats.paired_difference`, corpus metrics by the paired bootstrap of their
    sufficient statistics, with approximate randomisation for the p-value where these add up,
    quantiles by the paired bootstrap.

    Args:
        a: One result.
        b: The other.
        key: Metric of both, or any other left side of a gate.
        anyway: Compare even where dataset, signature or reducer differ.

    Raises:
        UsageError: If dataset, signature or reducer differ, naming what; or nothing pairs up.
        UnknownMetricError: If one has no such metric.
    """
    return difference_of(a, b, pairs(a, b, key, anyway=anyway))


def pairs(a: EvaluationResult, b: EvaluationResult, key: str, *, anyway: bool = False) -> Pairs:
    """Return *key* of two results joined by case id; raises as `difference` does."""
    first, second = a.by_key.part(key), b.by_key.part(key)
    if first.key.function in {"min", "max"} or first.key.worst_by is not None:
        raise UsageError(f"{key} is an extreme, and the difference of two has no interval.")
    if not anyway:
        check_comparable(a, b, first, second)
    rows_a, rows_b = joined_rows(a, b)
    found = Pairs(
        metric=first.metric,
        other=second.metric,
        ids=a.case_ids[rows_a],
        rows=(rows_a, rows_b),
        values=(_values(a, first)[rows_a], _values(b, second)[rows_b]),
        n_unmatched=len(a) + len(b) - 2 * len(rows_a),
        quantile=0.5 if first.key.function == "median" else first.key.quantile,
    )
    if not first.key.tags:
        return found
    return found.take(np.flatnonzero(np.isin(rows_a, a.by_key.rows_with(first.key.tags))))


def difference_of(
    a: EvaluationResult, b: EvaluationResult, found: Pairs, *, level: float | None = None
) -> PairedDifference:
    """Return the paired difference of joined cases, at another *level* than that of *a* if given.

    Raises:
        UsageError: If no case has a value in both.
    """
    design = a.by_key.design.take(found.rows[0])
    if level is not None:
        design = dataclasses.replace(design, level=level)
    if found.metric.source is not None:
        return corpus_difference(a, b, found, design)
    values_a, values_b = found.values
    paired = np.isfinite(values_a) & np.isfinite(values_b)
    if not paired.any():
        raise UsageError(
            f"No case has a value of {found.metric.key} in both {a.name!r} and {b.name!r}."
        )
    groups = None if design.groups is None else design.groups[paired]
    if found.quantile is not None:
        both = values_a[paired], values_b[paired]
        return quantile_difference(*both, found.quantile, groups, design)
    binary = found.metric.column.binary and found.other.column.binary
    return paired_difference(
        values_a[paired],
        values_b[paired],
        groups=groups,
        weights=None if design.weights is None else design.weights[paired],
        binary=binary and a.repeats == b.repeats == 1,
        bounds=found.metric.facts.bounds_of(np.concatenate([values_a[paired], values_b[paired]])),
        level=design.level,
        seed=design.seed,
    )


def paired_values(
    a: EvaluationResult, b: EvaluationResult, found: Pairs
) -> tuple[float, float] | None:
    """Return the means of both over the cases that have a value in both.

    ``None`` where these are all cases that have one in either, for corpus metrics and quantiles,
    and where there is no such case.
    """
    if found.metric.source is not None or found.quantile is not None:
        return None
    values_a, values_b = found.values
    both = np.isfinite(values_a) & np.isfinite(values_b)
    scored = max(result[found.metric.key].n_scored for result in (a, b))
    if not both.any() or int(both.sum()) == scored:
        return None
    weights = a.by_key.design.take(found.rows[0]).weights
    shares = None if weights is None else weights[both]
    first, second = (np.average(values[both], weights=shares) for values in found.values)
    return float(first), float(second)


def check_comparable(a: EvaluationResult, b: EvaluationResult, first: Part, second: Part) -> None:
    """Refuse two metrics whose numbers do not mean the same.

    Raises:
        UsageError: Naming what differs.
    """
    for differing in what_differs(a, b, first, second):
        raise UsageError(
            f"{a.name!r} and {b.name!r} cannot be compared on {first.metric.key}: {differing}"
        )


def what_differs(
    a: EvaluationResult, b: EvaluationResult, first: Part, second: Part
) -> Iterator[str]:
    """Yield a clause on everything for which two numbers do not mean the same."""
    differing = {
        "dataset": (a.dataset["digest"], b.dataset["digest"]),
        "signature": (first.metric.signature, second.metric.signature),
        "reducer": (str(first.reducer), str(second.reducer)),
    }
    for what, (mine, other) in differing.items():
        if mine != other:
            why = _why_other_data(a, b) if what == "dataset" else "."
            yield f"their {what} differs ({mine} and {other}){why}"


def _why_other_data(a: EvaluationResult, b: EvaluationResult) -> str:
    """Say in which fields two datasets differ; a table of several systems' answers leaks tags."""
    if len(a) != len(b):
        return f": {len(a)} and {len(b)} cases."
    scores_only = any(result.facts.plan.get("scores_only") for result in (a, b))
    fields = [
        field
        for field in (("id",) if scores_only else ("id", *DATASET_FIELDS))
        if list(a.spool.values(field)) != list(b.spool.values(field))
    ]
    said = f": their {' and '.join(fields)} differ." if fields else "."
    if fields == ["tags"]:
        said += (
            " Columns that nothing claims become tags, another system's answers too; drop them by "
            "columns={'tags': None}, and keep some by {'tags': None, 'tags.region': 'region'}."
        )
    return said


def joined_rows(a: EvaluationResult, b: EvaluationResult) -> tuple[Any, Any]:
    """Return the rows of either result that hold the same case, joined by id.

    Raises:
        UsageError: If they share no case.
    """
    ids_a, ids_b = a.case_ids, b.case_ids
    if len(ids_a) == len(ids_b) and (ids_a == ids_b).all():
        rows = np.arange(len(ids_a))
        return rows, rows
    place = {case_id: row for row, case_id in enumerate(ids_b)}
    found = [(row, place[i]) for row, i in enumerate(ids_a) if i in place]
    if not found:
        raise UsageError(f"{a.name!r} and {b.name!r} share no case.")
    joined = np.array(found, dtype=np.int64)
    return joined[:, 0], joined[:, 1]


def _values(result: EvaluationResult, part: Part) -> Any:
    values, status = case_values(part.metric.column, result.by_key.design, part.reducer)
    return np.where(status == Status.OK, values, np.nan)

"""One reading of a result for whoever shows it: reports, pages, servers. Plain data, no cells."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit.entities.score import Status
from evalkit.errors import EvalkitError
from evalkit.evaluation.results.estimates import tag_text
from evalkit.evaluation.results.variance import VarianceParts, all_variance_parts

if TYPE_CHECKING:
    from evalkit.entities.estimate import Estimate
    from evalkit.evaluation.results.facts import Usage
    from evalkit.evaluation.results.result import Result
    from evalkit.gates.verdict import GateVerdict
    from evalkit.scoring.column import Metric

_MOST_TAGS: Final = 12
_MOST_VALUES: Final = 30
_FEW: Final = 11
"""Different values up to which each has a bar of its own."""

_BINS: Final = 24
_MOST_LABELS: Final = 20
_WORST: Final = 12
"""Cases that are among the worst of a metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """What there is to say of a result besides its cells and its judges."""

    name: str
    run_id: str | None
    status: str
    verdict: GateVerdict
    estimates: Mapping[str, Estimate]
    signatures: Mapping[str, str]
    dataset: Mapping[str, Any]
    model_id: str
    repeats: int
    coverage: float | None
    cost: float | None
    usage: Mapping[str, Usage]
    variance: tuple[VarianceParts, ...]
    failures: tuple[FailureGroup, ...]
    notes: tuple[str, ...]
    environment: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the view as JSON has it: verdict and failures by their numbers."""
        return {
            "run_id": self.run_id,
            "name": self.name,
            "status": self.status,
            "verdict": str(self.verdict.status),
            "conditions": conditions(self.verdict),
            "estimates": {key: fields(estimate) for key, estimate in self.estimates.items()},
            "signatures": dict(self.signatures),
            "dataset": dict(self.dataset),
            "model_id": self.model_id,
            "repeats": self.repeats,
            "coverage": self.coverage,
            "cost": self.cost,
            "usage": {role: dataclasses.asdict(usage) for role, usage in self.usage.items()},
            "variance": {parts.metric: dataclasses.asdict(parts) for parts in self.variance},
            "failures": [
                {
                    "stage": group.stage,
                    "scorer": group.scorer,
                    "reason": group.reason,
                    "cells": len(group.cells),
                    "explanation": group.explanation,
                }
                for group in self.failures
            ],
            "notes": list(self.notes),
            "environment": dict(self.environment),
        }


def view(result: Result, *, verdict: GateVerdict | None = None) -> ResultView:
    """Read *result* once; *verdict* may be one on other gates than its own."""
    return ResultView(
        name=result.name,
        run_id=result.run_id,
        status=result.facts.status,
        verdict=result.verdict if verdict is None else verdict,
        estimates=result.estimates,
        signatures=result.signatures,
        dataset=result.dataset,
        model_id=result.model_id,
        repeats=result.repeats,
        coverage=result.coverage,
        cost=result.cost,
        usage=result.usage,
        variance=tuple(all_variance_parts(result)),
        failures=tuple(failure_groups(result)),
        notes=tuple(result.facts.notes),
        environment=result.environment,
    )


def conditions(verdict: GateVerdict) -> list[dict[str, Any]]:
    """Return each condition of *verdict* with the numbers that decided it."""
    return [
        {
            "condition": condition.condition,
            "verdict": str(condition.status),
            "why": condition.why,
            "estimate": None if condition.estimate is None else fields(condition.estimate),
            "difference": None
            if condition.difference is None
            else dataclasses.asdict(condition.difference),
            "more_cases": condition.more_cases,
        }
        for condition in verdict.conditions
    ]


def fields(estimate: Estimate) -> dict[str, Any]:
    """Return every field of *estimate*, and what follows from them.

    Examples:
        >>> from evalkit.entities.estimate import Estimate
        >>> found = fields(Estimate(key="m", value=0.5, n_total=4, n_scored=2, n_failed=1))
        >>> found["n_not_run"], round(found["coverage"], 3)
        (1, 0.667)
    """
    derived = {"n_not_run": estimate.n_not_run, "coverage": estimate.coverage}
    return dataclasses.asdict(estimate) | derived


@dataclass(slots=True)
class FailureGroup:
    """Cells that failed at one stage for one reason."""

    stage: str
    """``target`` or ``scorer``."""

    scorer: str | None
    """Key of the metric; ``None`` where the target failed."""

    reason: str
    """Machine-readable code, such as ``target_error``."""

    cells: list[int] = field(default_factory=list[int])
    """Cells, in order: case times repeats plus repeat."""

    explanations: dict[int, str] = field(default_factory=dict[int, str])
    """Explanation of each cell that has one."""

    @property
    def explanation(self) -> str | None:
        """Explanation of the first cell that has one."""
        return next(iter(self.explanations.values()), None)

    @property
    def place(self) -> str:
        """What failed: ``target``, or the key of the metric."""
        return "target" if self.scorer is None else self.scorer

    def why(self, cell: int) -> str:
        """Return what is known of the failure of one cell."""
        return self.explanations.get(cell, self.reason)


def failure_groups(result: Result) -> list[FailureGroup]:
    """Return the failures of *result* by stage, metric and reason, the most frequent first.

    A cell whose target failed is counted once, at the target, and not again at each scorer.
    """
    groups: dict[tuple[str, str | None, str], FailureGroup] = {}
    for stage, scorer, cell, reason, explanation in _failures(result):
        group = groups.setdefault((stage, scorer, reason), FailureGroup(stage, scorer, reason))
        group.cells.append(cell)
        if explanation:
            group.explanations[cell] = explanation
    return sorted(groups.values(), key=lambda group: (-len(group.cells), group.stage != "target"))


def _failures(result: Result) -> Iterator[tuple[str, str | None, int, str, str | None]]:
    stopped = result.facts.failures
    for cell in sorted(stopped):
        reason, explanation = stopped[cell]
        yield "target", None, cell, reason, explanation
    for metric in result.metrics:
        column = metric.column
        for cell in np.flatnonzero(column.status == Status.FAILED).tolist():
            if cell not in stopped:
                reason = column.reasons.get(cell, "scorer_error")
                yield "scorer", metric.key, cell, reason, column.explanations.get(cell)


@dataclass(frozen=True, slots=True)
class Part:
    """The cases that share one value of a tag."""

    value: str
    n: int
    """Cases."""

    estimates: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Slice:
    """A tag and the estimates of each of its values."""

    tag: str
    parts: tuple[Part, ...] = ()
    problem: str | None = None
    """Why there are no parts, such as a scorer that this process cannot rebuild."""


def slices(result: Result) -> list[Slice]:
    """Return the estimates by each tag of `tag_columns`."""
    return [_slice(result, name) for name in tag_columns(result)]


def tag_columns(result: Result) -> dict[str, list[str | None]]:
    """Return the tags worth slicing by: those with 2 to 30 values, at most 12 of them.

    Returns:
        The value of each case as text, ``None`` where it has none, by tag.
    """
    if "tags" not in result.spool.fields:
        return {}
    rows = result.spool.values("tags")
    seen: dict[str, set[str]] = {}
    for tags in rows:
        for name, value in tags.items():
            values = seen.setdefault(str(name), set())
            if value is not None and len(values) <= _MOST_VALUES:
                values.add(tag_text(value))
    names = [name for name, values in seen.items() if 1 < len(values) <= _MOST_VALUES]
    return {
        name: [None if tags.get(name) is None else tag_text(tags[name]) for tags in rows]
        for name in names[:_MOST_TAGS]
    }


def _slice(result: Result, tag: str) -> Slice:
    keys, read = result.estimates, result.by_key
    try:
        parts = [
            Part(value, len(rows), {key: read.of_rows(key, rows) for key in keys})
            for (value,), rows in read.slices([tag]).items()
        ]
    except EvalkitError as error:
        return Slice(tag, problem=str(error))
    return Slice(tag, tuple(parts))


def distribution(metric: Metric) -> dict[str, Any] | None:
    """Return the histogram of a metric's cells: bars with their ends and counts.

    Returns:
        ``kind`` (``values``, ``bins`` or ``labels``), ``bars`` (``low, high, count`` each, or
        ``label, count``), and where there are values ``n, mean, median, min, max``; ``None``
        where no cell has a value or label.
    """
    column = metric.column
    values = column.values[(column.status == Status.OK) & np.isfinite(column.values)]
    if not values.size:
        return _labels(column.labels) if column.labels else None
    facts = {
        "n": int(values.size),
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "min": float(values.min()),
        "max": float(values.max()),
    }
    different = np.unique(values[:200_000])
    if different.size <= _FEW:
        ends, counts = np.unique(values, return_counts=True)
        if ends.size <= _FEW:
            bars = [
                {"low": float(v), "high": float(v), "count": int(c)}
                for v, c in zip(ends, counts, strict=True)
            ]
            return facts | {"kind": "values", "binary": column.binary, "bars": bars}
    counts, edges = np.histogram(values, bins=_BINS, range=_range(metric, facts))
    bars = [
        {"low": float(edges[i]), "high": float(edges[i + 1]), "count": int(count)}
        for i, count in enumerate(counts)
    ]
    return facts | {"kind": "bins", "bars": bars}


def _range(metric: Metric, facts: dict[str, Any]) -> tuple[float, float]:
    """Return the metric's own range where the values fill a good part of it, else theirs."""
    low, high = facts["min"], facts["max"]
    bounds = metric.facts.bounds
    if bounds is not None and high - low > 0.25 * (bounds[1] - bounds[0]):
        return bounds
    return low, high


def _labels(labels: dict[int, str]) -> dict[str, Any]:
    counted = Counter(labels.values()).most_common(_MOST_LABELS)
    return {
        "kind": "labels",
        "n": len(labels),
        "bars": [{"label": label, "count": count} for label, count in counted],
    }


def worst_cells(metric: Metric, repeats: int = 1, most: int = _WORST) -> list[int]:
    """Return the worst cell of each of the worst cases, worst first, ties in order.

    There are none where neither direction is better or where every value is the same; a value
    that is the best possible is never among them.

    Args:
        metric: Metric with its scores.
        repeats: Cells of each case.
        most: Cases to return.
    """
    column, facts = metric.column, metric.facts
    if facts.direction == "none":
        return []
    cells = np.flatnonzero((column.status == Status.OK) & np.isfinite(column.values))
    values = column.values[cells]
    best = facts.high if facts.direction == "higher" else facts.low
    if best is not None:
        cells, values = cells[values != best], values[values != best]
    if not cells.size or (cells.size > 1 and best is None and np.ptp(values) == 0):
        return []
    badness = values if facts.direction == "higher" else -values
    order = np.argsort(badness, kind="stable")[: most * repeats]
    first: dict[int, int] = {}
    for cell in cells[order].tolist():
        first.setdefault(cell // repeats, cell)
    return list(first.values())[:most]

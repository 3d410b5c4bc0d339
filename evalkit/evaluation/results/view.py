"""One reading of a result for whoever shows it: reports, pages, servers. Plain data, no cells."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit.entities.score import Status
from evalkit.errors import EvalkitError
from evalkit.evaluation.results.cells import failed_cells
from evalkit.evaluation.results.estimates import tag_text
from evalkit.evaluation.results.variance import all_variance_parts

if TYPE_CHECKING:
    from evalkit.entities.estimate import Estimate
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


def view(result: Result, *, verdict: GateVerdict | None = None) -> dict[str, Any]:
    """Return what there is to say of *result* besides its cells and judges, as JSON has it.

    The *verdict* may be one on other gates than its own.
    """
    verdict = result.verdict if verdict is None else verdict
    return {
        "run_id": result.run_id,
        "name": result.name,
        "status": result.facts.status,
        "verdict": str(verdict.status),
        "conditions": conditions(verdict),
        "estimates": {key: fields(estimate) for key, estimate in result.estimates.items()},
        "signatures": result.signatures,
        "dataset": dict(result.dataset),
        "model_id": result.model_id,
        "repeats": result.repeats,
        "coverage": result.coverage,
        "cost": result.cost,
        "usage": {role: dataclasses.asdict(usage) for role, usage in result.usage.items()},
        "variance": {
            parts.metric: dataclasses.asdict(parts) for parts in all_variance_parts(result)
        },
        "failures": [
            {
                "stage": group.stage,
                "scorer": group.scorer,
                "reason": group.reason,
                "cells": len(group.cells),
                "explanation": group.explanation,
            }
            for group in failure_groups(result)
        ],
        "notes": list(result.facts.notes),
        "environment": dict(result.environment),
    }


def conditions(verdict: GateVerdict) -> list[dict[str, Any]]:
    """Return each condition of *verdict* with the numbers that decided it."""
    return [
        {
            "condition": condition.condition,
            "verdict": str(condition.status),
            "why": condition.why,
            "estimate": condition.estimate and fields(condition.estimate),
            "difference": condition.difference and dataclasses.asdict(condition.difference),
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


def failure_groups(result: Result) -> list[FailureGroup]:
    """Return the failures of *result* by stage, metric and reason, the most frequent first.

    A cell whose target failed is counted once, at the target, and not again at each scorer.
    """
    groups: dict[tuple[str, str | None, str], FailureGroup] = {}
    for stage, scorer, cell, reason, explanation in failed_cells(result):
        group = groups.setdefault((stage, scorer, reason), FailureGroup(stage, scorer, reason))
        group.cells.append(cell)
        if explanation:
            group.explanations[cell] = explanation
    return sorted(groups.values(), key=lambda group: (-len(group.cells), group.stage != "target"))


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
    keys, read = result.estimates, result.by_key
    made: list[Slice] = []
    for tag in tag_columns(result):
        try:
            parts = tuple(
                Part(value, len(rows), {key: read.of_rows(key, rows) for key in keys})
                for (value,), rows in read.slices([tag]).items()
            )
            made.append(Slice(tag, parts))
        except EvalkitError as error:
            made.append(Slice(tag, problem=str(error)))
    return made


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
    if np.unique(values[:200_000]).size <= _FEW:
        ends, counts = np.unique(values, return_counts=True)
        if ends.size <= _FEW:
            bars = _bars(ends, ends, counts)
            return facts | {"kind": "values", "binary": column.binary, "bars": bars}
    counts, edges = np.histogram(values, bins=_BINS, range=_range(metric, facts))
    return facts | {"kind": "bins", "bars": _bars(edges[:-1], edges[1:], counts)}


def _bars(lows: Any, highs: Any, counts: Any) -> list[dict[str, Any]]:
    ends = zip(lows.tolist(), highs.tolist(), counts.tolist(), strict=True)
    return [{"low": low, "high": high, "count": count} for low, high, count in ends]


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
    """Return the worst cell of each of the worst cases, at most *most*, worst first, ties in order.

    There are none where neither direction is better or where every value is the same; a value
    that is the best possible is never among them.
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

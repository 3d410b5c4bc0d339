"""Baseline files: the scores of a run, case by case, small enough to commit and to review.

A baseline file is JSON with a line for each case, sorted by id.  It holds ids, scores, groups and
weights, and the signatures and digests that tell whether another run compares with it; texts of
cases only where that was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.score import Status
from evalkit.errors import DataError, StoreUnavailableError, UsageError
from evalkit.evaluation.baselines.reading import baseline_result
from evalkit.evaluation.results.cells import cell_table
from evalkit.evaluation.results.result import Result
from evalkit.scoring.column import Additive, Rows
from evalkit.store.artifacts import write_bytes_atomic

if TYPE_CHECKING:
    from evalkit.scoring.column import Metric

SCHEMA: Final = "evalkit.baseline/1"
R = TypeVar("R", bound=Result)
_TEXTS: Final = ("inputs", "expectations")


def write_baseline(result: Result, path: Path, *, texts: bool = False) -> Path:
    """Write the scores of *result* to *path* and return it; `EvaluationResult.write_baseline`.

    Raises:
        UsageError: If the file cannot be written.
    """
    head = {
        "name": result.name,
        "run_id": result.run_id,
        "model_id": result.model_id,
        "dataset": {"digest": result.dataset["digest"], "n": len(result)},
        "outputs_digest": result.facts.plan.outputs_digest,
        "repeats": result.repeats,
        "reducers": list(result.facts.plan.reducers),
        "level": result.facts.plan.level,
        "seed": result.facts.plan.seed,
        "scorers": list(result.facts.plan.scorers),
        "estimates": {key: _filled(asdict(e)) for key, e in result.estimates.items()},
        "metrics": {metric.key: _described(metric, texts=texts) for metric in _kept(result)},
    }
    lines = [f"  {_line(case)}" for case in sorted(_cases(result, texts=texts), key=_id)]
    ordered = {"schema": SCHEMA, **parse_json(canonical_json(head))}
    told = json.dumps(ordered, indent=2, ensure_ascii=False)
    text = told.removesuffix("\n}") + ',\n  "cases": [\n  ' + ",\n  ".join(lines) + "\n  ]\n}\n"
    try:
        write_bytes_atomic(path, text.encode("utf-8"))
    except StoreUnavailableError as error:
        why = getattr(error.__cause__, "strerror", None) or error
        raise UsageError(f"Cannot write {path}: {why}.") from error
    path.chmod(0o644)  # it is committed, and read by everyone
    return path


def read_baseline(path: Path, kind: type[R]) -> R:
    """Return a baseline file as a result that others compare with.

    Raises:
        DataError: If it is no baseline file, or a newer evalkit wrote it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", file=str(path)) from error
    return parse_baseline(content, str(path), kind)


def parse_baseline(content: bytes, name: str, kind: type[R]) -> R:
    """Return the content of a baseline file as a result; *name* is for errors.

    Raises:
        DataError: If it is no baseline file, or a newer evalkit wrote it.
    """
    try:
        found = parse_json(content)
    except ValueError as error:
        raise DataError(f"is no JSON: {error}", file=name) from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        why = f"is no baseline file of this release (its schema is {schema!r}, not {SCHEMA!r})"
        if isinstance(schema, str) and schema.startswith("evalkit.result/"):
            why = "is a report, without the scores of cases; write one by result.write_baseline"
        raise DataError(why, file=name)
    return baseline_result(found, kind)


def _kept(result: Result) -> list[Metric]:
    return sorted(result.metrics, key=lambda metric: metric.key)


def _described(metric: Metric, *, texts: bool) -> dict[str, Any]:
    return {
        "scorer": metric.scorer,
        "signature": metric.signature,
        "facts": asdict(metric.facts),
        "binary": metric.column.binary,
        "corpus": metric.source is not None,
        "statistics": _form(metric, texts=texts),
    }


def _form(metric: Metric, *, texts: bool) -> str | None:
    """Return how the statistics of a corpus metric are kept, or ``None`` where they are not."""
    statistics = metric.column.statistics
    if isinstance(statistics, Additive):
        return "additive"
    if not isinstance(statistics, Rows):
        return None
    plain = all(column.dtype != object for column in statistics.columns.values())
    return "rows" if texts or plain else None


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _id(case: Mapping[str, Any]) -> str:
    return str(case["id"])


def _cases(result: Result, *, texts: bool) -> Iterator[dict[str, Any]]:
    repeats = result.repeats
    groups, weights = result.by_key.design.groups, result.by_key.design.weights
    metrics = _kept(result)
    forms = {metric.key: _form(metric, texts=texts) for metric in metrics}
    table = cell_table(result) if texts else None
    for row, case_id in enumerate(result.case_ids.tolist()):
        cells = range(row * repeats, (row + 1) * repeats)
        case: dict[str, Any] = {"id": case_id}
        if groups is not None:
            case["group"] = int(groups[row])
        if weights is not None:
            case["weight"] = float(weights[row])
        case["scores"] = {
            metric.key: _alone([_cell(metric, cell, forms[metric.key]) for cell in cells])
            for metric in metrics
        }
        lost = {
            str(repeat): list(result.facts.failures[cell])
            for repeat, cell in enumerate(cells)
            if cell in result.facts.failures
        }
        if lost:  # the counting reducers take a target's own error as a miss
            case["failed"] = lost
        if table is not None:
            for name in _TEXTS:
                case[name] = table[name].iloc[cells[0]]
            case["outputs"] = [table["outputs"].iloc[cell] for cell in cells]
        yield case


def _alone(cells: list[Any]) -> Any:
    return cells if len(cells) > 1 else cells[0]


def _cell(metric: Metric, cell: int, form: str | None) -> Any:
    """Return one cell: its value where that is all, else a mapping."""
    column = metric.column
    status = Status(int(column.status[cell]))
    found: dict[str, Any] = {}
    if np.isfinite(column.values[cell]):
        found["value"] = _number(column.values[cell])
    if status is not Status.OK:
        found["status"] = status.word
    for name, sparse in (("label", column.labels), ("reason", column.reasons)):
        if cell in sparse:
            found[name] = sparse[cell]
    if column.weights is not None:
        found["weight"] = _number(column.weights[cell])
    statistics = column.statistics
    if form == "additive" and isinstance(statistics, Additive):
        found["statistics"] = [_number(value) for value in statistics.vectors[cell]]
    if form == "rows" and isinstance(statistics, Rows):
        found["statistics"] = {name: col[cell] for name, col in statistics.columns.items()}
    return found["value"] if set(found) == {"value"} else found


def _number(value: Any) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _line(case: Mapping[str, Any]) -> str:
    return canonical_json(case).decode("utf-8")

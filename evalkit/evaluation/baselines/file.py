"""Baseline files: the scores of a run, case by case, small enough to commit and to review.

A baseline file is JSON with a line for each case, sorted by id.  It holds ids, scores, groups and
weights, and the signatures and digests that tell whether another run compares with it; texts of
cases only where that was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from evalkit._internal.canonical import canonical_json, content_hash, parse_json
from evalkit.data.snapshot import FILE_NAME, SnapshotWriter, Spool
from evalkit.data.snapshot import FORMAT as SNAPSHOT_FORMAT
from evalkit.entities.estimate import Estimate
from evalkit.entities.score import Status
from evalkit.entities.target import TargetIdentity
from evalkit.errors import DataError, StoreUnavailableError, UsageError
from evalkit.evaluation.results.cells import cell_table
from evalkit.evaluation.results.facts import Facts
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.loading import metric_of
from evalkit.evaluation.results.plan import DatasetFacts, EvaluationPlan
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.results.saving import metric_facts
from evalkit.scoring.column import Additive, Metric, Rows, ScoreColumn, column_of
from evalkit.store.artifacts import WorkFolder, write_bytes_atomic

SCHEMA: Final = "evalkit.baseline/2"
_PLANNED: Final = (
    "model_id", "outputs_digest", "repeats", "reducers", "level", "seed", "scorers"
)  # fmt: skip
"""Fields of the plan that the file has as they are."""

_LABEL: Final = 64
"""Characters up to which a text counts as a label, which is kept without asking."""

_TEXTS: Final = ("inputs", "expectations")
_STATUS: Final = {status.word: status for status in Status}

R = TypeVar("R", bound=Result)
Cells = Sequence[Mapping[str, Any]]


def write_baseline(result: Result, path: Path, *, texts: bool = False) -> Path:
    """Write the scores of *result* to *path* and return it; `EvaluationResult.write_baseline`.

    Raises:
        UsageError: If the file cannot be written.
    """
    head = {name: getattr(result.facts.plan, name) for name in _PLANNED} | {
        "name": result.name,
        "created": result.facts.plan.created,
        "commit": (result.facts.environment.get("git") or {}).get("commit"),
        "run_id": result.run_id,
        "dataset": {"digest": result.dataset["digest"], "n": len(result)},
        "estimates": {
            key: {name: value for name, value in asdict(estimate).items() if value is not None}
            for key, estimate in result.estimates.items()
        },
        "metrics": {
            metric.key: metric_facts(metric) | {"statistics": _form(metric, texts=texts)}
            for metric in result.metrics
        },
    }
    cases = sorted(_cases(result, texts=texts), key=lambda case: str(case["id"]))
    lines = [f"  {canonical_json(case).decode()}" for case in cases]
    written = parse_json(canonical_json(head))
    ordered = {"schema": SCHEMA, "digest": _digest({**written, "cases": cases}), **written}
    opening = json.dumps(ordered, indent=2, ensure_ascii=False)
    text = opening.removesuffix("\n}") + ',\n  "cases": [\n  ' + ",\n  ".join(lines) + "\n  ]\n}\n"
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
    """Return the content of a baseline file as a result, called as the file that *name* ends in.

    Raises:
        DataError: If it is no baseline file, another release wrote it, or it was changed by hand.
    """
    try:
        document = parse_json(content)
    except ValueError as error:
        raise DataError(f"is no JSON: {error}", file=name) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        why = f"is no baseline file of this release (its schema is {schema!r}, not {SCHEMA!r})"
        if isinstance(schema, str) and schema.startswith("evalkit.result/"):
            why = "is a report, without the scores of cases; write one by result.write_baseline"
        raise DataError(why, file=name)
    if document.get("digest") != _digest(document):
        why = "was changed by hand, so its scores are not those of a run; write it anew"
        raise DataError(why, file=name)
    return _baseline_result(document, Path(name.rpartition(":")[2]).name, kind)


def _digest(document: Mapping[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key not in {"schema", "digest"}}
    return content_hash(canonical_json(content), size=16)


def _form(metric: Metric, *, texts: bool) -> str | None:
    """Return how the statistics of a corpus metric are kept, or ``None`` where they are not."""
    statistics = metric.column.statistics
    if isinstance(statistics, Additive):
        return "additive"
    if not isinstance(statistics, Rows):
        return None
    plain = all(_is_plain(column) for column in statistics.columns.values())
    return "rows" if texts or plain else None


def _is_plain(column: Any) -> bool:
    """Say whether a column holds numbers or labels, not texts of cases."""
    return column.dtype != object or all(
        value is None or isinstance(value, (bool, int, float)) or len(str(value)) <= _LABEL
        for value in column.tolist()
    )


def _cases(result: Result, *, texts: bool) -> Iterator[dict[str, Any]]:
    repeats = result.repeats
    groups, weights = result.by_key.design.groups, result.by_key.design.weights
    forms = [(metric, _form(metric, texts=texts)) for metric in result.metrics]
    table, digests = cell_table(result) if texts else None, result.spool.case_digests
    for row, case_id in enumerate(result.case_ids.tolist()):
        cells = range(row * repeats, (row + 1) * repeats)
        case: dict[str, Any] = {"id": case_id, "digest": digests[row]}
        if groups is not None:
            case["group"] = int(groups[row])
        if weights is not None:
            case["weight"] = float(weights[row])
        scores = {m.key: [_cell(m.column, cell, form) for cell in cells] for m, form in forms}
        case["scores"] = scores if repeats > 1 else {key: cell for key, (cell,) in scores.items()}
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


def _cell(column: ScoreColumn, cell: int, form: str | None) -> Any:
    """Return one cell: its value where that is all, else a mapping."""
    status = Status(int(column.status[cell]))
    entry: dict[str, Any] = {}
    if np.isfinite(column.values[cell]):
        entry["value"] = _number(column.values[cell])
    if status is not Status.OK:
        entry["status"] = status.word
    for name, sparse in (("label", column.labels), ("reason", column.reasons)):
        if cell in sparse:
            entry[name] = sparse[cell]
    if column.weights is not None:
        entry["weight"] = _number(column.weights[cell])
    statistics = column.statistics
    if form == "additive" and isinstance(statistics, Additive):
        entry["statistics"] = [_number(value) for value in statistics.vectors[cell]]
    if form == "rows" and isinstance(statistics, Rows):
        entry["statistics"] = {name: col[cell] for name, col in statistics.columns.items()}
    return entry["value"] if set(entry) == {"value"} else entry


def _number(value: Any) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _baseline_result(content: Mapping[str, Any], name: str, kind: type[R]) -> R:
    keep = WorkFolder.temporary()
    cases = content["cases"]
    plan = EvaluationPlan(
        name=content["name"],
        target=TargetIdentity(kind="stored", name=content["name"]),
        signatures={m["scorer"]: m["signature"] for m in content["metrics"].values()},
        dataset=DatasetFacts(name=content["name"], **content["dataset"]),
        created=content.get("created", 0),
        scores_only=not (cases and "inputs" in cases[0]),
        **{name: content[name] for name in _PLANNED},
    )
    return kind(
        facts=Facts(
            run_id=content["run_id"],
            name=name,
            status="complete",
            plan=plan,
            environment={"git": {"commit": content.get("commit")}},
            usage={},
            failures={
                row * plan.repeats + int(repeat): (reason, text)
                for row, case in enumerate(cases)
                for repeat, (reason, text) in case.get("failed", {}).items()
            },
        ),
        spool=_spool(content, keep.path),
        metrics=[
            _metric(key, described, cases, plan) for key, described in content["metrics"].items()
        ],
        folder=Folder(keep.path / "evaluation"),
        keep=keep,
        known={key: Estimate(**fields) for key, fields in content["estimates"].items()},
    )


def _spool(content: Mapping[str, Any], folder: Path) -> Spool:
    """Return a snapshot of what the file knows of its cases."""
    cases, repeats = content["cases"], content["repeats"]
    rows = [(case, repeat) for case in cases for repeat in range(repeats)]
    columns: dict[str, list[Any]] = {"id": [case["id"] for case, _ in rows]}
    if repeats > 1:
        columns["repeat"] = [repeat for _, repeat in rows]
    if "group" in cases[0]:
        columns["group"] = [str(case["group"]) for case, _ in rows]
    if "weight" in cases[0]:
        columns["weight"] = [case["weight"] for case, _ in rows]
    if "inputs" in cases[0]:
        for name in _TEXTS:
            columns[name] = [canonical_json(case[name]) for case, _ in rows]
        columns["outputs"] = [canonical_json(case["outputs"][repeat]) for case, repeat in rows]
    with SnapshotWriter(folder / FILE_NAME) as writer:
        writer.write(columns)
        writer.commit(
            {
                "format": SNAPSHOT_FORMAT,
                "n": len(rows),
                "n_cases": len(cases),
                "n_repeats": repeats,
                "dataset_digest": content["dataset"]["digest"],
                "outputs_digest": content["outputs_digest"],
                "fields": sorted({*columns} - {"id"}),
                "dtypes": {},
                "input_names": [],
                "late": {},
                "case_digests": [case["digest"] for case in cases],
                "mapping": {},
            }
        )
    return Spool.open(folder / FILE_NAME)


def _metric(
    key: str, described: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], plan: EvaluationPlan
) -> Metric:
    cells = [
        cell if isinstance(cell, dict) else {"value": cell}
        for case in cases
        for cell in (case["scores"][key] if plan.repeats > 1 else [case["scores"][key]])
    ]
    return metric_of(key, _column(cells, described), described, plan)


def _column(cells: Cells, described: Mapping[str, Any]) -> ScoreColumn:
    status = [_STATUS[cell.get("status", "ok")] for cell in cells]
    parts: dict[str, Any] = {
        "values": np.array([cell.get("value", np.nan) for cell in cells], dtype=np.float64),
        "status": np.array(status, dtype=np.int8),
        "labels": {row: cell["label"] for row, cell in enumerate(cells) if "label" in cell},
        "reasons": {row: cell["reason"] for row, cell in enumerate(cells) if "reason" in cell},
    }
    if any("weight" in cell for cell in cells):
        weights = [cell.get("weight", 1.0) for cell in cells]
        parts["weights"] = np.array(weights, dtype=np.float64)
    if described["statistics"] == "additive":
        vectors = [cell["statistics"] for cell in cells]
        parts["additive"] = np.array(vectors, dtype=np.float64)
    elif described["statistics"] == "rows":
        for name in cells[0]["statistics"]:
            parts[f"rows.{name}"] = _array([cell["statistics"][name] for cell in cells])
    return column_of(parts, binary=described["binary"])


def _array(values: list[Any]) -> Any:
    """Return a column of numbers, or of texts where one of them is no number."""
    if all(isinstance(value, (bool, int, float, list)) for value in values):
        return np.array(values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column

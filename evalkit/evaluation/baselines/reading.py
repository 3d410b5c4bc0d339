"""From the content of a baseline file to a result that others are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from evalkit._internal.canonical import canonical_json
from evalkit.data.snapshot import FORMAT as SNAPSHOT_FORMAT
from evalkit.data.snapshot import SnapshotWriter
from evalkit.data.spool import FILE_NAME, Spool
from evalkit.entities.estimate import Estimate
from evalkit.entities.score import Status
from evalkit.entities.target import TargetIdentity
from evalkit.evaluation.results.facts import Facts
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.loading import scorer_of
from evalkit.evaluation.results.plan import DatasetFacts, EvaluationPlan
from evalkit.evaluation.results.result import Result
from evalkit.scoring.column import Additive, Metric, Rows, ScoreColumn, Statistics
from evalkit.scoring.facts import MetricFacts
from evalkit.store.artifacts import WorkFolder

_STATUS: Final = {status.word: status for status in Status}

R = TypeVar("R", bound=Result)
Cells = Sequence[Mapping[str, Any]]


def baseline_result(content: Mapping[str, Any], kind: type[R]) -> R:
    """Return the *content* of a baseline file as a result; its texts are empty if it has none."""
    keep = WorkFolder.temporary()
    cases = content["cases"]
    has_texts = bool(cases) and "inputs" in cases[0]
    plan = EvaluationPlan(
        name=content["name"],
        target=TargetIdentity(kind="stored", name=content["name"]),
        model_id=content["model_id"],
        scorers=content["scorers"],
        signatures={m["scorer"]: m["signature"] for m in content["metrics"].values()},
        dataset=DatasetFacts(name=content["name"], **content["dataset"]),
        outputs_digest=content["outputs_digest"],
        repeats=content["repeats"],
        reducers=content["reducers"],
        level=content["level"],
        seed=content["seed"],
        scores_only=not has_texts,
    )
    specs = {spec["name"]: spec for spec in content["scorers"]}
    return kind(
        facts=Facts(
            run_id=content["run_id"],
            name=content["name"],
            status="complete",
            plan=plan,
            environment={},
            usage={},
            failures=_failures(cases, content["repeats"]),
        ),
        spool=_spool(content, keep.path),
        metrics=[
            _metric(key, described, cases, specs) for key, described in content["metrics"].items()
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
        for name in ("inputs", "expectations"):
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
                "mapping": {},
            }
        )
    return Spool.open(folder / FILE_NAME)


def _failures(cases: Sequence[Mapping[str, Any]], repeats: int) -> dict[int, tuple[str, str]]:
    """Say which cells' target failed, with reason and explanation."""
    return {
        row * repeats + int(repeat): (reason, text)
        for row, case in enumerate(cases)
        for repeat, (reason, text) in case.get("failed", {}).items()
    }


def _metric(
    key: str,
    described: Mapping[str, Any],
    cases: Sequence[Mapping[str, Any]],
    specs: Mapping[str, Mapping[str, Any]],
) -> Metric:
    cells = [
        cell if isinstance(cell, dict) else {"value": cell}
        for case in cases
        for cell in _listed(case["scores"][key])
    ]
    return Metric(
        key=key,
        scorer=described["scorer"],
        column=_column(cells, described),
        facts=MetricFacts(**described["facts"]),
        signature=described["signature"],
        source=scorer_of(specs[described["scorer"]]) if described["corpus"] else None,
    )


def _listed(cells: Any) -> list[Any]:
    return cells if isinstance(cells, list) else [cells]


def _column(cells: Cells, described: Mapping[str, Any]) -> ScoreColumn:
    values = np.array([cell.get("value", np.nan) for cell in cells], dtype=np.float64)
    status = np.array([_STATUS[cell.get("status", "ok")] for cell in cells], dtype=np.int8)
    column = ScoreColumn(values, status, binary=described["binary"])
    if any("weight" in cell for cell in cells):
        column.weights = np.array([cell.get("weight", 1.0) for cell in cells], dtype=np.float64)
    column.labels = {row: cell["label"] for row, cell in enumerate(cells) if "label" in cell}
    column.reasons = {row: cell["reason"] for row, cell in enumerate(cells) if "reason" in cell}
    column.statistics = _statistics(cells, described["statistics"])
    return column


def _statistics(cells: Cells, form: str | None) -> Statistics | None:
    if form is None:
        return None
    if form == "additive":
        return Additive(np.array([cell["statistics"] for cell in cells], dtype=np.float64))
    names = cells[0]["statistics"]
    return Rows({name: _array([cell["statistics"][name] for cell in cells]) for name in names})


def _array(values: list[Any]) -> Any:
    """Return a column of numbers, or of texts where one of them is no number."""
    if all(isinstance(value, (bool, int, float, list)) for value in values):
        return np.array(values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column

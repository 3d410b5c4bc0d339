"""Cells as frames: for people, and for the reports."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit.data.fields import RECORDED_FIELDS
from evalkit.entities.case import CASE_FIELDS
from evalkit.entities.score import Status
from evalkit.errors import UsageError
from evalkit.evaluation.results.columns import column_names
from evalkit.evaluation.results.outputs_file import read_outputs

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation.results.result import Result
    from evalkit.scoring.column import Metric

COLUMNS: Final = (
    "id",
    "repeat",
    "inputs",
    "outputs",
    "expectations",
    "tags",
    "group",
    "session",
    "latency_seconds",
    "cost",
    "target_status",
)
"""Columns that every table of cells has, before those of its metrics."""

_WORDS = np.array([status.word for status in Status], dtype=object)
_FROM_CASES = ("inputs", "outputs", "expectations", "tags", "group", "session")
_ANSWERED = (
    "outputs",
    "latency_seconds",
    "time_to_first_token",
    "usage",
    "cost",
    "retrieved_context",
    "tool_calls",
    "metadata",
)
_ROWS = 1024
_MADE_BY_CALLS = frozenset({"outputs", "latency_seconds", "cost"})
_FROM_CALLS = ("output", "latency_seconds", "cost", "status")


def cell_table(result: Result) -> pd.DataFrame:
    """Return a row for each case and repeat; the columns are named in `EvaluationResult.table`."""
    import pandas as pd

    repeats = result.repeats
    columns: dict[str, Any] = {
        "id": np.repeat(result.spool.strings("id"), repeats),
        "repeat": np.tile(np.arange(repeats), len(result)),
    }
    for name in _FROM_CASES:
        columns[name] = _repeated(result.spool.values(name), repeats)
    live = result.folder.outputs.is_file()
    columns |= _calls(result) if live else _stored(result)
    names = column_names([metric.key for metric in result.metrics])
    for metric in result.metrics:
        columns |= metric_columns(metric, names)
    return pd.DataFrame(columns)


def case_rows(result: Result, *, outputs: bool) -> Iterator[dict[str, Any]]:
    """Yield a mapping of case fields for each case, or for each repeat where outputs are wanted."""
    if outputs and result.facts.status != "complete":
        raise UsageError(
            f"{result.name!r} is not complete, so it is no data yet; finish it first: evalkit "
            f"resume {result.run_id or result.folder.path}"
        )
    calls = answers(result) if outputs else None
    stored = outputs and calls is None
    names = [
        name
        for name in (*CASE_FIELDS, *(RECORDED_FIELDS if stored else ()))
        if (name in result.spool.fields or name == "id") and (stored or name not in _MADE_BY_CALLS)
    ]
    for start in range(0, len(result), _ROWS):
        stop = min(start + _ROWS, len(result))
        batch = (result.spool.cells if stored else result.spool.batch)(start, stop)
        for row in range(len(batch)):
            fields = {name: batch.column(name)[row] for name in names}
            if calls is None:
                yield fields
                continue
            for repeat in range(result.repeats):
                yield fields | {"repeat": repeat} | _answer(next(calls))


def answers(result: Result) -> Iterator[Mapping[str, Any]] | None:
    """Give the fields of what a live target answered, cell by cell; ``None`` of stored outputs."""
    if not result.folder.outputs.is_file():
        return None
    return (
        {name: column[row] for name, column in batch.items()}
        for batch in read_outputs(result.folder.outputs)
        for row in range(len(batch["status"]))
    )


def _answer(call: Mapping[str, Any]) -> dict[str, Any]:
    answer = {name: call[name] for name in _ANSWERED if call.get(name) is not None}
    if call["status"] == "failed":
        return answer | {"error": f"{call['reason']}: {call['explanation']}"}
    return answer | {"outputs": call["output"]}


def _repeated(values: Any, repeats: int) -> Any:
    cells = np.empty(len(values), dtype=object)
    cells[:] = list(values)
    return cells if repeats == 1 else np.repeat(cells, repeats)


def _calls(result: Result) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {name: [] for name in _FROM_CALLS}
    for batch in read_outputs(result.folder.outputs):
        for name, cells in columns.items():
            cells.extend(batch[name])
    return {
        "outputs": _repeated(columns["output"], 1),
        "latency_seconds": np.array(columns["latency_seconds"], dtype=np.float64),
        "cost": np.array(columns["cost"], dtype=np.float64),
        "target_status": np.array(columns["status"], dtype=object),
    }


def _stored(result: Result) -> dict[str, Any]:
    """Return what came with the data, a cell a row."""
    each = result.repeats // result.spool.n_repeats
    cells = {
        name: _repeated(result.spool.cell_values(name), each)
        for name in ("outputs", "latency_seconds", "cost")
    }
    for name in ("latency_seconds", "cost"):
        cells[name] = cells[name].astype(np.float64)
    status = np.full(len(result) * result.repeats, "ok", dtype=object)
    status[list(result.facts.failures)] = "failed"
    return {**cells, "target_status": status}


def metric_columns(metric: Metric, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """Return value, status, and what else any cell of *metric* has, as columns."""
    column, key, n = metric.column, metric.key, len(metric.column)
    columns: dict[str, Any] = {key: column.values, names[key, "status"]: _WORDS[column.status]}
    spans = {cell: d["span_id"] for cell, d in column.metadata.items() if d.get("span_id")}
    sparse = {
        "label": column.labels,
        "reason": column.reasons,
        "explanation": column.explanations,
        **({"span_id": spans} if spans else {}),  # of judges that read traces
    }
    for part, cells in sparse.items():
        texts = np.full(n, None, dtype=object)
        for row, text in cells.items():
            texts[row] = text
        columns[names[key, part]] = texts
    return columns


def explanations_of(metric: Metric) -> Mapping[int, str]:
    """Return the explanation of each cell, after the name of the span that it speaks of, if any."""
    texts = metric.column.explanations
    named = {
        cell: f"[{details.get('span_name') or details['span_id']}] {texts[cell]}"
        for cell, details in metric.column.metadata.items()
        if details.get("span_id") and cell in texts
    }
    return {**texts, **named} if named else texts


def contexts_of(result: Result) -> list[Any]:
    """Return the passages of each case in its first repeat, ``None`` where there are none."""
    calls = answers(result)
    if calls is not None:
        return [
            call.get("retrieved_context")
            for call in itertools.islice(calls, 0, None, result.repeats)
        ]
    if "retrieved_context" not in result.spool.fields:
        return [None] * len(result)
    return list(result.spool.values("retrieved_context"))


def failed_cells(result: Result) -> Iterator[tuple[str, str | None, int, str, str | None]]:
    """Yield stage, metric, cell, reason and explanation of what failed.

    A cell whose target failed comes once, of the target, and not again of each scorer.
    """
    stopped = result.facts.failures
    for cell in sorted(stopped):
        yield "target", None, cell, *stopped[cell]
    for metric in result.metrics:
        column = metric.column
        for cell in np.flatnonzero(column.status == Status.FAILED).tolist():
            if cell not in stopped:
                reason = column.reasons.get(cell, "scorer_error")
                yield "scorer", metric.key, cell, reason, column.explanations.get(cell)


def failure_table(result: Result) -> pd.DataFrame:
    """Return the cells that failed as a frame, a row for each."""
    import pandas as pd

    ids, repeats = result.spool.strings("id"), result.repeats
    rows = [
        (ids[cell // repeats], cell % repeats, stage, scorer, *why)
        for stage, scorer, cell, *why in failed_cells(result)
    ]
    names = ["id", "repeat", "stage", "scorer", "reason", "explanation"]
    return pd.DataFrame(rows, columns=names)

"""The cells of a result as an HTML report embeds them: columns, compressed, in chunks.

The *index* has what sorting and filtering need of every cell: ids, outcomes, values, labels and
tags.  The *chunks* have the rest, the texts; a page unpacks them when it comes to them.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit._internal.canonical import canonical_json
from evalkit.evaluation.results.cells import answers, explanations_of
from evalkit.evaluation.results.view import failure_groups, tag_columns, worst_cells
from evalkit.report.texts import as_shown

if TYPE_CHECKING:
    import numpy.typing as npt

    from evalkit.data.snapshot import Spool
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.scoring.column import Metric

MOST_CASES: Final = 100_000
"""Cases in one page; of more, those that failed and the worst come first."""

LONGEST_TEXT: Final = 20_000
"""Characters of one text; what is beyond is counted, not shown."""

CHUNK: Final = 500
"""Cases in one chunk."""

_CASE_FIELDS: Final = (
    "inputs",
    "expectations",
    "retrieved_context",
    "tool_calls",
    "group",
    "session",
    "turn",
    "split",
    "must",
    "tags",
    "metadata",
)
_CALL_FIELDS: Final = {
    "output": "outputs",
    "latency_seconds": "latency_seconds",
    "cost": "cost",
    "retrieved_context": "retrieved_context",
    "tool_calls": "tool_calls",
    "usage": "usage",
    "metadata": "metadata",
}
_STORED_FIELDS: Final = ("outputs", "latency_seconds", "cost")


def chosen_rows(result: EvaluationResult, most: int = MOST_CASES) -> npt.NDArray[np.int64]:
    """Return the cases that a page shows, in order: all of them, or the *most* telling ones."""
    if len(result) <= most:
        return np.arange(len(result))
    repeats = result.repeats
    telling = [cell for group in failure_groups(result) for cell in group.cells][: most // 2]
    for metric in result.metrics:
        telling += worst_cells(metric, repeats)
    first = dict.fromkeys(cell // repeats for cell in telling)
    chosen = list(itertools.islice(itertools.chain(first, range(len(result))), most + len(first)))
    return np.array(sorted(list(dict.fromkeys(chosen))[:most]), dtype=np.int64)


def packed(value: Any) -> str:
    """Return *value* as JSON, compressed, in base64."""
    data = gzip.compress(canonical_json(value), compresslevel=6, mtime=0)
    return base64.b64encode(data).decode("ascii")


def packed_index(result: EvaluationResult, rows: npt.NDArray[np.int64]) -> str:
    """Return ids, outcomes, values, labels and tags of the cases *rows*, packed."""
    repeats = result.repeats
    cells = (rows[:, None] * repeats + np.arange(repeats)).ravel()
    stopped = result.facts.failures
    places = {cell: place for place, cell in enumerate(cells.tolist())}
    tags = tag_columns(result).items()
    return packed(
        {
            "ids": [as_shown(name) for name in result.spool.strings("id")[rows].tolist()],
            "repeats": repeats,
            "chunk": CHUNK,
            "stopped": sorted(places[cell] for cell in stopped if cell in places),
            "metrics": [_metric(metric, cells, places) for metric in result.metrics],
            "tags": {name: _coded([values[row] for row in rows]) for name, values in tags},
        }
    )


def _coded(values: Sequence[str | None]) -> dict[str, Any]:
    """Return texts as numbers into the list of different ones; -1 where there is none."""
    names = sorted({value for value in values if value is not None})
    codes: dict[str | None, int] = {name: code for code, name in enumerate(names)}
    return {"names": names, "codes": [codes.get(value, -1) for value in values]}


def _metric(
    metric: Metric, cells: npt.NDArray[np.int64], places: Mapping[int, int]
) -> dict[str, Any]:
    column = metric.column
    values = column.values[cells].tolist()
    sparse = {
        name: {str(places[c]): as_shown(text) for c, text in texts.items() if c in places}
        for name, texts in (("labels", column.labels), ("reasons", column.reasons))
    }
    return sparse | {
        "values": [None if math.isnan(v) else float(f"{v:.9g}") for v in values],
        "status": "".join(map(str, column.status[cells].tolist())),
    }


def packed_cells(result: EvaluationResult, rows: npt.NDArray[np.int64]) -> Iterator[str]:
    """Yield the texts of the cases *rows*, packed, a chunk at a time."""
    calls = answers(result)
    explained = [explanations_of(metric) for metric in result.metrics]
    wanted = set(rows.tolist()) if len(rows) < len(result) else None
    gathered: list[tuple[int, dict[str, Any], list[dict[str, Any]]]] = []
    for row, case in _cases(result.spool):
        live = None if calls is None else list(itertools.islice(calls, result.repeats))
        if wanted is not None and row not in wanted:
            continue
        if live is None:
            stored = {name: value for name, value in case.items() if name in _STORED_FIELDS}
            given = [stored] * result.repeats
        else:
            given = [{f: call[n] for n, f in _CALL_FIELDS.items() if n in call} for call in live]
        gathered.append((row, case, given))
        if len(gathered) == CHUNK:
            yield packed(_chunk(result, gathered, explained))
            gathered.clear()
    if gathered:
        yield packed(_chunk(result, gathered, explained))


def _cases(spool: Spool) -> Iterator[tuple[int, dict[str, Any]]]:
    names = [name for name in (*_CASE_FIELDS, *_STORED_FIELDS) if name in spool.fields]
    row = 0
    for batch in spool.batches(1024):
        columns = [batch.column(name) for name in names]
        for values in zip(*columns, strict=True) if names else ([()] * len(batch)):
            yield row, dict(zip(names, values, strict=True))
            row += 1


def _chunk(
    result: EvaluationResult,
    gathered: Sequence[tuple[int, Mapping[str, Any], Sequence[Mapping[str, Any]]]],
    explained: Sequence[Mapping[int, str]],
) -> dict[str, Any]:
    """Return the cases and answers of a chunk as columns, and explanations by place in it."""
    repeats = result.repeats
    cells = [row * repeats + repeat for row, _, _ in gathered for repeat in range(repeats)]
    given = [answer for _, _, of_case in gathered for answer in of_case]
    own = [{k: v for k, v in case.items() if k not in _STORED_FIELDS} for _, case, _ in gathered]
    stopped = result.facts.failures
    return {
        "cases": _columns(own),
        "answers": _columns(given),
        "explanations": [
            {str(place): cut(texts[cell]) for place, cell in enumerate(cells) if cell in texts}
            for texts in explained
        ],
        "stopped": {
            str(place): [cut(text or "") for text in stopped[cell]]
            for place, cell in enumerate(cells)
            if cell in stopped
        },
    }


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return *rows* as columns; one without any content is left out."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [cut(row.get(name)) for row in rows] for name in names}
    empty: tuple[Any, ...] = (None, {}, [])
    return {n: column for n, column in columns.items() if any(v not in empty for v in column)}


def cut(value: Any) -> Any:
    """Return *value* with its long texts cut, saying how much is missing.

    Examples:
        >>> cut({"a": "x" * 20_005})["a"][-22:]
        'x… (5 characters more)'
    """
    if isinstance(value, str):
        beyond = len(value) - LONGEST_TEXT
        return value if beyond <= 0 else f"{value[:LONGEST_TEXT]}… ({beyond:,} characters more)"
    if isinstance(value, Mapping):
        return {str(key): cut(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [cut(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return cut(as_shown(value))

"""The scores of an evaluation as assessments of the traces, and spans, that they speak of."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.data.traces import trace_if_any
from evalkit.entities.assessment import Assessment, AssessmentError, AssessmentSource
from evalkit.entities.score import Status
from evalkit.entities.trace import Trace
from evalkit.errors import TraceError, UsageError
from evalkit.evaluation.results.cells import answers
from evalkit.scoring.reading import follow

if TYPE_CHECKING:
    from evalkit.evaluation.results.result import Result
    from evalkit.scoring.column import Metric
    from evalkit.store import Store

BATCH: Final = 5000
"""Assessments in one transaction."""

_log = logging.getLogger("evalkit")

_ROWS: Final = 1024
_SOURCE: Final = 250
_LEFT_OUT: Final = frozenset({"span_id", "span_name", "raw"})


def assessments_of(result: Result) -> Iterator[Assessment]:
    """Yield a feedback for each cell that was scored or failed, metric by metric.

    Ids follow from run, case, repeat and metric, so that what is logged twice is there once.
    """
    places = list(_trace_ids(result))
    sources = _sources(result)
    created = result.facts.plan.created
    for metric in result.metrics:
        source = sources.get(metric.scorer, AssessmentSource("CODE", metric.scorer))
        for cell in range(len(metric.column)):
            fields = _fields(metric, cell)
            if fields is None:
                continue
            case_id, repeat = str(result.case_ids[cell // result.repeats]), cell % result.repeats
            fields["metadata"] = {"case_id": case_id, "repeat": repeat, **fields["metadata"]}
            key = [result.run_id or created, case_id, repeat, metric.key]
            yield Assessment(
                source=source,
                trace_id=places[cell],
                run_id=result.run_id,
                assessment_id=f"a-{content_hash(canonical_json(key))}",
                create_time=created,
                **fields,
            )


def _fields(metric: Metric, cell: int) -> dict[str, Any] | None:
    """Return the fields of the assessment that one cell makes; ``None`` where it says nothing."""
    column, status = metric.column, metric.column.status[cell]
    details: Mapping[str, Any] = column.metadata.get(cell, {})
    metadata = {name: value for name, value in details.items() if name not in _LEFT_OUT}
    explanation = column.explanations.get(cell)
    fields: dict[str, Any] = {"name": metric.key, "span_id": details.get("span_id")}
    fields |= {"rationale": explanation, "metadata": metadata}
    if status == Status.FAILED:
        reason = column.reasons.get(cell) or "scorer_error"
        return fields | {"error": AssessmentError(reason, explanation)}
    label, number = column.labels.get(cell), float(column.values[cell])
    value = None if math.isnan(number) else bool(number) if column.binary else number
    if status != Status.OK or (label is None and value is None):
        return None  # such as the cell of a corpus metric
    if label is None and not math.isfinite(number):
        message = f"the score is {number}, which is no finite number"
        return fields | {"error": AssessmentError("not_finite", message)}
    if label is None:
        return fields | {"value": value}
    if value is not None and label.replace(".", "", 1).lstrip("-").isdecimal():
        return fields | {"value": value, "metadata": {**metadata, "label": label}}
    worth = {"value": value} if math.isfinite(number) else {}
    return fields | {"value": label, "metadata": {**metadata, **worth}}


def _sources(result: Result) -> dict[str, AssessmentSource]:
    """Return who says it, by scorer: of judges their model, of others their own name."""
    judges = result.facts.plan.judge_models.items()
    return {
        name: AssessmentSource("LLM_JUDGE", ", ".join(models)[:_SOURCE]) for name, models in judges
    }


def _trace_ids(result: Result) -> Iterator[str | None]:
    """Yield the id of each cell's trace, ``None`` where it has none that can be read."""
    late = result.spool.late.get("trace")
    calls = None if late is None else answers(result)
    if late is not None and calls is not None:
        yield from (_id_of(follow(call["output"], late)) for call in calls)
        return
    each = result.repeats // result.spool.n_repeats
    for start in range(0, len(result), _ROWS):
        stop = min(start + _ROWS, len(result))
        for trace in result.spool.cells(start, stop).column("trace"):
            yield from [_id_of(trace)] * each


def _id_of(value: Any) -> str | None:
    try:
        trace = trace_if_any(value)
    except TraceError:
        return None
    return trace.trace_id if isinstance(trace, Trace) else None


def log_assessments(result: Result, store: Store) -> None:
    """Write the assessments of *result* to *store*, if its cases have traces.

    What the store refuses, such as one of a trace whose id is too long, is left out with a warning:
    by now the scores are paid for.
    """
    if "trace" not in result.spool.fields and "trace" not in result.spool.late:
        return
    of_traces = (each for each in assessments_of(result) if each.trace_id is not None)
    refused: list[tuple[Assessment, UsageError]] = []
    while batch := list(islice(of_traces, BATCH)):
        refused += _kept_apart(batch, store)
    if refused:
        first, error = refused[0]
        _log.warning(
            "Not logged as assessments of their traces: %d scores, such as one of %r: %s",
            len(refused),
            first.name,
            error,
        )


def _kept_apart(batch: Sequence[Assessment], store: Store) -> list[tuple[Assessment, UsageError]]:
    """Write *batch*, in halves where one is refused, and return those that are refused."""
    try:
        store.assessments.log(batch)
    except UsageError as error:
        if len(batch) == 1:
            return [(batch[0], error)]
        half = len(batch) // 2
        return [*_kept_apart(batch[:half], store), *_kept_apart(batch[half:], store)]
    return []

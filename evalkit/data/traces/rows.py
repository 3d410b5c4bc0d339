"""Traces as cases: what went in and came out, and what happened on the way."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, cast

from evalkit.data.traces.reading import Exports, export_of, is_trace, read_traces
from evalkit.data.traces.values import (
    cost_of,
    list_of,
    mapping_of,
    price_of,
    structured,
    usage_of,
    usage_stated,
)
from evalkit.entities.dataset import Chunk
from evalkit.entities.trace import NANOSECONDS, Span, Trace
from evalkit.errors import DataError, TraceError
from evalkit.llm.prices import Prices
from evalkit.scoring.reading import message_text, passage_text

_MODELS: Final = ("LLM", "CHAT_MODEL", "EMBEDDING")
_SEARCHED: Final = frozenset({"trace", "trace_id", "trace_metadata", "spans"})
"""Columns of the frame that MLflow's ``search_traces`` returns, among others."""

_PARTS: Final = ("TOOL", "RETRIEVER", "EMBEDDING", "RERANKER")
"""Spans that answer no one but the span that they lack, where a trace was cut off."""

_ROWS: Final = 1024
_IDS: Final = ("id", "doc_id", "document_id", "doc_uri", "chunk_id")
"""Keys of a passage, or of its metadata, that name it."""


def with_joined_exports(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield *chunks*, those of OTLP exports at the end and as whole traces.

    A trace may be spread over all of them; it stands where its first span was.

    Raises:
        DataError: If a span cannot be read.
    """
    exports, places, at = Exports(), list[tuple[str | None, int]](), Counter[Any]()
    for chunk in chunks:
        first = at[chunk.file] + 1
        at[chunk.file] += len(chunk.rows)
        if not chunk.rows or not is_trace(chunk.rows[0]):
            yield chunk
            continue
        others: list[Any] = []
        numbers = chunk.lines if chunk.lines is not None else range(first, first + len(chunk.rows))
        for line, row in zip(numbers, chunk.rows, strict=True):
            export = export_of(row)
            if export is None:
                others.append((line, row))
                continue
            try:
                exports.add(export)
            except TraceError as error:
                raise DataError(error.problem, file=chunk.file, line=line) from error
            places += [(chunk.file, line)] * (len(exports) - len(places))
        if others:
            lines, rows = map(list, zip(*others, strict=True))
            yield Chunk(rows=rows, file=chunk.file, lines=lines, dtypes=chunk.dtypes)
    traces = cast("Sequence[Any]", exports.traces())
    for file, group in groupby(range(len(traces)), key=lambda trace: places[trace][0]):
        of_file = list(group)
        for start in range(0, len(of_file), _ROWS):
            part = of_file[start : start + _ROWS]
            at_lines = [places[trace][1] for trace in part]
            yield Chunk(rows=[traces[trace] for trace in part], file=file, lines=at_lines)


def traced(chunk: Chunk, first_line: int, prices: Prices | None = None) -> Chunk:
    """Return *chunk* with its traces as rows of cases; one without traces stays as it is.

    Args:
        chunk: Rows as they were read.
        first_line: Number of the first row, where the chunk does not number its rows.
        prices: What tokens cost where a trace does not say; those of the installed litellm by
            default.

    Raises:
        DataError: If a trace is broken, or stands among rows of another kind.
    """
    rows: Sequence[Any] = chunk.rows
    if rows and isinstance(rows[0], dict) and rows[0].keys() >= _SEARCHED:
        rows = [row["trace"] for row in rows]  # what else such a row has, the trace has too
    if rows and _is_console_span(rows[0]):
        problem = "this is a span as OpenTelemetry's SDK prints it (ReadableSpan.to_json)"
        raise DataError(
            f"{problem}; export OTLP JSON instead, as the Collector's file exporter writes it",
            file=chunk.file,
            line=first_line if chunk.lines is None else chunk.lines[0],
        )
    if not rows or not is_trace(rows[0]):
        return chunk
    made: list[Mapping[str, Any]] = []
    lines: list[int] = []
    numbers = chunk.lines if chunk.lines is not None else range(first_line, first_line + len(rows))
    for line, row in zip(numbers, rows, strict=True):
        try:
            cases = [trace_row(trace, prices) for trace in read_traces(row)]
        except TraceError as error:
            raise DataError(error.problem, file=chunk.file, line=line) from error
        made += cases
        lines += [line] * len(cases)
    return Chunk(rows=made, file=chunk.file, lines=lines)


def _is_console_span(row: Any) -> bool:
    context = mapping_of(mapping_of(row).get("context"))
    return {"trace_id", "span_id"} <= context.keys() and "parent_id" in row


def trace_row(trace: Trace, prices: Prices | None = None) -> dict[str, Any]:
    """Return the fields of a case that *trace* fills.

    Inputs and outputs are those of the root span; retrieved context comes from spans of type
    ``RETRIEVER``, tool calls from those of type ``TOOL``; tokens and prices are summed over spans
    of models that contain no other such span.

    Examples:
        >>> root = Span(trace_id="t", span_id="a", name="agent", inputs={"q": "1+1"}, outputs="2")
        >>> row = trace_row(Trace(trace_id="t", spans=(root,)))
        >>> row["inputs"], row["outputs"]
        ({'q': '1+1'}, '2')
    """
    root = trace.root
    if root is not None and root.parent_id is not None and root.span_type in _PARTS:
        root = dataclasses.replace(
            root, outputs=None, status="ERROR", status_message="The span of the answer is missing."
        )
    row: dict[str, Any] = {
        "inputs": {} if root is None else _inputs(root.inputs),
        "outputs": None if root is None else _sole_text(root.outputs),
        "expectations": {s.name: s.value for s in trace.assessments if s.kind == "expectation"},
        "retrieved_context": _contexts(trace) or None,
        "tool_calls": [_tool_call(span) for span in trace.of_type("TOOL")] or None,
        "tags": {k: v for k, v in trace.tags.items() if not k.startswith("mlflow.")},
        "labels": {
            s.name: s.value
            for s in trace.assessments
            if s.kind == "feedback" and s.source.source_type == "HUMAN" and s.error is None
        },
        "error": _error(root),
        "latency_seconds": trace.duration_seconds,
        "trace": trace,
        **_spent(trace, prices or Prices()),
    }
    if trace.session is not None:
        row["session"] = trace.session
        if trace.start_ns is not None:  # traces come in any order; turns go by time
            row["turn"] = trace.start_ns * 1000 // NANOSECONDS
    return {k: value for k, value in row.items() if value not in (None, {}) or k == "inputs"}


def _error(root: Span | None) -> str | None:
    """Return what a trace ended with instead of an answer, as its root says."""
    if root is None or root.status != "ERROR":
        return None
    return root.status_message or f"The span {root.name!r} ended in an error."


def _inputs(given: Any) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return mapping_of(given)
    if isinstance(given, list) and all("role" in mapping_of(one) for one in list_of(given)):
        return {"messages": given}
    return {} if given is None else {"input": given}


def _sole_text(given: Any) -> Any:
    """Return the text of an answer that is one message of text, and any other as it is."""
    if isinstance(given, list) and len(given) == 1 and not mapping_of(given[0]).get("tool_calls"):
        text = message_text(given)
        return given if text is None else text
    return given


def _contexts(trace: Trace) -> list[Any]:
    """Return the passages: texts, beside their ids where they have any."""
    passages: list[Any] = []
    for span in trace.of_type("RETRIEVER"):
        given = span.outputs
        if isinstance(given, Mapping):
            fields = mapping_of(given)
            given = next((fields[k] for k in ("documents", "results") if k in fields), given)
        for item in list_of(given) if isinstance(given, (list, tuple)) else [given]:
            held = mapping_of(item)
            text = passage_text(item)
            text = item if text is None else text
            details = mapping_of(structured(held.get("metadata")))
            ids = (place[key] for place in (held, details) for key in _IDS if place.get(key))
            name = next(ids, None)
            if text is not None:
                passages.append(text if name is None else {"id": name, "content": text})
    return passages


def _tool_call(span: Span) -> dict[str, Any]:
    name = span.attributes.get("gen_ai.tool.name") or span.attributes.get("tool.name") or span.name
    call: dict[str, Any] = {"name": str(name), "arguments": mapping_of(structured(span.inputs))}
    if not isinstance(structured(span.inputs), Mapping) and span.inputs is not None:
        call["arguments"] = {"input": span.inputs}
    if span.outputs is not None:
        call["result"] = span.outputs
    if span.status == "ERROR":
        call["error"] = span.status_message or "it failed"
    return call


def _spent(trace: Trace, prices: Prices) -> dict[str, Any]:
    """Return tokens and price: sums over the innermost spans of models, else what the trace says.

    A span of an agent often repeats what its parts took; adding it would count twice.
    """
    outer = _holding_models(trace)
    counted = [span for span in trace.of_type(*_MODELS) if span.span_id not in outer]
    usages = [usage_of(span) for span in counted]
    usage = Counter[str]()
    for tokens in usages:
        usage.update(tokens or {})
    costs = [cost_of(span) for span in counted]
    total = mapping_of(structured(trace.metadata.get("mlflow.trace.cost"))).get("total_cost")
    if None in costs and not isinstance(total, (int, float)):
        costs = [
            price_of(span, tokens, prices) if cost is None else cost
            for span, tokens, cost in zip(counted, usages, costs, strict=True)
        ]
    # A sum over some of the calls is no price of all of them.
    stated = [cost for cost in costs if cost is not None]
    cost = sum(stated) if stated and len(stated) == len(costs) else total
    whole = mapping_of(structured(trace.metadata.get("mlflow.trace.tokenUsage")))
    return {
        "usage": dict(usage) or usage_stated(whole),
        "cost": float(cost) if isinstance(cost, (int, float)) else None,
    }


def _holding_models(trace: Trace) -> set[str]:
    """Return the ids of spans with a span of a model somewhere in them, in one pass."""
    holding: set[str] = set()
    for span in reversed(trace.spans):  # parts come before what they are parts of
        held = span.span_type in _MODELS or span.span_id in holding
        if held and span.parent_id is not None:
            holding.add(span.parent_id)
    return holding

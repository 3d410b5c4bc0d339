"""Traces in OTLP's JSON: resources, scopes and spans, of any number of traces together.

References:
    OpenTelemetry, *OTLP Specification*, JSON Protobuf Encoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalkit.data.traces.attributes import session_of, translated
from evalkit.data.traces.mlflow import events_of, status_of
from evalkit.data.traces.values import attributes_of, hex_id, list_of, mapping_of, parsed, whole
from evalkit.entities.trace import Span, Trace
from evalkit.errors import TraceError

_REQUEST_ID = "mlflow.traceRequestId"


def read_otlp(found: Mapping[str, Any]) -> list[Trace]:
    """Return the traces of an export, in the order of their first spans.

    A span that comes twice counts once, as it came last: exporters send again what they are not
    sure of.

    Raises:
        TraceError: If a span cannot be read.
    """
    spans: dict[str, dict[str, Span]] = {}
    resources: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    for resource, raw in _spans(found):
        trace_id = hex_id(raw.get("traceId", raw.get("trace_id")))
        span_id = hex_id(raw.get("spanId", raw.get("span_id")))
        if trace_id is None or span_id is None:
            raise TraceError(f"span {raw.get('name')!r:.60} has no traceId or no spanId")
        attributes = attributes_of(raw.get("attributes"))
        if _REQUEST_ID in attributes:
            names[trace_id] = str(parsed(attributes[_REQUEST_ID]))
        resources.setdefault(trace_id, {}).update(resource)
        spans.setdefault(trace_id, {})[span_id] = _span(raw, trace_id, span_id, attributes)
    return [
        _trace(names.get(trace_id, trace_id), list(held.values()), resources[trace_id])
        for trace_id, held in spans.items()
    ]


def _spans(found: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    for one in list_of(found.get("resourceSpans", found.get("resource_spans"))):
        group = mapping_of(one)
        resource = attributes_of(mapping_of(group.get("resource")).get("attributes"))
        for scope in list_of(group.get("scopeSpans", group.get("scope_spans"))):
            for raw in list_of(mapping_of(scope).get("spans")):
                yield resource, mapping_of(raw)


def _span(
    raw: Mapping[str, Any], trace_id: str, span_id: str, attributes: Mapping[str, Any]
) -> Span:
    status, message = status_of(raw.get("status"))
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=hex_id(raw.get("parentSpanId", raw.get("parent_span_id"))),
        name=str(raw.get("name") or ""),
        status=status,
        status_message=message,
        start_ns=whole(raw.get("startTimeUnixNano", raw.get("start_time_unix_nano"))) or None,
        end_ns=whole(raw.get("endTimeUnixNano", raw.get("end_time_unix_nano"))) or None,
        events=events_of(raw.get("events")),
        **translated(attributes),
    )


def _trace(name: str, spans: list[Span], resource: Mapping[str, Any]) -> Trace:
    return Trace(
        trace_id=name,
        spans=tuple(spans),
        session=session_of(*(span.attributes for span in spans), resource),
        metadata=dict(resource),
    )

"""Traces of MLflow 3: what `Trace.to_json` writes, and what its REST interface answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from evalkit.data.traces.values import (
    attributes_of,
    hex_id,
    list_of,
    mapping_of,
    milliseconds,
    parsed,
    session_of,
    structured,
    text_or_none,
    translated,
    unquoted,
    whole,
)
from evalkit.entities.assessment import (
    Assessment,
    AssessmentError,
    AssessmentKind,
    AssessmentSource,
)
from evalkit.entities.trace import Span, SpanEvent, SpanStatus, Trace
from evalkit.errors import TraceError, UsageError

_STATES: Final = {"OK": "OK", "ERROR": "ERROR", "IN_PROGRESS": "UNSET"}

_OLDER: Final = {"AI_JUDGE": "LLM_JUDGE"}
_RUN: Final = "mlflow.assessment.sourceRunId"


def is_mlflow_trace(value: Mapping[str, Any]) -> bool:
    """Say whether a mapping has the keys of a trace of MLflow."""
    info = value.get("trace_info", value.get("info"))
    if not isinstance(info, Mapping):
        return False
    fields = mapping_of(info)
    if not ({"trace_id", "request_id"} & fields.keys()):
        return False
    return isinstance(value.get("spans"), list) or isinstance(value.get("data"), Mapping)


def read_mlflow_trace(value: Mapping[str, Any]) -> Trace:
    """Return the trace in MLflow's JSON.

    Raises:
        TraceError: If a span cannot be read.
    """
    info = mapping_of(value.get("trace_info", value.get("info")))
    trace_id = str(info.get("trace_id") or info.get("request_id"))
    metadata = mapping_of(info.get("trace_metadata", info.get("request_metadata")))
    tags = mapping_of(info.get("tags"))
    listed = value.get("spans", mapping_of(value.get("data")).get("spans"))
    spans = tuple(_span(mapping_of(one), trace_id) for one in list_of(listed))
    state = _STATES.get(str(info.get("state", info.get("status"))))
    return Trace(
        trace_id=trace_id,
        spans=spans,
        state=cast("SpanStatus | None", state),
        session=session_of(metadata, tags, *(span.attributes for span in spans)),
        metadata={key: structured(value) for key, value in metadata.items()},
        tags=dict(tags),
        assessments=assessments_of(info.get("assessments"), trace_id),
    )


def _span(fields: Mapping[str, Any], trace_id: str) -> Span:
    span_id = hex_id(fields.get("span_id") or mapping_of(fields.get("context")).get("span_id"))
    if span_id is None:
        raise TraceError(f"a span of trace {trace_id!r} has no span_id")
    raw = fields.get("attributes")
    attributes = attributes_of(raw)
    if isinstance(raw, Mapping):  # MLflow writes each value as a text of JSON there
        attributes = {key: parsed(value) for key, value in attributes.items()}
    else:
        attributes = unquoted(attributes)
    status, message = status_of(fields.get("status", fields.get("status_code")))
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=hex_id(fields.get("parent_span_id") or fields.get("parent_id")),
        name=str(fields.get("name") or ""),
        status=status,
        status_message=message or text_or_none(fields.get("status_message")),
        start_ns=whole(fields.get("start_time_unix_nano", fields.get("start_time"))),
        end_ns=whole(fields.get("end_time_unix_nano", fields.get("end_time"))),
        events=events_of(fields.get("events")),
        **translated(attributes),
    )


def status_of(written: Any) -> tuple[SpanStatus, str | None]:
    """Return status and message of a span, from a mapping, a word or OpenTelemetry's number.

    Examples:
        >>> status_of({"code": 2, "message": "no such city"}), status_of("STATUS_CODE_OK")
        (('ERROR', 'no such city'), ('OK', None))
    """
    given = mapping_of(written)
    code = str(given.get("code", "") if given else written).rpartition("STATUS_CODE_")[2].upper()
    message = text_or_none(given.get("message"))
    if code in {"ERROR", "2"}:
        return "ERROR", message
    return ("OK" if code in {"OK", "1"} else "UNSET"), message


def events_of(listed: Any) -> tuple[SpanEvent, ...]:
    """Return the events of a span, whose keys may be in camel or snake case."""
    events = [mapping_of(one) for one in list_of(listed)]
    return tuple(
        SpanEvent(
            name=str(event.get("name") or ""),
            time_ns=whole(
                event.get(
                    "time_unix_nano",
                    event.get("timeUnixNano", event.get("time_ns", event.get("timestamp"))),
                )
            ),
            attributes=attributes_of(event.get("attributes")),
        )
        for event in events
    )


def assessment_of(written: Mapping[str, Any], trace_id: str | None = None) -> Assessment:
    """Return the assessment that a mapping describes.

    Raises:
        TraceError: If it is none.
    """
    source = mapping_of(written.get("source"))
    source_type = str(source.get("source_type", "CODE"))
    feedback, expectation = written.get("feedback"), written.get("expectation")
    kind, value, error = str(written.get("kind", "feedback")), written.get("value"), None
    if feedback is not None:
        kind, value = "feedback", mapping_of(feedback).get("value")
    elif expectation is not None:
        held = mapping_of(expectation)
        serialized = mapping_of(held.get("serialized_value")).get("value")
        kind, value = "expectation", held.get("value", parsed(serialized))
    error = mapping_of(written.get("error") or mapping_of(feedback).get("error"))
    metadata = mapping_of(written.get("metadata"))
    code = text_or_none(error.get("error_code"))
    try:
        return Assessment(
            name=str(written.get("assessment_name") or written.get("name") or ""),
            kind=cast("AssessmentKind", kind),
            source=AssessmentSource(
                cast("Any", _OLDER.get(source_type, source_type)),
                str(source.get("source_id") or "default"),
            ),
            value=value if code is None else None,
            error=None
            if code is None
            else AssessmentError(code, text_or_none(error.get("error_message"))),
            rationale=text_or_none(written.get("rationale")),
            metadata=dict(metadata),
            trace_id=text_or_none(written.get("trace_id")) or trace_id,
            span_id=hex_id(written.get("span_id")),
            run_id=text_or_none(written.get("run_id") or metadata.get(_RUN)),
            assessment_id=text_or_none(written.get("assessment_id")),
            create_time=milliseconds(written.get("create_time")),
        )
    except UsageError as wrong:
        raise TraceError(f"an assessment cannot be read: {wrong}") from wrong


def assessments_of(listed: Any, trace_id: str) -> tuple[Assessment, ...]:
    """Return the valid assessments of a list; one that was overridden is left out."""
    return tuple(
        assessment_of(mapping_of(one), trace_id)
        for one in list_of(listed)
        if mapping_of(one).get("valid", True) is not False and "issue" not in mapping_of(one)
    )

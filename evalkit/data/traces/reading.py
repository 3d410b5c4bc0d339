"""Reading a trace, whoever wrote it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

from evalkit._internal.canonical import canonical_json, content_hash, parse_json
from evalkit.data.traces.mlflow import (
    assessments_of,
    events_of,
    is_mlflow_trace,
    read_mlflow_trace,
    status_of,
)
from evalkit.data.traces.values import (
    attributes_of,
    hex_id,
    list_of,
    mapping_of,
    session_of,
    text_or_none,
    translated,
    unquoted,
    whole,
)
from evalkit.entities.trace import FORMAT_KEY, TRACE_FORMAT, Span, Trace
from evalkit.errors import TraceError

_OTLP: Final = ("resourceSpans", "resource_spans")
_WRAPPED: Final = 64
"""Most mappings around a trace."""

_REQUEST_ID = "mlflow.traceRequestId"


def is_trace(value: Any) -> bool:
    """Say whether *value* is a trace: ours, MLflow's object, or JSON of a form that is known.

    Examples:
        >>> is_trace({"resourceSpans": []}), is_trace({"question": "Why?"})
        (True, False)
    """
    value = _unwrapped(value)
    if isinstance(value, Trace) or _is_mlflow_object(value):
        return True
    if not isinstance(value, Mapping):
        return False
    fields = cast("Mapping[str, Any]", value)
    if FORMAT_KEY in fields or any(key in fields for key in _OTLP) or is_mlflow_trace(fields):
        return True
    spans = list_of(fields.get("spans"))
    return bool(spans) and all({"span_id", "name"} <= mapping_of(one).keys() for one in spans)


def _unwrapped(value: Any) -> Any:
    """Return what stands in any number of ``{"trace": …}``, within reason, and in texts of JSON."""
    for _ in range(_WRAPPED):
        if isinstance(value, str) and value.lstrip()[:1] == "{":
            try:
                value = parse_json(value)
            except ValueError:
                return value
        if not isinstance(value, Mapping) or set(cast("Mapping[str, Any]", value)) != {"trace"}:
            break
        value = cast("Mapping[str, Any]", value)["trace"]
    return value


def _is_mlflow_object(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "Trace" and kind.__module__.startswith("mlflow.")


def read_traces(value: Any) -> list[Trace]:
    """Return every trace in *value*; an export of OpenTelemetry may hold several.

    Raises:
        TraceError: If it is no trace, or a broken one.
    """
    with _trace_errors():
        return _read(value)


@contextmanager
def _trace_errors() -> Generator[None]:
    try:
        yield
    except TraceError:
        raise
    except RecursionError as error:
        raise TraceError("a value of this trace is nested too deeply") from error
    except (ValueError, TypeError, OverflowError) as error:
        # One door: whatever somebody wrote into a trace spoils that trace, and nothing else.
        raise TraceError(f"this trace cannot be read: {error}") from error


def _read(value: Any) -> list[Trace]:
    if isinstance(value, (str, bytes)):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise TraceError(f"this text is no JSON of a trace: {error}") from error
    value = _unwrapped(value)
    if isinstance(value, Trace):
        return [value]
    if _is_mlflow_object(value):
        value = value.to_dict()
    if not is_trace(value):
        raise TraceError(
            f"{_described(value)} is no trace; a trace is evalkit's, MLflow's (info and spans) or "
            "OpenTelemetry's (resourceSpans)"
        )
    fields = cast("Mapping[str, Any]", value)
    if any(key in fields for key in _OTLP):
        return read_otlp(fields)
    return [read_mlflow_trace(fields) if is_mlflow_trace(fields) else _own(fields)]


def read_trace(value: Any) -> Trace:
    """Return the trace in *value*: an object, a mapping of JSON, or a text of it.

    Raises:
        TraceError: If it is no trace, a broken one, or several.

    Examples:
        >>> trace = read_trace({"spans": [{"span_id": "a", "name": "agent", "span_type": "AGENT"}]})
        >>> trace.root.name, read_trace(trace.to_json()) == trace
        ('agent', True)
    """
    traces = read_traces(value)
    if len(traces) != 1:
        raise TraceError(f"there are {len(traces)} traces where one is needed")
    return traces[0]


def trace_if_any(value: Any) -> Any:
    """Return the trace in *value* where there is one, and any other value as it is.

    Raises:
        TraceError: If it is a broken trace.
    """
    return read_trace(value) if is_trace(value) else value


def _described(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"a value of type {type(value).__name__}"
    keys = ", ".join(str(key) for key in list(cast("Mapping[str, Any]", value))[:6])
    return f"a mapping with the keys {keys or '(none)'}"


def _own(fields: Mapping[str, Any]) -> Trace:
    """Return the trace in our own JSON, or in a mapping that somebody wrote by hand."""
    version = fields.get(FORMAT_KEY, TRACE_FORMAT)
    if not isinstance(version, int) or version > TRACE_FORMAT:
        raise TraceError("a newer evalkit wrote this trace; upgrade evalkit")
    trace_id = str(fields.get("trace_id") or "tr-" + content_hash(canonical_json(fields)))
    ours = FORMAT_KEY in fields
    spans = tuple(
        _own_span(mapping_of(one), trace_id, ours=ours) for one in list_of(fields.get("spans"))
    )
    metadata = mapping_of(fields.get("metadata"))
    attributes = (span.attributes for span in spans)
    state = fields.get("state")
    return Trace(
        trace_id=trace_id,
        spans=spans,
        state=None if state is None else status_of(state)[0],
        session=text_or_none(fields.get("session")) or session_of(metadata, *attributes),
        metadata=dict(metadata),
        tags=dict(mapping_of(fields.get("tags"))),
        assessments=assessments_of(fields.get("assessments"), trace_id),
        notes=tuple(str(note) for note in list_of(fields.get("notes"))),
    )


def _own_span(fields: Mapping[str, Any], trace_id: str, *, ours: bool) -> Span:
    span_id, parent_id = _own_id(fields.get("span_id")), _own_id(fields.get("parent_id"))
    if span_id is None:
        raise TraceError(f"a span of trace {trace_id!r} has no span_id")
    status, message = status_of(fields.get("status"))
    given = mapping_of(fields.get("attributes"))
    # What we have written ourselves has been translated before.
    means: dict[str, Any] = {"attributes": dict(given)} if ours else translated(unquoted(given))
    for name in ("inputs", "outputs"):
        if fields.get(name) is not None:
            means[name] = fields[name]
    if fields.get("span_type") or fields.get("type"):
        means["span_type"] = str(fields.get("span_type") or fields.get("type")).upper()
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        name=str(fields.get("name") or ""),
        status=status,
        status_message=message or text_or_none(fields.get("status_message")),
        start_ns=whole(fields.get("start_ns")),
        end_ns=whole(fields.get("end_ns")),
        events=events_of(fields.get("events")),
        **means,
    )


def _own_id(value: Any) -> str | None:
    """Return the id of a span, which may be a number where the trace was written by hand."""
    return None if value is None or value == "" else str(value)


class Exports:
    """The spans of any number of OTLP exports, joined by trace id.

    OTLP has no boundaries of traces: children end, and leave, before their parents, so that a trace
    is spread over lines, files and batches.  A span that comes twice counts once, as it came last:
    exporters send again what they are not sure of.
    """

    def __init__(self) -> None:
        """Start without spans."""
        self._spans: dict[str, dict[str, Span]] = {}
        self._resources: dict[str, dict[str, Any]] = {}
        self._names: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, export: Mapping[str, Any]) -> None:
        """Add the spans of one export.

        Raises:
            TraceError: If a span cannot be read.
        """
        with _trace_errors():
            self._add(export)

    def _add(self, export: Mapping[str, Any]) -> None:
        for resource, raw in _spans(export):
            trace_id = hex_id(raw.get("traceId", raw.get("trace_id")))
            span_id = hex_id(raw.get("spanId", raw.get("span_id")))
            if trace_id is None or span_id is None:
                raise TraceError(f"span {raw.get('name')!r:.60} has no traceId or no spanId")
            attributes = unquoted(attributes_of(raw.get("attributes")))
            if _REQUEST_ID in attributes:
                self._names[trace_id] = str(attributes[_REQUEST_ID])
            self._resources.setdefault(trace_id, {}).update(resource)
            spans = self._spans.setdefault(trace_id, {})
            spans[span_id] = _span(raw, trace_id, span_id, attributes)

    def traces(self) -> list[Trace]:
        """Return the traces in the order of their first spans."""
        return [
            _trace(
                self._names.get(trace_id, trace_id), list(held.values()), self._resources[trace_id]
            )
            for trace_id, held in self._spans.items()
        ]


def read_otlp(export: Mapping[str, Any]) -> list[Trace]:
    """Return the traces of an export, in the order of their first spans.

    Raises:
        TraceError: If a span cannot be read.
    """
    exports = Exports()
    exports.add(export)
    return exports.traces()


def export_of(value: Any) -> Mapping[str, Any] | None:
    """Return *value* as an OTLP export, if it is one."""
    value = _unwrapped(value)
    return value if isinstance(value, Mapping) and any(key in value for key in _OTLP) else None


def _spans(export: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    for one in list_of(export.get("resourceSpans", export.get("resource_spans"))):
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

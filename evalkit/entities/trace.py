"""A trace: the steps of one request, as spans that contain each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

from evalkit.entities.assessment import Assessment
from evalkit.errors import TraceError

SpanStatus = Literal["OK", "ERROR", "UNSET"]

NANOSECONDS = 1_000_000_000
"""In a second."""

TRACE_FORMAT: Final = 1
"""Version of the JSON that `Trace.to_json` writes."""

FORMAT_KEY: Final = "evalkit_trace"
"""Key that tells this JSON from that of others."""

_LISTED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """Something that happened at one moment of a span, such as an exception."""

    name: str
    time_ns: int | None = None
    """Nanoseconds since the Unix epoch."""

    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> dict[str, Any]:
        """Return the event as JSON values."""
        values = {"name": self.name, "time_ns": self.time_ns, "attributes": dict(self.attributes)}
        return {name: value for name, value in values.items() if value not in (None, {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One step of a trace, with what went in and what came out.

    Examples:
        >>> span = Span(trace_id="t", span_id="a", name="lookup", span_type="TOOL",
        ...             start_ns=1_000_000_000, end_ns=1_250_000_000)
        >>> span.duration_seconds
        0.25
    """

    trace_id: str
    span_id: str
    name: str
    parent_id: str | None = None
    """Span that this one is a part of; ``None`` for a root."""

    span_type: str = "UNKNOWN"
    """In MLflow's words: ``AGENT``, ``CHAIN``, ``TOOL``, ``LLM``, ``CHAT_MODEL``, ``RETRIEVER``,
    ``EMBEDDING``, ``RERANKER``, ``PARSER``, ``WORKFLOW``, ``TASK``, ``GUARDRAIL``, ``EVALUATOR``,
    ``MEMORY``, ``UNKNOWN``, or a user's own."""

    status: SpanStatus = "UNSET"
    status_message: str | None = None
    start_ns: int | None = None
    """Nanoseconds since the Unix epoch; ``None`` where it is not known."""

    end_ns: int | None = None
    """As `start_ns`; ``None`` also for a span that had not ended."""

    inputs: Any = None
    outputs: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What was noted besides: names of models, counts of tokens, prices."""

    events: tuple[SpanEvent, ...] = ()

    @property
    def duration_seconds(self) -> float | None:
        """Time from start to end; ``None`` where one of them is not known."""
        if self.start_ns is None or self.end_ns is None:
            return None
        return max(self.end_ns - self.start_ns, 0) / NANOSECONDS

    def to_json(self) -> dict[str, Any]:
        """Return the span as JSON values, without what it lacks and without the trace's id."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "trace_id"}
        values["attributes"] = dict(self.attributes) or None
        values["events"] = [event.to_json() for event in self.events] or None
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The spans of one request, in order of their start, parents before their children.

    Spans whose parent is not in the trace are kept, as roots of their own, and `notes` says so.

    Raises:
        TraceError: If two spans share an id, or spans contain each other in a circle.

    Examples:
        >>> trace = Trace(trace_id="t", spans=(
        ...     Span(trace_id="t", span_id="b", name="search", parent_id="a", start_ns=2),
        ...     Span(trace_id="t", span_id="a", name="agent", start_ns=1),
        ... ))
        >>> [span.name for span in trace.spans], trace.root.name
        (['agent', 'search'], 'agent')
    """

    trace_id: str
    spans: tuple[Span, ...] = ()
    state: SpanStatus | None = None
    """What the recorder said of the whole; see `status`."""

    session: str | None = None
    """Conversation that the trace is a turn of."""

    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    assessments: tuple[Assessment, ...] = ()
    notes: tuple[str, ...] = ()
    """What is not as it should be, in words."""

    # To walk a trace of n spans takes n look-ups, not n searches.
    _by_id: dict[str, Span] = field(init=False, repr=False, compare=False)
    _parts: dict[str | None, list[Span]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        twice = [name for name, n in Counter(s.span_id for s in self.spans).items() if n > 1]
        if twice:
            raise TraceError(f"trace {self.trace_id!r} has several spans of the id {twice[0]!r}")
        object.__setattr__(self, "spans", _ordered(self.trace_id, self.spans))
        by_id: dict[str, Span] = {span.span_id: span for span in self.spans}
        parts: dict[str | None, list[Span]] = {}
        for span in self.spans:
            parts.setdefault(span.parent_id, []).append(span)
        object.__setattr__(self, "_by_id", by_id)
        object.__setattr__(self, "_parts", parts)
        absent = parts.keys() - by_id.keys() - {None}
        orphans = [span.span_id for span in self.spans if span.parent_id in absent]
        if orphans:
            some = ", ".join(orphans[:_LISTED]) + (", …" if len(orphans) > _LISTED else "")
            problem = f"{len(orphans)} of {len(self.spans)} spans have an absent parent: {some}"
            if problem not in self.notes:
                object.__setattr__(self, "notes", (*self.notes, problem))

    @property
    def root(self) -> Span | None:
        """The first span without a parent, else the first whose parent is absent."""
        return next(iter(self._parts.get(None) or self.spans), None)

    def get(self, span_id: str) -> Span | None:
        """Return the span of an id; ``None`` if there is none."""
        return self._by_id.get(span_id)

    def children(self, span_id: str) -> list[Span]:
        """Return the direct parts of a span, in order of their start."""
        return list(self._parts.get(span_id, ()))

    def of_type(self, *span_types: str) -> list[Span]:
        """Return the spans of some types, in order of their start."""
        return [span for span in self.spans if span.span_type in span_types]

    @property
    def status(self) -> SpanStatus:
        """What the recorder said of the whole, else the status of the root."""
        if self.state is not None:
            return self.state
        return "UNSET" if self.root is None else self.root.status

    @property
    def start_ns(self) -> int | None:
        """When the first span began, in nanoseconds since the Unix epoch."""
        return min((s.start_ns for s in self.spans if s.start_ns is not None), default=None)

    @property
    def duration_seconds(self) -> float | None:
        """Time of the root span, else from the first start to the last end."""
        if self.root is not None and self.root.duration_seconds is not None:
            return self.root.duration_seconds
        last = max((s.end_ns for s in self.spans if s.end_ns is not None), default=None)
        start = self.start_ns
        return None if last is None or start is None else max(last - start, 0) / NANOSECONDS

    def to_json(self) -> dict[str, Any]:
        """Return the trace as JSON values; `evalkit.tracing.read_trace` reads it."""
        values: dict[str, Any] = {
            FORMAT_KEY: TRACE_FORMAT,
            "trace_id": self.trace_id,
            "state": self.state,
            "session": self.session,
            "metadata": dict(self.metadata) or None,
            "tags": dict(self.tags) or None,
            "spans": [span.to_json() for span in self.spans],
            "assessments": [assessment.to_json() for assessment in self.assessments] or None,
            "notes": list(self.notes) or None,
        }
        return {name: value for name, value in values.items() if value is not None}


def _ordered(trace_id: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return *spans* by start, parents before their children."""
    ids = {span.span_id for span in spans}
    parts: dict[str | None, list[Span]] = {}
    for span in sorted(spans, key=_start):
        parent = span.parent_id if span.parent_id in ids else None
        parts.setdefault(parent, []).append(span)
    ordered: list[Span] = []
    reached: set[str] = set()
    ready = list(reversed(parts.get(None, [])))
    while ready:  # no recursion: a trace may be thousands of spans deep
        span = ready.pop()
        ordered.append(span)
        reached.add(span.span_id)
        ready += reversed(parts.get(span.span_id, []))
    if len(ordered) < len(spans):
        caught = next(span for span in spans if span.span_id not in reached)
        raise TraceError(
            f"the spans of trace {trace_id!r} contain each other in a circle, by way of span "
            f"{caught.span_id!r} ({caught.name!r})"
        )
    # By start, as they were; a parent that claims to start after its children still comes first.
    place = {span.span_id: at for at, span in enumerate(ordered)}
    starts: dict[str, int | float] = {}
    for span in ordered:
        own = _start(span)
        above = starts.get(span.parent_id or "", own)
        starts[span.span_id] = max(own, above)
    return tuple(sorted(ordered, key=lambda s: (starts[s.span_id], place[s.span_id])))


def _start(span: Span) -> int | float:
    return float("inf") if span.start_ns is None else span.start_ns

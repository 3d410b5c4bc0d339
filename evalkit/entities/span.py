"""A span: one step of a trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SpanStatus = Literal["OK", "ERROR", "UNSET"]

NANOSECONDS = 1_000_000_000
"""In a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """Something that happened at one moment of a span, such as an exception."""

    name: str
    time_ns: int | None = None
    """Nanoseconds since the Unix epoch."""

    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> dict[str, Any]:
        """Return the event as JSON values."""
        shown = {"name": self.name, "time_ns": self.time_ns, "attributes": dict(self.attributes)}
        return {name: value for name, value in shown.items() if value not in (None, {})}


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
        shown: dict[str, Any] = {
            "span_id": self.span_id,
            "parent_id": self.parent_id,
            "name": self.name,
            "span_type": self.span_type,
            "status": self.status,
            "status_message": self.status_message,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "attributes": dict(self.attributes) or None,
            "events": [event.to_json() for event in self.events] or None,
        }
        return {name: value for name, value in shown.items() if value is not None}

"""Traces, and what is said of them: reading them, and logging feedback and expectations.

Examples:
    >>> from evalkit import tracing, tracking
    >>> tracking.set_tracking_uri("sqlite://")
    >>> said = tracing.log_feedback(trace_id="tr-1", name="correct", value=True, rationale="It is.")
    >>> [given.value for given in tracing.assessments(trace_id="tr-1")]
    [True]
    >>> tracking.set_tracking_uri(None)
"""

from evalkit.data.traces import is_trace, read_trace, read_traces
from evalkit.entities.assessment import Assessment, AssessmentError, AssessmentSource
from evalkit.entities.trace import Span, SpanEvent, Trace
from evalkit.tracing.assessing import assessments, log_expectation, log_feedback

__all__ = [
    "Assessment",
    "AssessmentError",
    "AssessmentSource",
    "Span",
    "SpanEvent",
    "Trace",
    "assessments",
    "is_trace",
    "log_expectation",
    "log_feedback",
    "read_trace",
    "read_traces",
]

"""Log what somebody says of a trace, or of one of its spans, and find it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit._internal.clock import now_milliseconds
from evalkit._internal.ids import new_assessment_id
from evalkit.entities.assessment import Assessment, AssessmentError, AssessmentSource
from evalkit.tracking.place import current_store

_PERSON = AssessmentSource("HUMAN")


def log_feedback(
    *,
    trace_id: str,
    name: str = "feedback",
    value: Any = None,
    error: AssessmentError | Exception | None = None,
    source: AssessmentSource = _PERSON,
    rationale: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    span_id: str | None = None,
    run_id: str | None = None,
) -> Assessment:
    """Log how good a trace, or one of its spans, was, and return what was logged.

    Args:
        trace_id: The trace, which need not be in the store.
        name: What was looked at, such as ``correct``; a judge's name for `calibrate`.
        value: A number, truth value, label, list or mapping.
        error: Why there is no value, in place of one.
        source: Who says it; a person by default.
        rationale: Why, in prose.
        metadata: Anything else, as JSON values.
        span_id: The span that it speaks of, if it is not the whole trace.
        run_id: Evaluation that it comes from.

    Raises:
        UsageError: If there is neither a value nor an error, or both.
    """
    if isinstance(error, Exception):
        error = AssessmentError(type(error).__name__, str(error))
    return _logged(
        name=name,
        value=value,
        error=error,
        source=source,
        rationale=rationale,
        metadata=dict(metadata or {}),
        trace_id=trace_id,
        span_id=span_id,
        run_id=run_id,
    )


def log_expectation(
    *,
    trace_id: str,
    name: str = "expected_response",
    value: Any,
    source: AssessmentSource = _PERSON,
    metadata: Mapping[str, Any] | None = None,
    span_id: str | None = None,
) -> Assessment:
    """Log what would have been right in a trace, and return what was logged.

    Args:
        trace_id: The trace, which need not be in the store.
        name: Which expectation, such as ``expected_response`` or ``expected_facts``.
        value: Any JSON value.
        source: Who says it; a person by default.
        metadata: Anything else, as JSON values.
        span_id: The span that it speaks of, if it is not the whole trace.

    Raises:
        UsageError: If there is no value.
    """
    return _logged(
        name=name,
        kind="expectation",
        value=value,
        source=source,
        metadata=dict(metadata or {}),
        trace_id=trace_id,
        span_id=span_id,
    )


def _logged(**fields: Any) -> Assessment:
    assessment = Assessment(
        assessment_id=new_assessment_id(), create_time=now_milliseconds(), **fields
    )
    current_store().assessments.log([assessment])
    return assessment


def assessments(
    *,
    trace_id: str | None = None,
    span_id: str | None = None,
    run_id: str | None = None,
    name: str | None = None,
    limit: int = 1000,
) -> list[Assessment]:
    """Return what was said, the newest first.

    Args:
        trace_id: Only of this trace.
        span_id: Only of this span.
        run_id: Only from this evaluation.
        name: Only of this name.
        limit: At most this many, at least 1.

    Raises:
        UsageError: If *limit* is below 1.
    """
    return current_store().assessments.search(
        trace_id=trace_id, span_id=span_id, run_id=run_id, name=name, limit=limit
    )

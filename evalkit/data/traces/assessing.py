"""Assessments as traces carry them: in our own JSON, and in MLflow's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from evalkit.data.traces.values import (
    hex_id,
    list_of,
    mapping_of,
    milliseconds,
    parsed,
    text_or_none,
)
from evalkit.entities.assessment import (
    Assessment,
    AssessmentError,
    AssessmentKind,
    AssessmentSource,
)
from evalkit.errors import TraceError, UsageError

_OLDER: Final = {"AI_JUDGE": "LLM_JUDGE"}
_RUN: Final = "mlflow.assessment.sourceRunId"


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

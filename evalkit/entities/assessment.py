"""An assessment: what somebody, or a judge, or a program, says of a trace or of one span."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args

from evalkit.errors import UsageError, near_miss

SourceType = Literal["HUMAN", "LLM_JUDGE", "CODE"]
AssessmentKind = Literal["feedback", "expectation"]


@dataclass(frozen=True, slots=True)
class AssessmentSource:
    """Who says it.

    Examples:
        >>> AssessmentSource("HUMAN", "ann").source_id
        'ann'
    """

    source_type: SourceType
    source_id: str = "default"
    """Name of the person, judge or program."""

    def __post_init__(self) -> None:
        types = get_args(SourceType)
        if self.source_type not in types:
            raise UsageError(
                f"source_type= is one of {', '.join(types)}; got {self.source_type!r}."
                f"{near_miss(str(self.source_type), types)}"
            )


@dataclass(frozen=True, slots=True)
class AssessmentError:
    """Why a feedback has no value."""

    error_code: str
    """Machine-readable, such as ``off_menu``."""

    error_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A feedback (how good it was) or an expectation (what would have been right).

    A feedback has a value or an error; an expectation has a value.  A value that is a number is
    finite: JSON has no other.

    Raises:
        UsageError: If it has no name, not what its kind needs, or a number that cannot be kept.

    Examples:
        >>> said = Assessment(name="correct", value=True, source=AssessmentSource("HUMAN", "ann"),
        ...                   trace_id="t-1", span_id="a")
        >>> said.kind, said.value
        ('feedback', True)
    """

    name: str
    source: AssessmentSource
    kind: AssessmentKind = "feedback"
    value: Any = None
    """A JSON value: a number, truth value, label, list or mapping."""

    error: AssessmentError | None = None
    rationale: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trace_id: str | None = None
    span_id: str | None = None
    """Span that it speaks of; ``None`` means the whole trace."""

    run_id: str | None = None
    """Evaluation that it comes from."""

    assessment_id: str | None = None
    """Given when it is logged; an equal id means the same assessment."""

    create_time: int | None = None
    """Milliseconds since the Unix epoch."""

    def __post_init__(self) -> None:
        if not self.name:
            raise UsageError("An assessment needs a name.")
        if self.kind not in get_args(AssessmentKind):
            raise UsageError(f"kind= is feedback or expectation; got {self.kind!r}.")
        if self.kind == "expectation" and (self.value is None or self.error is not None):
            raise UsageError(f"Expectation {self.name!r} needs a value, and has no error.")
        if self.kind == "feedback" and (self.value is None) == (self.error is None):
            raise UsageError(f"Feedback {self.name!r} needs a value, or else an error.")
        if not _can_be_kept(self.value):
            raise UsageError(
                f"The value of {self.name!r} must be a finite number, at most about 1.8e308; "
                "where there is none, give error= in its place."
            )

    def to_json(self) -> dict[str, Any]:
        """Return the assessment as JSON values, without what it lacks; `assessment_of` reads it."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["source"] = dataclasses.asdict(self.source)
        values["error"] = None if self.error is None else dataclasses.asdict(self.error)
        values["metadata"] = dict(self.metadata) or None
        return {name: value for name, value in values.items() if value is not None}


def _can_be_kept(value: Any) -> bool:
    """Say whether a number is one that JSON and a database hold; other values are."""
    if not isinstance(value, (numbers.Real, Decimal)):
        return True
    try:
        return math.isfinite(float(value))
    except (OverflowError, ValueError):
        return False

"""Assessments of traces in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Row, or_, select

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.assessment import (
    Assessment,
    AssessmentError,
    AssessmentKind,
    AssessmentSource,
)
from evalkit.errors import UsageError
from evalkit.store.interface import Assessments
from evalkit.store.sql import checks, tables
from evalkit.store.sql.database import Database

_TABLE: Final = tables.assessments
_ID_LENGTH: Final = tables.TRACE_ID_LENGTH


@dataclass(frozen=True)
class SqlAssessments(Assessments):
    """See `Assessments`."""

    database: Database

    def log(self, assessments: Sequence[Assessment]) -> None:
        if any(assessment.assessment_id is None for assessment in assessments):
            raise UsageError("An assessment needs an assessment_id to be kept.")
        rows = {str(a.assessment_id): _row(a) for a in assessments}
        if rows:
            with self.database.write() as connection:
                by = ["assessment_id"]
                self.database.put(connection, _TABLE, list(rows.values()), by=by)

    def search(
        self,
        *,
        trace_id: str | None = None,
        span_id: str | None = None,
        run_id: str | None = None,
        name: str | None = None,
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Assessment]:
        given = {"trace_id": trace_id, "span_id": span_id, "run_id": run_id, "name": name}
        # Earlier versions kept what is no finite number as null; such an expectation says nothing.
        says = or_(_TABLE.c.kind != "expectation", _TABLE.c.value != "null")
        query = select(_TABLE).where(
            says, *(_TABLE.c[key] == value for key, value in given.items() if value is not None)
        )
        if after is not None:
            last = select(_TABLE.c.assessment_number).where(_TABLE.c.assessment_id == after)
            query = query.where(_TABLE.c.assessment_number < last.scalar_subquery())
        query = query.order_by(_TABLE.c.assessment_number.desc()).limit(checks.limit(limit))
        with self.database.read() as connection:
            return [_entity(row) for row in connection.execute(query)]


def _row(assessment: Assessment) -> dict[str, Any]:
    number = assessment.value if isinstance(assessment.value, (bool, int, float)) else None
    return {
        "assessment_id": checks.text("assessment's id", str(assessment.assessment_id), _ID_LENGTH),
        "kind": assessment.kind,
        "name": checks.text("assessment's name", assessment.name, tables.SUMMARY_KEY_LENGTH),
        "source_type": assessment.source.source_type,
        "source_id": checks.text("source's id", assessment.source.source_id, tables.KEY_LENGTH),
        "trace_id": _id(assessment.trace_id),
        "span_id": _id(assessment.span_id),
        "run_id": _id(assessment.run_id),
        "value": None if assessment.value is None else canonical_json(assessment.value).decode(),
        "number": None if number is None else float(number),
        "error_code": None if assessment.error is None else assessment.error.error_code,
        "error_message": None
        if assessment.error is None
        else checks.storable(assessment.error.error_message),
        "rationale": checks.storable(assessment.rationale),
        "metadata": canonical_json(assessment.metadata).decode() if assessment.metadata else None,
        "create_time": assessment.create_time,
    }


def _id(text: str | None) -> str | None:
    return None if text is None else checks.text("id", text, _ID_LENGTH)


def _entity(row: Row[Any]) -> Assessment:
    """Return the assessment of a row; one without a value must not hide the others."""
    value = None if row.value is None else parse_json(row.value)
    code, message = row.error_code, row.error_message
    if value is None and code is None:
        code, message = "not_finite", "its value was no finite number"
    return Assessment(
        name=row.name,
        kind=cast("AssessmentKind", row.kind),
        source=AssessmentSource(row.source_type, row.source_id),
        value=value,
        error=None if code is None else AssessmentError(code, message),
        rationale=row.rationale,
        metadata={} if row.metadata is None else parse_json(row.metadata),
        trace_id=row.trace_id,
        span_id=row.span_id,
        run_id=row.run_id,
        assessment_id=row.assessment_id,
        create_time=row.create_time,
    )

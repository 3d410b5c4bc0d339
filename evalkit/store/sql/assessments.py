"""Assessments of traces in SQL.  Nothing here commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Connection, Row, delete, insert, or_, select

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.assessment import (
    Assessment,
    AssessmentError,
    AssessmentKind,
    AssessmentSource,
)
from evalkit.errors import UsageError
from evalkit.store.sql import checks, tables
from evalkit.store.sql.chunks import chunks

_TABLE: Final = tables.assessments
_ID_LENGTH: Final = tables.TRACE_ID_LENGTH


def put(connection: Connection, given: Sequence[Assessment]) -> None:
    """Write assessments; one whose id is there already takes its place.

    Raises:
        UsageError: If one has no id, or an id or name is too long.
    """
    if any(one.assessment_id is None for one in given):
        raise UsageError("An assessment needs an assessment_id to be kept.")
    rows = {str(one.assessment_id): _row(one) for one in given}
    for ids in chunks(list(rows)):
        connection.execute(delete(_TABLE).where(_TABLE.c.assessment_id.in_(ids)))
        connection.execute(insert(_TABLE), [rows[name] for name in ids])


def find(
    connection: Connection,
    *,
    equal: Mapping[str, str],
    limit: int,
    after: str | None,
) -> list[Assessment]:
    """Return assessments by the values of columns, the one logged last first.

    Raises:
        UsageError: If *limit* is below 1.
    """
    if limit < 1:
        raise UsageError(f"limit= is at least 1; got {limit}.")
    # Earlier versions kept what is no finite number as null; an expectation of null says nothing.
    told = or_(_TABLE.c.kind != "expectation", _TABLE.c.value != "null")
    query = select(_TABLE).where(told, *(_TABLE.c[name] == value for name, value in equal.items()))
    if after is not None:
        last = select(_TABLE.c.assessment_number).where(_TABLE.c.assessment_id == after)
        query = query.where(_TABLE.c.assessment_number < last.scalar_subquery())
    query = query.order_by(_TABLE.c.assessment_number.desc()).limit(limit)
    return [_entity(row) for row in connection.execute(query)]


def _row(one: Assessment) -> dict[str, Any]:
    number = one.value if isinstance(one.value, (bool, int, float)) else None
    return {
        "assessment_id": checks.text("assessment's id", str(one.assessment_id), _ID_LENGTH),
        "kind": one.kind,
        "name": checks.text("assessment's name", one.name, tables.SUMMARY_KEY_LENGTH),
        "source_type": one.source.source_type,
        "source_id": checks.text("source's id", one.source.source_id, tables.KEY_LENGTH),
        "trace_id": _id(one.trace_id),
        "span_id": _id(one.span_id),
        "run_id": _id(one.run_id),
        "value": None if one.value is None else canonical_json(one.value).decode(),
        "number": None if number is None else float(number),
        "error_code": None if one.error is None else one.error.error_code,
        "error_message": None if one.error is None else _clean(one.error.error_message),
        "rationale": _clean(one.rationale),
        "metadata": canonical_json(one.metadata).decode() if one.metadata else None,
        "create_time": one.create_time,
    }


def _id(text: str | None) -> str | None:
    return None if text is None else checks.text("id", text, _ID_LENGTH)


def _clean(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


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

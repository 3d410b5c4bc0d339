"""What runs and judges leave, in SQL: estimates, assessments, cards."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, delete, insert, or_, select

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.assessment import Assessment, AssessmentError, AssessmentSource
from evalkit.entities.estimate import Estimate, EvaluationSummary
from evalkit.errors import UsageError
from evalkit.store.interface import Assessments, Cards, Summaries
from evalkit.store.sql import checks, tables
from evalkit.store.sql.database import Database
from evalkit.store.sql.metrics import drop_metrics
from evalkit.store.sql.rows import entity, run_row, writable_run

_SUMMARIES = tables.evaluation_summaries
_FIELDS = tuple(field.name for field in dataclasses.fields(Estimate))
_NUMBERS = ("value", "low", "high", "level", "standard_error")


@dataclass(frozen=True)
class SqlSummaries(Summaries):
    """See `Summaries`."""

    database: Database

    def write(self, run_id: str, summaries: Sequence[EvaluationSummary]) -> None:
        (key, times), *_ = Counter(s.key for s in summaries).most_common(1) or [("", 0)]
        if times > 1:
            raise UsageError(f"{times} summaries have the key {key!r}; name the scorers apart.")
        rows = [_summary_row(summary) for summary in summaries]
        with self.database.write() as connection:
            number = writable_run(connection, run_id)
            had = _SUMMARIES.c.run_number == number
            before = set(connection.scalars(select(_SUMMARIES.c.key).where(had)))
            valued = {s.key for s in summaries if s.estimate.value is not None}
            drop_metrics(connection, number, before - valued)
            connection.execute(delete(_SUMMARIES).where(had))
            own = [{"run_number": number, "position": n} | row for n, row in enumerate(rows)]
            if own:
                connection.execute(insert(_SUMMARIES), own)

    def read(self, run_id: str) -> list[EvaluationSummary]:
        with self.database.read() as connection:
            query = select(_SUMMARIES).where(
                _SUMMARIES.c.run_number == run_row(connection, run_id).run_number
            )
            return [
                entity(EvaluationSummary, row, estimate=entity(Estimate, row))
                for row in connection.execute(query.order_by(_SUMMARIES.c.position))
            ]


def _summary_row(summary: EvaluationSummary) -> dict[str, Any]:
    values = {name: getattr(summary.estimate, name) for name in _FIELDS}
    for name in _NUMBERS:
        value = values[name]
        if value is None:
            continue
        values[name] = float(value)
        if not math.isfinite(value):
            raise UsageError(f"The {name} of {summary.key!r} is {value}; it must be finite.")
    values["key"] = checks.text("metric's key", summary.key, tables.SUMMARY_KEY_LENGTH)
    values["note"] = checks.storable(summary.estimate.note)
    values["signature"] = checks.storable(summary.signature)
    return values | {"dataset_digest": summary.dataset_digest}


_ASSESSMENTS: Final = tables.assessments
_ID_LENGTH: Final = tables.TRACE_ID_LENGTH


@dataclass(frozen=True)
class SqlAssessments(Assessments):
    """See `Assessments`."""

    database: Database

    def log(self, assessments: Sequence[Assessment]) -> None:
        if any(assessment.assessment_id is None for assessment in assessments):
            raise UsageError("An assessment needs an assessment_id to be kept.")
        rows = {str(a.assessment_id): _assessment_row(a) for a in assessments}
        if rows:
            with self.database.write() as connection:
                by = ["assessment_id"]
                self.database.put(connection, _ASSESSMENTS, list(rows.values()), by=by)

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
        says = or_(_ASSESSMENTS.c.kind != "expectation", _ASSESSMENTS.c.value != "null")
        query = select(_ASSESSMENTS).where(
            says,
            *(_ASSESSMENTS.c[key] == value for key, value in given.items() if value is not None),
        )
        if after is not None:
            last = select(_ASSESSMENTS.c.assessment_number).where(
                _ASSESSMENTS.c.assessment_id == after
            )
            query = query.where(_ASSESSMENTS.c.assessment_number < last.scalar_subquery())
        query = query.order_by(_ASSESSMENTS.c.assessment_number.desc()).limit(checks.limit(limit))
        with self.database.read() as connection:
            return [_assessment(row) for row in connection.execute(query)]


def _assessment_row(assessment: Assessment) -> dict[str, Any]:
    number = assessment.value if isinstance(assessment.value, (bool, int, float)) else None
    error = assessment.error
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
        "error_code": error and error.error_code,
        "error_message": error and checks.storable(error.error_message),
        "rationale": checks.storable(assessment.rationale),
        "metadata": canonical_json(assessment.metadata).decode() if assessment.metadata else None,
        "create_time": assessment.create_time,
    }


def _id(text: str | None) -> str | None:
    return None if text is None else checks.text("id", text, _ID_LENGTH)


def _assessment(row: Row[Any]) -> Assessment:
    """Return the assessment of a row; one without a value must not hide the others."""
    value = None if row.value is None else parse_json(row.value)
    code, message = row.error_code, row.error_message
    if value is None and code is None:
        code, message = "not_finite", "its value was no finite number"
    return entity(
        Assessment,
        row,
        source=AssessmentSource(row.source_type, row.source_id),
        value=value,
        error=None if code is None else AssessmentError(code, message),
        metadata={} if row.metadata is None else parse_json(row.metadata),
    )


MOST = 50
"""Cards of one judge that are read: the newest."""

_CARDS = tables.calibrations


@dataclass(frozen=True)
class SqlCards(Cards):
    """See `Cards`."""

    database: Database

    def add(self, *, judge: str, signature: str, created: int, card: str) -> None:
        values = {
            "judge": checks.text("judge's name", judge, tables.SUMMARY_KEY_LENGTH),
            "signature": signature,
            "created": created,
            "card": card,
        }
        with self.database.write() as connection:
            connection.execute(insert(_CARDS).values(values))

    def newest(self, judge: str) -> list[str]:
        query = select(_CARDS.c.card).where(_CARDS.c.judge == judge)
        query = query.order_by(_CARDS.c.created.desc(), _CARDS.c.card_number.desc()).limit(MOST)
        with self.database.read() as connection:
            return list(connection.scalars(query))

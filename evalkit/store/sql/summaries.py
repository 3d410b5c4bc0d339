"""Estimates of evaluations in SQL.  Nothing here commits."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from evalkit.entities.summary import EvaluationSummary
from evalkit.errors import UsageError
from evalkit.store.sql import checks, tables

_FIELDS = tuple(field.name for field in dataclasses.fields(EvaluationSummary))
_NUMBERS = ("value", "low", "high", "level", "standard_error")


def write(connection: Connection, number: int, summaries: Sequence[EvaluationSummary]) -> None:
    """Make *summaries* the estimates of a run, in place of any it had.

    Raises:
        UsageError: If two share a key, a key is too long, or a number is not finite.
    """
    key, times = max(Counter(s.key for s in summaries).items(), key=_count, default=("", 0))
    if times > 1:
        raise UsageError(f"{times} summaries have the key {key!r}; name the scorers apart.")
    rows = [_row(number, place, summary) for place, summary in enumerate(summaries)]
    table = tables.evaluation_summaries
    connection.execute(delete(table).where(table.c.run_number == number))
    if rows:
        connection.execute(insert(table), rows)


def read(connection: Connection, number: int) -> list[EvaluationSummary]:
    """Return the estimates of a run, in the order in which they were written."""
    table = tables.evaluation_summaries
    query = select(*(table.c[name] for name in _FIELDS)).where(table.c.run_number == number)
    rows = connection.execute(query.order_by(table.c.position)).mappings()
    return [EvaluationSummary(**row) for row in rows]


def _count(item: tuple[str, int]) -> int:
    return item[1]


def _row(number: int, position: int, summary: EvaluationSummary) -> dict[str, Any]:
    values = {name: getattr(summary, name) for name in _FIELDS}
    for name in _NUMBERS:
        value = values[name]
        if value is None:
            continue
        values[name] = float(value)
        if not math.isfinite(value):
            raise UsageError(f"The {name} of {summary.key!r} is {value}; it must be finite.")
    values["key"] = checks.text("metric's key", summary.key, tables.SUMMARY_KEY_LENGTH)
    values["signature"] = summary.signature.encode("utf-8", "replace").decode("utf-8")
    if summary.note is not None:
        values["note"] = summary.note.encode("utf-8", "replace").decode("utf-8")
    return {"run_number": number, "position": position, **values}

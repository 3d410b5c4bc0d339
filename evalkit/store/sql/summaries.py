"""Estimates of evaluations in SQL."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from evalkit.entities.estimate import Estimate, EvaluationSummary
from evalkit.errors import UsageError
from evalkit.store.interface import Summaries
from evalkit.store.sql import checks, tables
from evalkit.store.sql.database import Database
from evalkit.store.sql.rows import run_row, writable_run

_TABLE = tables.evaluation_summaries
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
        rows = [_row(summary) for summary in summaries]
        with self.database.write() as connection:
            number = writable_run(connection, run_id)
            connection.execute(delete(_TABLE).where(_TABLE.c.run_number == number))
            own = [{"run_number": number, "position": n} | row for n, row in enumerate(rows)]
            if own:
                connection.execute(insert(_TABLE), own)

    def read(self, run_id: str) -> list[EvaluationSummary]:
        with self.database.read() as connection:
            query = select(_TABLE).where(
                _TABLE.c.run_number == run_row(connection, run_id).run_number
            )
            return [
                EvaluationSummary(
                    Estimate(**{name: row[name] for name in _FIELDS}),
                    signature=row["signature"],
                    dataset_digest=row["dataset_digest"],
                )
                for row in connection.execute(query.order_by(_TABLE.c.position)).mappings()
            ]


def _row(summary: EvaluationSummary) -> dict[str, Any]:
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

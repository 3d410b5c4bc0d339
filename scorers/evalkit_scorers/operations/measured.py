"""Scorers that pass on what was measured while the target was called."""

from __future__ import annotations

import math
from typing import Any

from evalkit.plugin import CaseBatch, ScoreColumn


def measured_column(batch: CaseBatch, field: str) -> ScoreColumn:
    """Return a case field of numbers as a column: skipped where it was not measured.

    A negative measurement, or one that is not a number, fails with the reason ``scorer_error``.

    Examples:
        >>> from evalkit.plugin import Case
        >>> batch = CaseBatch.of([Case(cost=0.5), Case(), Case(cost=-1.0)])
        >>> measured_column(batch, "cost").status.tolist()
        [0, 1, 2]
    """
    found = batch.column(field)
    column = ScoreColumn.from_values([value if _measured(value) else None for value in found])
    for row, value in enumerate(found):
        if value is not None and not _measured(value):
            column.fail(row, "scorer_error", f"{field} is {value!r}, not a number of at least 0.")
    return column


def _measured(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value >= 0

"""Scorers that pass on what was measured while the target was called."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from evalkit.plugin import CaseBatch, ScoreColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number that stands in a field of each case: skipped where it was not measured."""

    field: ClassVar[str]
    requires: ClassVar[frozenset[str]] = frozenset({"outputs"})
    version: ClassVar[str] = "1"

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the measured numbers; what is negative or no number fails (``scorer_error``)."""
        values = batch.column(self.field)
        column = ScoreColumn.from_values([value if _measured(value) else None for value in values])
        for row, value in enumerate(values):
            if value is not None and not _measured(value):
                explanation = f"{self.field} is {value!r}, not a number of at least 0."
                column.fail(row, "scorer_error", explanation)
        return column


def _measured(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value >= 0

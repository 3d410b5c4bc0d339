"""Targets and outputs of a batch as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.plugin import CaseBatch, ScoreColumn, Status, targets
from evalkit_scorers.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class NumberPairs:
    """Target and output of each case as numbers, and which cases have both."""

    target: FloatArray
    """Shape ``(n,)``; NaN where the cell is not OK."""

    output: FloatArray
    """Shape ``(n,)``; NaN where the cell is not OK."""

    column: ScoreColumn
    """NaN values; status OK where both are numbers, skipped or failed elsewhere."""

    def scored(self, cell: Callable[[FloatArray, FloatArray], FloatArray]) -> ScoreColumn:
        """Return the column with the values ``cell(target, output)``, shape ``(n,)``.

        A value too large for a number is a failure with the reason ``scorer_error``.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            values = cell(self.target, self.output)
        column = self.column
        column.values = values
        for row in np.flatnonzero((column.status == Status.OK) & ~np.isfinite(values)).tolist():
            column.fail(row, "scorer_error", "The result is too large for a number.")
        return column


def number_pairs(batch: CaseBatch) -> NumberPairs:
    """Return targets and outputs of *batch*, each case read by itself.

    A text that spells a number is that number.  A case without output or target is skipped; an
    output that is no finite number fails with the reason ``invalid_response``, since no error
    can be measured.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs=o, expectations={"target": 2}) for o in (1.5, " 2 ", "two", None)]
        >>> pairs = number_pairs(CaseBatch.of(cases))
        >>> pairs.output.tolist(), pairs.column.status.tolist()
        ([1.5, 2.0, nan, nan], [0, 0, 2, 1])
    """
    given, wanted = batch.outputs, targets(batch)
    outputs = np.array([_number(value) for value in given], dtype=np.float64)
    goals = np.array([_number(value) for value in wanted], dtype=np.float64)
    column = ScoreColumn(np.full(len(batch), np.nan), np.zeros(len(batch), dtype=np.int8))
    for row in np.flatnonzero(~(np.isfinite(outputs) & np.isfinite(goals))).tolist():
        if given[row] is None or wanted[row] is None:
            column.status[row] = Status.SKIPPED
        elif not math.isfinite(goals[row]):
            column.fail(row, "scorer_error", f"The target {_short(wanted[row])} is not a number.")
        else:
            column.fail(
                row, "invalid_response", f"The output {_short(given[row])} is not a number."
            )
        outputs[row] = goals[row] = np.nan
    return NumberPairs(goals, outputs, column)


def _number(value: Any) -> float:
    """Return *value* as a float; NaN where it is none."""
    if type(value) is float:
        return value
    value = value.item() if hasattr(value, "item") and not isinstance(value, str) else value
    if not isinstance(value, (int, float, str)) or (isinstance(value, str) and "_" in value):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004

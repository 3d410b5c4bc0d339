"""One trial of a scorer: what it said of some cases, and how two trials differ."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import numpy as np

from evalkit.engine.score import is_vectorised
from evalkit.engine.verdicts import PLAIN, cells_of, columns_of
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.score import Status
from evalkit.scoring.column import Additive, Rows, ScoreColumn
from evalkit.scoring.protocol import Scorer

Columns = Mapping[str, ScoreColumn]
NEAR: Final = 1e-9
"""Relative difference that summing in another order may make."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A scorer, the cases it was tried on, and what it said of them."""

    scorer: Scorer
    cases: Sequence[Case]
    columns: Columns

    @classmethod
    def of(cls, scorer: Scorer, cases: Sequence[Case]) -> Trial:
        """Score *cases*; a scorer has to survive every input."""
        before = repr(cases)
        try:
            columns = columns_for(scorer, cases)
        except Exception as error:
            problem = f"it raises {type(error).__name__}: {error}"
            raise AssertionError(_text(scorer, "survives every input", problem, cases)) from error
        trial = cls(scorer, cases, columns)
        if repr(cases) != before:
            trial.broken("leaves cases as they are", f"it changed them from {before}")
        return trial

    def broken(self, law: str, problem: str) -> NoReturn:
        """Raise the error that names scorer, law and cases."""
        raise AssertionError(_text(self.scorer, law, problem, self.cases))


def _text(scorer: Scorer, law: str, problem: str, cases: Sequence[Case]) -> str:
    listed = "\n".join(f"  {_format_case(case)}" for case in cases) or "  (an empty batch)"
    return f"Scorer {scorer.name!r} breaks the law {law!r}: {problem}.\nCases:\n{listed}"


def _format_case(case: Case) -> str:
    plain = Case()
    fields = {name: getattr(case, name) for name in Case.__dataclass_fields__}
    text = ", ".join(f"{k}={v!r}" for k, v in fields.items() if v != getattr(plain, k))
    return f"Case({text if len(text) <= 500 else text[:500] + '…'})"  # noqa: PLR2004


def difference(one: ScoreColumn, other: ScoreColumn) -> str:
    """Return what differs between two columns; empty if nothing does."""
    if len(one) != len(other):
        return f"{len(other)} cells instead of {len(one)}"
    if one.status.tolist() != other.status.tolist():
        words = [[word(column, row) for row in range(len(column))] for column in (one, other)]
        return f"outcomes {words[1]} instead of {words[0]}"
    if not np.allclose(one.values, other.values, rtol=NEAR, atol=NEAR, equal_nan=True):
        return f"values {other.values.tolist()} instead of {one.values.tolist()}"
    for name in ("labels", "reasons"):
        if getattr(one, name) != getattr(other, name):
            return f"{name} {getattr(other, name)} instead of {getattr(one, name)}"
    ours, theirs = scored_statistics(one), scored_statistics(other)
    return "" if _equal_statistics(ours, theirs) else f"statistics {theirs} instead of {ours}"


def _equal_statistics(one: Additive | Rows | None, other: Additive | Rows | None) -> bool:
    if isinstance(one, Additive) and isinstance(other, Additive):
        return one.vectors.shape == other.vectors.shape and np.allclose(
            one.vectors, other.vectors, rtol=NEAR, atol=NEAR
        )
    if isinstance(one, Rows) and isinstance(other, Rows):
        if set(one.columns) != set(other.columns):
            return False
        return all(_equal_arrays(one.columns[k], other.columns[k]) for k in one.columns)
    return one is None and other is None


def _equal_arrays(one: Any, other: Any) -> bool:
    if one.dtype == object or one.dtype.kind in "US":
        return bool(one.tolist() == other.tolist())
    return bool(np.allclose(one, other, rtol=NEAR, atol=NEAR, equal_nan=True))


def near(one: float, other: float) -> bool:
    """Say whether two values are equal but for rounding; undefined ones (NaN) are."""
    return bool(np.isclose(one, other, rtol=NEAR, atol=NEAR, equal_nan=True))


def word(column: ScoreColumn, row: int) -> str:
    """Return the outcome of a cell in a word."""
    return Status(int(column.status[row])).word


def columns_for(scorer: Scorer, cases: Sequence[Case]) -> dict[str, ScoreColumn]:
    """Return what *scorer* says of *cases*, one column a metric key; exceptions pass through.

    Examples:
        >>> from evalkit.scoring.decorator import scorer
        >>> columns_for(scorer(lambda outputs: len(outputs)), [Case(outputs="abc")])[""].values
        array([3.])
    """
    called: Any = scorer
    if not is_vectorised(scorer):
        return columns_of([cells_of(_now(called.score(case))) for case in cases])
    columns = _now(called.score_batch(CaseBatch.of(cases)))
    return {PLAIN: columns} if isinstance(columns, ScoreColumn) else dict(columns)


def _now(verdict: Any) -> Any:
    if not inspect.isawaitable(verdict):
        return verdict

    async def waited() -> Any:
        return await verdict

    return asyncio.run(waited())


def scored_statistics(column: ScoreColumn) -> Additive | Rows | None:
    """Return the statistics of the cells that are OK; ``None`` where there are none."""
    scored = column.status == Status.OK
    if column.statistics is None or not scored.any():
        return None
    return column.statistics.take(scored)


def corpus_value(scorer: Any, statistics: Additive | Rows | None, weights: Any = None) -> float:
    """Return a corpus metric of *statistics*, as the engine computes it; NaN without any."""
    if statistics is None:
        return math.nan
    if isinstance(statistics, Rows):
        return float(scorer.compute(statistics, weights))
    vectors = statistics.vectors
    return float(scorer.compute(vectors.sum(axis=0) if weights is None else weights @ vectors))

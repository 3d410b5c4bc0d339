"""Scoring cases as the engine would, without its safety nets, so that contract suites see all."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.engine.score import is_vectorised
from evalkit.engine.verdicts import PLAIN, cells_of, columns_of
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.score import Status
from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.sufficient import Additive, Rows


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


def outcome_words(columns: Mapping[str, ScoreColumn]) -> dict[str, list[str]]:
    """Return the outcome of every cell in words, to be shown."""
    return {
        key: [Status(int(code)).word for code in column.status] for key, column in columns.items()
    }

"""Columns of consecutive batches joined to one, whichever keys each of them has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.engine.verdicts import PLAIN
from evalkit.entities.score import Score, Status
from evalkit.scoring.column import ScoreColumn

Columns = dict[str, ScoreColumn]
"""Scores of one scorer by metric key."""


def spread(column: ScoreColumn, kept: Sequence[int], failures: Mapping[int, Score]) -> ScoreColumn:
    """Return *column* (scores of the rows *kept*) with the outcomes of *failures* put between."""
    import numpy as np

    n = len(kept) + len(failures)
    rows = np.asarray(kept, dtype=np.int64)
    whole = ScoreColumn.missing(n, Status.FAILED)
    whole.binary = column.binary
    whole.values[rows] = column.values
    whole.status[rows] = column.status
    if column.weights is not None:
        whole.weights = np.ones(n)
        whole.weights[rows] = column.weights
    for name in ("labels", "reasons", "explanations", "metadata"):
        source: dict[int, Any] = getattr(column, name)
        setattr(whole, name, {int(rows[row]): value for row, value in source.items()})
    if column.statistics is not None:
        whole.statistics = column.statistics.spread(rows, n)
    for row, outcome in failures.items():
        whole.status[row] = outcome.status
        if outcome.reason is not None:
            whole.reasons[row] = outcome.reason
        if outcome.explanation is not None:
            whole.explanations[row] = outcome.explanation
    return whole


def join(parts: Sequence[Mapping[str, ScoreColumn]]) -> Columns:
    """Join columns of consecutive batches; where a part lacks a key, its plain outcome counts."""
    keys = dict.fromkeys(key for part in parts for key in part)
    real = [key for key in keys if key != PLAIN]
    if real and not any((p[PLAIN].status == Status.OK).any() for p in parts if PLAIN in p):
        keys = dict.fromkeys(real)
    pieces = {key: [_piece(part, key) for part in parts] for key in keys}
    return {key: ScoreColumn.concatenate(_with_statistics(c)) for key, c in pieces.items()}


def _piece(part: Mapping[str, ScoreColumn], key: str) -> ScoreColumn:
    if key in part:
        return part[key]
    plain = part.get(PLAIN)
    if plain is None:
        return _without_value(list(part.values()))
    if (plain.status == Status.OK).any():
        return ScoreColumn.missing(len(plain), Status.SKIPPED)
    return plain


def _without_value(columns: list[ScoreColumn]) -> ScoreColumn:
    """Return a column for a key that no cell here has: failed and unreached cells stay so."""
    first = columns[0]
    lost = (first.status == Status.FAILED) | (first.status == Status.NOT_RUN)
    for other in columns[1:]:
        lost &= other.status == first.status
    column = ScoreColumn.missing(len(first), Status.SKIPPED)
    column.status[lost] = first.status[lost]
    for row in lost.nonzero()[0].tolist():
        if row in first.reasons:
            column.reasons[row] = first.reasons[row]
        if row in first.explanations:
            column.explanations[row] = first.explanations[row]
    return column


def _with_statistics(pieces: list[ScoreColumn]) -> list[ScoreColumn]:
    """Give pieces without statistics (all of whose cells failed) empty ones of the right kind."""
    import dataclasses

    known = next((p.statistics for p in pieces if p.statistics is not None), None)
    if known is None:
        return pieces
    return [
        p
        if p.statistics is not None
        else dataclasses.replace(p, statistics=known.spread([], len(p)))
        for p in pieces
    ]

"""What a case-wise scorer said, as columns: one for each metric key."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.surrogates import without_surrogates
from evalkit.entities.infrastructure import infrastructure_reason
from evalkit.entities.score import Score, Status
from evalkit.errors import EvalkitError
from evalkit.llm.secrets import masked, masked_json
from evalkit.scoring.column import ScoreColumn

PLAIN: Final = ""
"""Key of a scorer's only metric."""

Cells = dict[str, Score]
"""Scores of one cell by metric key."""


def cells_of(verdict: Any) -> Cells:
    """Return a scorer's verdict as scores by key.

    Raises:
        TypeError: If the verdict is nothing that a scorer may return.
        ValueError: If a number is not finite.

    Examples:
        >>> cells_of(True)[""].value, cells_of({"a": 1, "b": None})["b"].status.word
        (True, 'skipped')
    """
    if isinstance(verdict, Mapping):
        return {without_surrogates(str(key)): _one(value) for key, value in verdict.items()}
    if isinstance(verdict, (list, tuple)):
        return {str(place): _one(value) for place, value in enumerate(verdict)}
    return {PLAIN: _one(verdict)}


def _one(value: Any) -> Score:
    if isinstance(value, Score):
        return _kept(value)
    if value is None:
        return Score.skipped()
    if isinstance(value, str):
        return _kept(Score(label=value))
    if isinstance(value, bool) or type(value).__name__ in {"bool_", "bool"}:
        return Score(bool(value))
    if isinstance(value, numbers.Real) or hasattr(value, "__float__"):
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"a score must be finite, got {number}; return None to skip a case")
        return Score(number)
    raise TypeError(
        f"a scorer returns a number, bool, text, Score, mapping, list or None, "
        f"not {type(value).__name__}"
    )


def _kept(score: Score) -> Score:
    """Return *score* as a file can keep it, without secrets of the environment.

    Raises:
        TypeError: If its metadata has no JSON form.
    """
    changed: dict[str, Any] = {}
    if score.metadata is not None:
        written = canonical_json(score.metadata)
        if (hidden := masked_json(written)) is not written:
            changed["metadata"] = parse_json(hidden)
    for name in ("explanation", "label", "reason"):
        text: str | None = getattr(score, name)
        if text and (written_text := without_surrogates(masked(text))) is not text:
            changed[name] = written_text
    return dataclasses.replace(score, **changed) if changed else score


def failure_of(error: BaseException) -> Score:
    """Return the failed score of a scorer that raised *error*."""
    if isinstance(error, TimeoutError):
        late = without_surrogates(masked(str(error)))
        return Score.failed("timeout", late or "The scorer took too long.")
    text = str(error) if isinstance(error, EvalkitError) else f"{type(error).__name__}: {error}"
    notes: list[str] = getattr(error, "__notes__", [])
    reason = infrastructure_reason(error) or "scorer_error"
    return Score.failed(reason, without_surrogates(masked(" ".join([text, *notes]))))


def columns_of(cells: list[Cells]) -> dict[str, ScoreColumn]:
    """Return *cells* as columns by key, each as long as *cells*.

    A cell that lacks a key has the plain outcome of its own (a failure, say), else is skipped.
    """
    keys = dict.fromkeys(key for cell in cells for key in cell)
    real = [key for key in keys if key != PLAIN]
    plain_only = [cell.get(PLAIN) for cell in cells]
    if real and not any(s is not None and s.status is Status.OK for s in plain_only):
        keys = dict.fromkeys(real)
    skipped = Score.skipped()
    return {
        key: ScoreColumn.from_scores(
            [
                cell.get(key) or (_spread(plain) if plain is not None else skipped)
                for cell, plain in zip(cells, plain_only, strict=True)
            ]
        )
        for key in keys
    }


def _spread(plain: Score) -> Score:
    return Score.skipped() if plain.status is Status.OK else plain

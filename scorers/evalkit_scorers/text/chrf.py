"""Score translations with chrF and chrF++, by sentence and over the whole corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.plugin import MetricFacts, UsageError
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.text.chrf_statistics import chrf_of, chrf_statistics
from evalkit_scorers.text.pairing import CorpusMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class Chrf(CorpusMetric):
    """Score each case with sentence chrF, and all cases together with corpus chrF, 0 to 100.

    The estimate is the corpus value: counts are summed over cases before the score is taken.
    """

    name: str = "text.chrf"
    char_order: int = 6
    """Longest n-grams of characters that count."""

    word_order: int = 0
    """Longest n-grams of words that count; 2 makes it chrF++."""

    beta: int = 2
    """Weight of recall against precision."""

    lowercase: bool = False
    """Compare lower-cased texts."""

    whitespace: bool = False
    """Count white space as characters."""

    eps_smoothing: bool = False
    """Score as chrF++.py, NLTK and Moses do, rather than as sacrebleu does by default."""

    facts: ClassVar[MetricFacts] = MetricFacts(low=0.0, high=100.0)

    def __post_init__(self) -> None:
        if self.char_order < 1 or self.word_order < 0:
            raise UsageError(
                "char_order= is at least 1 and word_order= at least 0, not "
                f"{self.char_order} and {self.word_order}."
            )
        if self.beta <= 0:
            raise UsageError(f"beta= is above 0, not {self.beta}.")

    def compute(self, totals: FloatArray, /) -> FloatArray:
        """Return the score of summed counts."""
        return chrf_of(totals, beta=self.beta, eps_smoothing=self.eps_smoothing)

    def statistics(self, outputs: list[str], references: list[list[str]]) -> FloatArray:
        """Return the counts of each sentence."""
        return chrf_statistics(
            outputs,
            references,
            char_order=self.char_order,
            word_order=self.word_order,
            beta=self.beta,
            lowercase=self.lowercase,
            whitespace=self.whitespace,
            eps_smoothing=self.eps_smoothing,
        )

"""Score translations with BLEU, by sentence and over the whole corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from evalkit.plugin import MetricFacts, UsageError, near_miss
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.text.bleu_statistics import (
    SMOOTHING,
    bleu_of,
    bleu_statistics,
    check_tokenizer,
)
from evalkit_scorers.text.pairing import CorpusMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class Bleu(CorpusMetric):
    """Score each case with sentence BLEU, and all cases together with corpus BLEU, 0 to 100.

    The estimate is the corpus value: counts are summed over cases before the score is taken.  The
    cells are sentence scores, always with effective order, as sacrebleu's ``sentence_bleu``.
    """

    name: str = "text.bleu"
    tokenize: str = "13a"
    """Tokenizer of sacrebleu: ``13a``, ``intl``, ``zh``, ``char``, ``none`` and others."""

    lowercase: bool = False
    """Compare lower-cased texts."""

    smooth_method: Literal["none", "floor", "add-k", "exp"] = "exp"
    """What an n-gram length without a match counts."""

    smooth_value: float | None = None
    """Value of ``floor`` (0.1 by default) and ``add-k`` (1 by default)."""

    max_order: int = 4
    """Longest n-grams that count."""

    effective_order: bool = False
    """Leave out n-gram lengths that the whole corpus does not have."""

    facts: ClassVar[MetricFacts] = MetricFacts(low=0.0, high=100.0)

    def __post_init__(self) -> None:
        check_tokenizer(self.tokenize)
        if self.smooth_method not in SMOOTHING:
            raise UsageError(
                f"smooth_method={self.smooth_method!r} is unknown."
                f"{near_miss(self.smooth_method, SMOOTHING)} There are: {', '.join(SMOOTHING)}."
            )
        if self.max_order < 1:
            raise UsageError(f"max_order= is at least 1, not {self.max_order}.")
        if self.smooth_value is not None and self.smooth_value < 0:
            raise UsageError(f"smooth_value= is at least 0, not {self.smooth_value}.")

    def compute(self, totals: FloatArray, /) -> FloatArray:
        """Return the score of summed counts."""
        return self._score(totals, effective_order=self.effective_order)

    def statistics(self, outputs: list[str], references: list[list[str]]) -> FloatArray:
        """Return the counts of each sentence."""
        return bleu_statistics(
            outputs,
            references,
            tokenize=self.tokenize,
            lowercase=self.lowercase,
            max_order=self.max_order,
        )

    def sentence_scores(self, statistics: FloatArray) -> FloatArray:
        """Return sentence BLEU, with effective order."""
        return self._score(statistics, effective_order=True)

    def _score(self, statistics: FloatArray, *, effective_order: bool) -> FloatArray:
        return bleu_of(
            statistics,
            smooth_method=self.smooth_method,
            smooth_value=self.smooth_value,
            effective_order=effective_order,
        )

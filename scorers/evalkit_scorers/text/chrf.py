"""Score translations with chrF and chrF++, by sentence and over the whole corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn, UsageError
from evalkit_scorers.text.chrf_statistics import chrf_of, chrf_statistics
from evalkit_scorers.text.pairing import corpus_column

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Chrf:
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
    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations"})
    version: ClassVar[str] = "1"
    corpus: ClassVar[str] = "additive"

    def __post_init__(self) -> None:
        if self.char_order < 1 or self.word_order < 0:
            raise UsageError(
                "char_order= is at least 1 and word_order= at least 0, not "
                f"{self.char_order} and {self.word_order}."
            )
        if self.beta <= 0:
            raise UsageError(f"beta= is above 0, not {self.beta}.")

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return sentence chrF of each case and its counts; skipped without output or reference."""
        width = 3 * (self.char_order + self.word_order)
        return corpus_column(batch, self._statistics, self.compute, width)

    def compute(self, totals: npt.NDArray[np.float64], /) -> npt.NDArray[np.float64]:
        """Return chrF of summed counts, shape ``(..., k)`` to ``(...)``."""
        return chrf_of(totals, beta=self.beta, eps_smoothing=self.eps_smoothing)

    def signature_details(self, references: int | None = 1) -> str:
        """Return sacrebleu's own signature of this metric.

        Args:
            references: References of each case; ``None`` if their number varies.
        """
        from sacrebleu.metrics.chrf import CHRF

        metric = CHRF(
            char_order=self.char_order,
            word_order=self.word_order,
            beta=self.beta,
            lowercase=self.lowercase,
            whitespace=self.whitespace,
            eps_smoothing=self.eps_smoothing,
        )
        metric.num_refs = -1 if references is None else references
        return str(metric.get_signature())

    def _statistics(
        self, outputs: list[str], references: list[list[str]]
    ) -> npt.NDArray[np.float64]:
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

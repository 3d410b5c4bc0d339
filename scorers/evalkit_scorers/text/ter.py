"""Score translations with the translation edit rate, by sentence and over the whole corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalkit.plugin import MetricFacts
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.text.pairing import CorpusMetric


def ter_statistics(
    outputs: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    normalized: bool = False,
    no_punct: bool = False,
    asian_support: bool = False,
    case_sensitive: bool = False,
) -> FloatArray:
    """Return the edits of each sentence and the length that they are counted against.

    Edits are insertions, deletions and substitutions of words, and shifts of phrases, to the
    reference that needs fewest; the length is the mean over references.
    Outputs have shape ``(n,)``, with one or more references each; settings are those of `Ter`.

    Returns:
        Shape ``(n, 2)``.

    Examples:
        >>> ter_statistics(["d e f g h a b c"], [["a b c d e f g h"]]).tolist()
        [[1.0, 8.0]]

    References:
        Snover et al. (2006), *A Study of Translation Edit Rate*; computed by sacrebleu, which
        follows Tercom.
    """
    from sacrebleu.metrics.ter import TER

    metric = TER(normalized, no_punct, asian_support, case_sensitive)
    counts = np.empty((len(outputs), 2))
    for row, (output, wanted) in enumerate(zip(outputs, references, strict=True)):
        score = metric.sentence_score(output, wanted)
        counts[row] = score.num_edits, score.ref_length
    return counts


def ter_of(statistics: FloatArray) -> FloatArray:
    """Return the edit rate in per cent, at least 0, of rows of `ter_statistics` or their sums.

    Without any reference word it is 0 where there is nothing to edit, else 100.

    Examples:
        >>> import numpy as np
        >>> ter_of(np.array([[1.0, 8.0], [0.0, 0.0], [3.0, 0.0]])).tolist()
        [12.5, 0.0, 100.0]
    """
    counts = np.asarray(statistics, dtype=np.float64)
    edits, length = counts[..., 0], counts[..., 1]
    rate = edits / np.where(length > 0, length, 1.0)
    return np.asarray(100 * np.where(length > 0, rate, edits > 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ter(CorpusMetric):
    """Score each case with sentence TER, and all cases together with corpus TER, in per cent.

    Lower is better, and there is no upper bound.  The estimate is the corpus value: edits and
    lengths are summed over cases.
    """

    name: str = "text.ter"
    normalized: bool = False
    """Split punctuation off words and decode XML entities first, as Tercom does."""

    no_punct: bool = False
    """Leave out punctuation."""

    asian_support: bool = False
    """Treat Chinese and Japanese characters apart, where texts are normalised."""

    case_sensitive: bool = False
    """Tell upper from lower case."""

    facts: ClassVar[MetricFacts] = MetricFacts(direction="lower", low=0.0, best_for_identity=True)

    def compute(self, totals: FloatArray, /) -> FloatArray:
        return ter_of(totals)

    def statistics(self, outputs: list[str], references: list[list[str]]) -> FloatArray:
        return ter_statistics(
            outputs,
            references,
            normalized=self.normalized,
            no_punct=self.no_punct,
            asian_support=self.asian_support,
            case_sensitive=self.case_sensitive,
        )

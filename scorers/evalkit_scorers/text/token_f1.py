"""Score the overlap of the words of output and reference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from evalkit.plugin import UNIT, CaseBatch, ScoreColumn
from evalkit_scorers.metric import ReferenceMetric
from evalkit_scorers.text.matches import squad_normalized
from evalkit_scorers.text.pairing import best_reference


def token_f1(output: str, reference: str, *, normalize: bool = False) -> float:
    """Return the harmonic mean of word precision and recall, in [0, 1].

    Words are split on white space and compared case-folded, as bags.  Two texts without words
    agree fully; one text without words agrees with nothing.  With *normalize* punctuation and the
    articles *a*, *an*, *the* are left out first: the value is that of SQuAD's evaluation script.

    Examples:
        >>> token_f1("the cat sat", "the cat ran")
        0.6666666666666666
        >>> token_f1("The cat!", "cat", normalize=True)
        1.0

    References:
        Rajpurkar et al. (2016), *SQuAD*, F1 score.
    """
    if normalize:
        got, wanted = squad_normalized(output).split(), squad_normalized(reference).split()
    else:
        got, wanted = output.casefold().split(), reference.casefold().split()
    if not got or not wanted:
        return float(got == wanted)
    shared = (Counter(got) & Counter(wanted)).total()
    return 2 * shared / (len(got) + len(wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenF1(ReferenceMetric):
    """Score each case with `token_f1`, against the reference that it matches best."""

    name: str = "text.token_f1"
    normalize: bool = False
    """Leave out punctuation and articles first, as SQuAD does."""

    facts = UNIT

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the overlap of each case, in [0, 1]; skipped without output or reference."""
        return best_reference(
            batch, lambda output, text: token_f1(output, text, normalize=self.normalize)
        )

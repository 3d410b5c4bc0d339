"""Score whether the output is a reference, but for case, punctuation and articles."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.plugin import CaseBatch, ScoreColumn
from evalkit_scorers.metric import YES_OR_NO, ReferenceMetric
from evalkit_scorers.text.pairing import best_reference
from evalkit_scorers.text.squad import squad_normalized


def normalized_match(output: str, reference: str) -> bool:
    """Return whether two texts are equal once normalised as in SQuAD.

    Case, ASCII punctuation, the articles *a*, *an*, *the* and the amount of white space do not
    count.

    Examples:
        >>> normalized_match("The Eiffel Tower.", "eiffel tower")
        True

    References:
        Rajpurkar et al. (2016), *SQuAD*, exact match of the official evaluation script.
    """
    return squad_normalized(output) == squad_normalized(reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedMatch(ReferenceMetric):
    """Score each case with `normalized_match`: whether any of its references matches."""

    name: str = "text.normalized_match"

    facts = YES_OR_NO

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return yes or no for each case; skipped without output or reference."""
        return best_reference(batch, normalized_match, binary=True)

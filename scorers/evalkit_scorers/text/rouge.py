"""Score how much of the references' words, word pairs and word order the output holds."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, NamedTuple

import numpy as np

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn, UsageError
from evalkit_scorers.arrays import FloatArray, IntArray
from evalkit_scorers.metric import SHARE, ReferenceMetric
from evalkit_scorers.text.ngrams import clipped_matches, numbering, partition
from evalkit_scorers.text.pairing import (
    AS_READ,
    best_of_each,
    paired_texts,
    say_how_read,
    spread,
    with_each_reference,
)
from evalkit_scorers.text.words import NO_SPACES, check_tokenizer, tokenizer


def union_matches(outputs: Sequence[str], references: Sequence[str]) -> int:
    """Return how many symbols of the reference's sentences its union of subsequences covers.

    Each sentence of the reference is aligned with every sentence of the output; a symbol counts if
    any of these alignments has it, though never more often than both whole texts hold it.  The
    count depends on which of several longest subsequences is taken: see `aligned`.

    Examples:
        >>> union_matches(["abf", "acghe"], ["abcde"])
        4

    References:
        Lin (2004), *ROUGE*, section 3.2 (summary-level LCS), with the clipping of ROUGE-1.5.5.
    """
    left_in_output = Counter("".join(outputs))
    left_in_reference = Counter("".join(references))
    masks = [(positions(sentence), len(sentence)) for sentence in outputs]
    matches = 0
    for sentence in references:
        covered: set[int] = set()
        for places, length in masks:
            covered.update(aligned(sentence, places, length))
        for symbol in [sentence[place] for place in sorted(covered)]:
            if left_in_output[symbol] > 0 and left_in_reference[symbol] > 0:
                matches += 1
                left_in_output[symbol] -= 1
                left_in_reference[symbol] -= 1
    return matches


def positions(text: str) -> dict[str, int]:
    """Return where each symbol stands, as a number whose bit *i* is set for place *i*.

    Examples:
        >>> positions("aba")
        {'a': 5, 'b': 2}
    """
    places: dict[str, int] = {}
    for place, symbol in enumerate(text):
        places[symbol] = places.get(symbol, 0) | (1 << place)
    return places


def aligned(reference: str, places: dict[str, int], length: int) -> list[int]:
    """Return the places of *reference* in one longest common subsequence with another text.

    The length of the subsequence up to every place of the other text is kept as bits (set where it
    does not grow), one number for each row of the usual table; rows of symbols that the other text
    lacks change nothing and are left out.  The walk back from the end takes a symbol wherever both
    ends are equal, or else where the length would be lost without it: rouge-score's choice.

    The other text is given by `positions` and its length.

    Examples:
        >>> aligned("abcde", positions("acghe"), 5)
        [4, 2, 0]

    References:
        Hyyrö (2004), *Bit-parallel LCS-length computation revisited*.
    """
    rows = [(place, places[symbol]) for place, symbol in enumerate(reference) if symbol in places]
    full = (1 << length) - 1
    flat = full
    table = [flat]
    for _, mask in rows:
        shared = flat & mask
        flat = ((flat + shared) | (flat - shared)) & full
        table.append(flat)
    taken: list[int] = []
    column, longest = length, length - flat.bit_count()
    for row in range(len(rows) - 1, -1, -1):
        if not longest:
            break
        place, mask = rows[row]
        window = (1 << column) - 1
        above = column - (table[row] & window).bit_count()
        if above < longest:
            column = (mask & window).bit_length() - 1
        elif mask >> (column - 1) & 1:
            column -= 1
        else:
            continue
        taken.append(place)
        longest -= 1
    return taken


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

    Words are runs of ASCII letters and digits of the lower-cased text; all else separates.  In
    scripts other than Latin, of which rouge-score has no words, they are runs of letters, and
    single characters where the script writes no spaces.

    Examples:
        >>> symbols = WordSymbols(stemmer=False)
        >>> [len(text) for text in symbols.of(["A cat, a cat.", "été", "добрый день", "你好"])]
        [4, 1, 2, 2]

    References:
        Lin (2004), *ROUGE*; words and stems are those of Google's rouge-score.
    """

    __slots__ = ("_known", "_lines", "_stemmer", "_tokenize")

    def __init__(self, *, stemmer: bool, lines: bool = False, tokenize: str | None = None) -> None:
        """Cut words to their stems if *stemmer*; keep line breaks, as `LINE`, if *lines*.

        Stems are Porter's, in NLTK's variant, of words of four or more letters.  *tokenize* names
        a tokenizer of sacrebleu, whose tokens are then the words.
        """
        self._tokenize = tokenize
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
        plain = [
            text.lower().encode("ascii", "replace").translate(table)
            if text.isascii() and self._tokenize is None
            else self._other(text.lower(), table)
            for text in texts
        ]
        joined = b" \x00 ".join(plain)
        if self._lines:
            joined = joined.replace(b"\n", b" \x01 ")
        return "".join(map(self._known.__getitem__, joined.split())).split("\x00")

    def _other(self, text: str, table: bytes) -> bytes:
        """Return the words of a text that is not all ASCII, or that a tokenizer is to split."""
        if self._tokenize is None and _NOT_LATIN.search(text) is None:
            return text.encode("ascii", "replace").translate(table)
        lines = text.split("\n") if self._lines else [text]
        split = _words if self._tokenize is None else tokenizer(self._tokenize)
        return "\n".join(map(split, lines)).encode("utf-8", "replace")

    def _empty(self) -> dict[bytes, str]:
        symbols = numbering()
        for mark in _MARKS:
            symbols[mark]
        return _Stems(symbols) if self._stemmer else symbols


_OTHER_LETTERS: Final = (
    r"\u0370-\u1dff\u1f00-\u1fff\u2c00-\u2dff\ua000-\uabff\uac00-\ud7ff\ufb1d-\ufdff\ufe70-\ufeff"
)
_NOT_LATIN: Final = re.compile(f"[{NO_SPACES}{_OTHER_LETTERS}]")
_WORD: Final = re.compile(f"[a-z0-9]+|[{NO_SPACES}]|(?:(?![{NO_SPACES}])[{_OTHER_LETTERS}])+")


def _words(text: str) -> str:
    words = _WORD.findall(text)
    return " ".join(word for word in words if any(map(str.isalnum, word)))


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


_VARIANT: Final = re.compile(r"rouge(?:[1-9]|L|Lsum)")
_MEASURES: Final = ("f", "precision", "recall")
_CHOICES: Final = ("max", "mean", "first")
_CHARACTERS_A_PART: Final = 1 << 16
"""So many characters are worked on at once: few enough to stay in a core's cache."""


class RougeScores(NamedTuple):
    """Precision, recall and their harmonic mean of many pairs, shape ``(n,)`` each, in [0, 1]."""

    precision: FloatArray
    recall: FloatArray
    f: FloatArray


def rouge_scores(
    outputs: Sequence[str],
    references: Sequence[str],
    *,
    variants: Sequence[str] = ("rouge1", "rouge2", "rougeL"),
    stemmer: bool = False,
    tokenize: str | None = None,
) -> dict[str, RougeScores]:
    r"""Return ROUGE scores of each output against the reference at the same place.

    ``rouge1`` to ``rouge9`` count shared n-grams of words, ``rougeL`` the longest common
    subsequence of words, and ``rougeLsum`` the union of such subsequences over lines (sentences
    are to be separated by newlines).  A text without words scores 0, against itself too.

    Args:
        outputs: Answers, shape ``(n,)``.
        references: What they should have been, shape ``(n,)``.
        variants: Which scores to compute; no others are.
        stemmer: Compare the Porter stems of words of four or more letters.
        tokenize: Tokenizer of sacrebleu whose tokens are the words; see `WordSymbols` for ``None``.

    Returns:
        Scores by variant.

    Raises:
        UsageError: If a variant is unknown.

    Examples:
        >>> found = rouge_scores(["the cat sat"], ["the cat ran"], variants=["rouge1", "rouge2"])
        >>> found["rouge1"].f.round(3).tolist(), found["rouge2"].recall.tolist()
        ([0.667], [0.5])

    References:
        Lin (2004), *ROUGE: A Package for Automatic Evaluation of Summaries*; values are those of
        Google's rouge-score 0.1.2.
    """
    checked = _checked(variants)
    sizes = [len(got) + len(wanted) for got, wanted in zip(outputs, references, strict=True)]
    symbols = WordSymbols(stemmer=stemmer, lines="rougeLsum" in checked, tokenize=tokenize)
    parts = [
        _part_scores(outputs[start:stop], references[start:stop], checked, symbols)
        for start, stop in partition(sizes, _CHARACTERS_A_PART)
    ]
    return {
        variant: RougeScores(
            *(np.concatenate([np.zeros(0), *(p[variant][i] for p in parts)]) for i in range(3))
        )
        for variant in checked
    }


def _checked(variants: Sequence[str]) -> tuple[str, ...]:
    if isinstance(variants, str):
        variants = (variants,)
    for variant in variants:
        if not _VARIANT.fullmatch(variant):
            raise UsageError(
                f"There is no ROUGE variant {variant!r}: use rouge1 to rouge9, rougeL, rougeLsum."
            )
    return tuple(dict.fromkeys(variants))


def _part_scores(
    outputs: Sequence[str], references: Sequence[str], variants: Sequence[str], symbols: WordSymbols
) -> dict[str, RougeScores]:
    lines = "rougeLsum" in variants
    texts = symbols.of([*outputs, *references])
    got, wanted = texts[: len(outputs)], texts[len(outputs) :]
    lined = list(zip(got, wanted, strict=True))
    if lines:
        got = [text.replace(LINE, "") for text in got]
        wanted = [text.replace(LINE, "") for text in wanted]
    n_got, n_wanted = _lengths(got), _lengths(wanted)

    scores: dict[str, RougeScores] = {}
    orders = sorted(int(variant[5:]) for variant in variants if variant[5:].isdigit())
    matches = clipped_matches(got, [(text,) for text in wanted], orders) if orders else None
    for column, order in enumerate(orders):
        assert matches is not None  # noqa: S101  orders is not empty
        shorter = order - 1
        scores[f"rouge{order}"] = _scores(
            matches[:, column], np.maximum(n_got - shorter, 0), np.maximum(n_wanted - shorter, 0)
        )
    if "rougeL" in variants or lines:
        from rapidfuzz.distance import LCSseq

        shared = np.fromiter(map(LCSseq.similarity, got, wanted), dtype=np.int64, count=len(got))
        scores["rougeL"] = _scores(shared, n_got, n_wanted)
        if lines:
            scores["rougeLsum"] = _scores(_union_lengths(lined, shared), n_got, n_wanted)
    return scores


def _lengths(texts: Sequence[str]) -> IntArray:
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def _union_lengths(lined: Sequence[tuple[str, str]], shared: IntArray) -> IntArray:
    united = shared.copy()
    for row, (output, reference) in enumerate(lined):
        # One line against one line is a plain subsequence: every match counts, and counts once.
        if LINE in output or LINE in reference:
            united[row] = union_matches(output.split(LINE), reference.split(LINE))
    return united


def _scores(matches: IntArray, n_got: IntArray, n_wanted: IntArray) -> RougeScores:
    precision = matches / np.maximum(n_got, 1)
    recall = matches / np.maximum(n_wanted, 1)
    total = precision + recall
    return RougeScores(precision, recall, 2 * precision * recall / np.where(total > 0, total, 1))


NOTHING_TO_COUNT: Final = "output and reference are equal and have nothing to count, which is 0"
"""What the estimate says of such cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rouge(ReferenceMetric):
    """Score each case with the words that it shares with its reference: a metric for each ROUGE."""

    name: str = "text.rouge"
    variants: Sequence[str] = ("rouge1", "rouge2", "rougeL", "rougeLsum")
    """Which of ``rouge1`` to ``rouge9``, ``rougeL`` and ``rougeLsum`` to compute."""

    stemmer: bool = False
    """Compare the Porter stems of words of four or more letters."""

    tokenize: str | None = None
    """Tokenizer of sacrebleu, such as ``zh``, ``ja-mecab``, ``ko-mecab``, ``char``, ``flores200``.
    ``None`` takes rouge-score's words, and in other scripts runs of letters, or characters where
    there are no spaces."""

    version: ClassVar[str] = "2"
    measure: Literal["f", "precision", "recall"] = "f"
    """What to report of precision, recall and their harmonic mean."""

    references: Literal["max", "mean", "first"] = "max"
    """Of several references: the one with the best harmonic mean, the mean, or the first."""

    facts = SHARE

    def __post_init__(self) -> None:
        object.__setattr__(self, "variants", _checked(self.variants))
        if not self.variants:
            raise UsageError("text.rouge needs at least one of its variants.")
        if self.tokenize is not None:
            check_tokenizer(self.tokenize)
        if self.measure not in _MEASURES:
            raise UsageError(f"measure= is one of {', '.join(_MEASURES)}, not {self.measure!r}.")
        if self.references not in _CHOICES:
            raise UsageError(f"references= is one of {', '.join(_CHOICES)}.")

    @property
    def metric_facts(self) -> Mapping[str, MetricFacts]:
        """Facts of each variant asked for."""
        return dict.fromkeys(self.variants, SHARE)

    def score_batch(self, batch: CaseBatch, /) -> dict[str, ScoreColumn]:
        """Return a column for each variant, in [0, 1]; skipped without output or reference."""
        rows, outputs, wanted = paired_texts(batch)
        if self.references == "first":
            wanted = [texts[:1] for texts in wanted]
        got, texts, repeats = with_each_reference(outputs, wanted)
        scores = rouge_scores(
            got, texts, variants=self.variants, stemmer=self.stemmer, tokenize=self.tokenize
        )
        columns = {
            variant: spread(self._reduced(scores[variant], repeats), rows, len(batch))
            for variant in self.variants
        }
        for column in columns.values():
            say_how_read(column, batch, cuts=self.tokenize is None)
            for row, output, texts in zip(rows, outputs, wanted, strict=True):
                if column.values[row] == 0 and output in texts:
                    column.metadata[row] = {AS_READ: NOTHING_TO_COUNT}
        return columns

    def _reduced(self, scores: RougeScores, repeats: IntArray) -> FloatArray:
        values: FloatArray = getattr(scores, self.measure)
        if len(values) == len(repeats):
            return values
        if self.references == "mean":
            return np.add.reduceat(values, np.cumsum(repeats) - repeats) / repeats
        return values[best_of_each(scores.f, repeats)]

"""chrF and chrF++, by sentence and over the whole corpus: counts first, then the score of sums."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from evalkit.plugin import MetricFacts, UsageError
from evalkit_scorers.arrays import FloatArray
from evalkit_scorers.text.ngrams import clipped_matches, numbering, partition
from evalkit_scorers.text.pairing import CorpusMetric, best_of_each, with_each_reference

_PUNCTUATION: Final = frozenset(string.punctuation)
_ALMOST_NOTHING: Final = 1e-16
_CHARACTERS_A_PART: Final = 1 << 14


def chrf_statistics(
    outputs: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    char_order: int = 6,
    word_order: int = 0,
    beta: float = 2.0,
    lowercase: bool = False,
    whitespace: bool = False,
    eps_smoothing: bool = False,
) -> FloatArray:
    """Return the counts of each sentence from which chrF is computed.

    Outputs have shape ``(n,)``, with one or more references each, of which the one with the best
    sentence score is counted.  Settings are those of `Chrf`.

    Returns:
        Shape ``(n, 3 * (char_order + word_order))``: for each length the n-grams of the output,
        of the reference, and those that match.

    Examples:
        >>> chrf_statistics(["abc"], [["abd"]], char_order=2).tolist()
        [[3.0, 3.0, 2.0, 2.0, 2.0, 1.0]]

    References:
        Popović (2015), *chrF*; Popović (2017), *chrF++*; counts are those of sacrebleu.
    """
    got, wanted, repeats = with_each_reference(outputs, references)
    if lowercase:
        got, wanted = [text.lower() for text in got], [text.lower() for text in wanted]
    sizes = [len(left) + len(right) for left, right in zip(got, wanted, strict=True)]
    counts = np.zeros((len(got), 3 * (char_order + word_order)))
    for start, stop in partition(sizes, _CHARACTERS_A_PART):
        pairs = got[start:stop], wanted[start:stop]
        dense = [pair if whitespace else ["".join(t.split()) for t in pair] for pair in pairs]
        counts[start:stop, : 3 * char_order] = _counts(dense[0], dense[1], char_order)
        if word_order:
            symbol = numbering().__getitem__
            words = [["".join(map(symbol, chrf_words(t))) for t in pair] for pair in pairs]
            counts[start:stop, 3 * char_order :] = _counts(words[0], words[1], word_order)
    if len(counts) == len(repeats):
        return counts
    return counts[best_of_each(chrf_of(counts, beta=beta, eps_smoothing=eps_smoothing), repeats)]


def chrf_words(text: str) -> list[str]:
    """Return the words of *text* as chrF++ has them: with one punctuation mark cut off each.

    Examples:
        >>> chrf_words('"Hi," she said...')
        ['"Hi,', '"', 'she', 'said..', '.']

    References:
        Popović (2017), *chrF++*; the reference implementation cuts the mark at the end if there is
        one, else that at the beginning.
    """
    words: list[str] = []
    for word in text.split():
        if len(word) == 1:
            words.append(word)
        elif word[-1] in _PUNCTUATION:
            words += (word[:-1], word[-1])
        elif word[0] in _PUNCTUATION:
            words += (word[0], word[1:])
        else:
            words.append(word)
    return words


def _counts(got: Sequence[str], wanted: Sequence[str], max_order: int) -> FloatArray:
    n_got, n_wanted = (
        np.maximum([[len(text)] for text in texts] - np.arange(max_order), 0)
        for texts in (got, wanted)
    )
    matches = clipped_matches(got, [(text,) for text in wanted], range(1, max_order + 1))
    # A length that the reference does not have takes nothing from precision.
    n_got = np.where(n_wanted > 0, n_got, 0)
    return np.stack([n_got, n_wanted, matches], axis=-1).reshape(len(got), -1).astype(np.float64)


def chrf_of(
    statistics: FloatArray, *, beta: float = 2.0, eps_smoothing: bool = False
) -> FloatArray:
    """Return chrF, 0 to 100, of counts as `chrf_statistics` gives them, or of sums of such.

    From shape ``(..., 3 * orders)`` to ``(...)``; settings are those of `Chrf`.  With
    *eps_smoothing* the score is the mean over all lengths, each with a tiny constant for nothing;
    else that of the mean precision and recall over the lengths that both texts have.

    Examples:
        >>> chrf_of(chrf_statistics(["a cat sat"], [["a cat sat"]])).tolist()
        [100.0]

    References:
        Popović (2015), *chrF: character n-gram F-score*; values are those of sacrebleu.
    """
    counts = np.asarray(statistics, dtype=np.float64)
    orders = counts.shape[-1] // 3
    factor = beta**2
    shape = counts.shape[:-1]
    total, precision, recall, used = (np.zeros(shape) for _ in range(4))
    for order in range(orders):
        got, wanted, matched = (counts[..., 3 * order + column] for column in range(3))
        p = np.where(got > 0, matched / np.maximum(got, 1), _ALMOST_NOTHING)
        r = np.where(wanted > 0, matched / np.maximum(wanted, 1), _ALMOST_NOTHING)
        total += _f_measure(p, r, factor, empty=_ALMOST_NOTHING)
        both = (got > 0) & (wanted > 0)
        precision += np.where(both, p, 0.0)
        recall += np.where(both, r, 0.0)
        used += both
    if eps_smoothing:
        return np.asarray(100 * total / orders)
    lengths = np.maximum(used, 1)
    return np.asarray(100 * _f_measure(precision / lengths, recall / lengths, factor, empty=0.0))


def _f_measure(
    precision: FloatArray, recall: FloatArray, factor: float, *, empty: float
) -> FloatArray:
    denominator = factor * precision + recall
    positive = denominator > 0
    score = (1 + factor) * precision * recall / np.where(positive, denominator, 1.0)
    return np.where(positive, score, empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chrf(CorpusMetric):
    """Score each case with sentence chrF, and all cases together with corpus chrF, 0 to 100.

    The estimate is the corpus value: counts are summed over cases before the score is taken.
    """

    name: str = "text.chrf"
    char_order: int = 6
    """Longest n-grams of characters that count."""

    word_order: int = 0
    """Longest n-grams of words that count; 2 makes it chrF++."""

    beta: int = 2
    """Weight of recall against precision."""

    lowercase: bool = False
    """Compare lower-cased texts."""

    whitespace: bool = False
    """Count white space as characters."""

    eps_smoothing: bool = False
    """Score as chrF++.py, NLTK and Moses do, rather than as sacrebleu does by default."""

    facts: ClassVar[MetricFacts] = MetricFacts(low=0.0, high=100.0)

    def __post_init__(self) -> None:
        if self.char_order < 1 or self.word_order < 0:
            raise UsageError(
                "char_order= is at least 1 and word_order= at least 0, not "
                f"{self.char_order} and {self.word_order}."
            )
        if self.beta <= 0:
            raise UsageError(f"beta= is above 0, not {self.beta}.")

    def compute(self, totals: FloatArray, /) -> FloatArray:
        return chrf_of(totals, beta=self.beta, eps_smoothing=self.eps_smoothing)

    def statistics(self, outputs: list[str], references: list[list[str]]) -> FloatArray:
        return chrf_statistics(
            outputs,
            references,
            char_order=self.char_order,
            word_order=self.word_order,
            beta=self.beta,
            lowercase=self.lowercase,
            whitespace=self.whitespace,
            eps_smoothing=self.eps_smoothing,
        )

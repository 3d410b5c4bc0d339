"""BLEU, by sentence and over the whole corpus: counts of each sentence, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Final, Literal

import numpy as np

from evalkit.plugin import MetricFacts, UsageError, near_miss
from evalkit_scorers.arrays import BoolArray, FloatArray, IntArray
from evalkit_scorers.text.ngrams import clipped_matches, numbering, partition
from evalkit_scorers.text.pairing import CorpusMetric
from evalkit_scorers.text.words import check_tokenizer, cut, tokenizer

SMOOTHING: Final = {"none": None, "floor": 0.1, "add-k": 1.0, "exp": None}
"""Ways of smoothing, each with the default of its value."""

_CHARACTERS_A_PART: Final = 1 << 15


def bleu_statistics(
    outputs: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    tokenize: str | None = None,
    lowercase: bool = False,
    max_order: int = 4,
) -> FloatArray:
    """Return the counts of each sentence from which BLEU is computed, by settings of `Bleu`.

    Outputs have shape ``(n,)``, with one or more references each.

    Returns:
        Shape ``(n, 2 + 2 * max_order)``: tokens of the output, tokens of the reference nearest in
        length, n-grams matched by length, n-grams of the output by length.

    Examples:
        >>> bleu_statistics(["the cat sat"], [["the cat ran"]], max_order=2).tolist()
        [[3.0, 3.0, 2.0, 1.0, 3.0, 2.0]]

    References:
        Papineni et al. (2002), *BLEU*; counts are those of sacrebleu.
    """
    split = tokenizer(tokenize or "13a")

    def tokens(text: str) -> list[str]:
        words = split((text.lower() if lowercase else text).rstrip())
        return (words if tokenize else cut(words)).split()

    sizes = [
        len(output) + sum(map(len, wanted))
        for output, wanted in zip(outputs, references, strict=True)
    ]
    parts: list[FloatArray] = [np.zeros((0, 2 + 2 * max_order))]
    for start, stop in partition(sizes, _CHARACTERS_A_PART):
        symbol = numbering().__getitem__
        got = ["".join(map(symbol, tokens(text))) for text in outputs[start:stop]]
        wanted = [
            ["".join(map(symbol, tokens(text))) for text in texts]
            for texts in references[start:stop]
        ]
        parts.append(_counts(got, wanted, max_order))
    return np.concatenate(parts)


def _counts(got: Sequence[str], wanted: Sequence[Sequence[str]], max_order: int) -> FloatArray:
    counts = np.empty((len(got), 2 + 2 * max_order))
    counts[:, 0] = lengths = np.fromiter(map(len, got), dtype=np.int64, count=len(got))
    counts[:, 1] = _nearest_lengths(lengths, wanted)
    counts[:, 2 : 2 + max_order] = clipped_matches(got, wanted, range(1, max_order + 1))
    counts[:, 2 + max_order :] = np.maximum(lengths[:, None] - np.arange(max_order), 0)
    return counts


def _nearest_lengths(lengths: IntArray, wanted: Sequence[Sequence[str]]) -> IntArray:
    if all(len(texts) == 1 for texts in wanted):
        return np.fromiter(map(len, chain.from_iterable(wanted)), dtype=np.int64)
    nearest = [
        min((abs(length - len(text)), len(text)) for text in texts)[1]
        for length, texts in zip(lengths.tolist(), wanted, strict=True)
    ]
    return np.array(nearest, dtype=np.int64)


def bleu_of(
    statistics: FloatArray,
    *,
    smooth_method: str = "exp",
    smooth_value: float | None = None,
    effective_order: bool = False,
) -> FloatArray:
    """Return BLEU, 0 to 100, of counts as `bleu_statistics` gives them, or of sums of such.

    From shape ``(..., 2 + 2 * max_order)`` to ``(...)``; 0 where nothing matches.  Settings are
    those of `Bleu`.

    Examples:
        >>> bleu_of(bleu_statistics(["a b c d e"], [["a b c d x"]])).round(2).tolist()
        [66.87]

    References:
        Papineni et al. (2002), *BLEU*; Chen and Cherry (2014) for smoothing; values are those of
        sacrebleu.
    """
    counts = np.asarray(statistics, dtype=np.float64)
    max_order = (counts.shape[-1] - 2) // 2
    got, wanted = counts[..., 0], counts[..., 1]
    correct, total = counts[..., 2 : 2 + max_order], counts[..., 2 + max_order :]
    value = SMOOTHING[smooth_method] if smooth_value is None else smooth_value
    if smooth_method == "add-k":
        added = np.where(np.arange(max_order) > 0, value or 0.0, 0.0)
        correct, total = correct + added, total + added

    # Lengths from the first one without n-grams on do not count.
    possible = np.logical_and.accumulate(total > 0, axis=-1)
    numerator = _smoothed(correct, possible, smooth_method, value)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(possible, np.log(100.0 * numerator / total), -np.inf)
        penalty = np.where(got < wanted, np.exp(1 - wanted / got), 1.0)
    orders = possible.sum(axis=-1) if effective_order else np.full(got.shape, max_order)
    used = np.arange(max_order) < orders[..., None]
    mean = np.where(used, logs, 0.0).sum(axis=-1) / np.maximum(orders, 1)
    matched = counts[..., 2 : 2 + max_order].any(axis=-1)
    # The exponential of log 100 is a little more than 100.
    return np.where(matched, np.minimum(penalty * np.exp(mean), 100.0), 0.0)


def _smoothed(
    correct: FloatArray, possible: BoolArray, method: str, value: float | None
) -> FloatArray:
    missed = (correct == 0) & possible
    if method == "exp":
        return np.where(missed, 0.5 ** np.cumsum(missed, axis=-1), correct)
    if method == "floor":
        return np.where(missed, value or 0.0, correct)
    return correct


@dataclass(frozen=True, slots=True, kw_only=True)
class Bleu(CorpusMetric):
    """Score each case with sentence BLEU, and all cases together with corpus BLEU, 0 to 100.

    The estimate is the corpus value: counts are summed over cases before the score is taken.  The
    cells are sentence scores, always with effective order, as sacrebleu's ``sentence_bleu``.
    """

    name: str = "text.bleu"
    tokenize: str | None = None
    """Tokenizer of sacrebleu: ``13a``, ``intl``, ``zh``, ``ja-mecab``, ``ko-mecab``, ``char``,
    ``flores200``, ``none``.  ``None`` is ``13a``, with texts in a script without spaces cut into
    characters."""

    version: ClassVar[str] = "2"

    lowercase: bool = False
    """Compare lower-cased texts."""

    smooth_method: Literal["none", "floor", "add-k", "exp"] = "exp"
    """What an n-gram length without a match counts."""

    smooth_value: float | None = None
    """Value of ``floor`` (0.1 by default) and ``add-k`` (1 by default)."""

    max_order: int = 4
    """Longest n-grams that count."""

    effective_order: bool = False
    """Leave out n-gram lengths that the whole corpus does not have."""

    facts: ClassVar[MetricFacts] = MetricFacts(low=0.0, high=100.0)

    def __post_init__(self) -> None:
        if self.tokenize is not None:
            check_tokenizer(self.tokenize)
        if self.smooth_method not in SMOOTHING:
            raise UsageError(
                f"smooth_method={self.smooth_method!r} is unknown."
                f"{near_miss(self.smooth_method, SMOOTHING)} There are: {', '.join(SMOOTHING)}."
            )
        if self.max_order < 1:
            raise UsageError(f"max_order= is at least 1, not {self.max_order}.")
        if self.smooth_value is not None and self.smooth_value < 0:
            raise UsageError(f"smooth_value= is at least 0, not {self.smooth_value}.")

    @property
    def cuts(self) -> bool:
        """Whether texts in a script without spaces are cut into characters."""
        return self.tokenize is None

    def compute(self, totals: FloatArray, /) -> FloatArray:
        return self._score(totals, effective_order=self.effective_order)

    def statistics(self, outputs: list[str], references: list[list[str]]) -> FloatArray:
        return bleu_statistics(
            outputs,
            references,
            tokenize=self.tokenize,
            lowercase=self.lowercase,
            max_order=self.max_order,
        )

    def sentence_scores(self, statistics: FloatArray) -> FloatArray:
        """Return sentence BLEU, with effective order."""
        return self._score(statistics, effective_order=True)

    def _score(self, statistics: FloatArray, *, effective_order: bool) -> FloatArray:
        return bleu_of(
            statistics,
            smooth_method=self.smooth_method,
            smooth_value=self.smooth_value,
            effective_order=effective_order,
        )

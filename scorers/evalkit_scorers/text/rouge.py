"""Score how much of the references' words, word pairs and word order the output holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal, NamedTuple

from evalkit.plugin import CaseBatch, MetricFacts, ScoreColumn, UsageError
from evalkit_scorers.arrays import FloatArray, IntArray
from evalkit_scorers.metric import SHARE, ReferenceMetric
from evalkit_scorers.text.ngrams import clipped_matches
from evalkit_scorers.text.pairing import paired_texts, spread
from evalkit_scorers.text.rouge_words import LINE, WordSymbols
from evalkit_scorers.text.subsequences import union_matches
from evalkit_scorers.text.symbols import partition

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
    import numpy as np

    checked = _checked(variants)
    sizes = [len(got) + len(wanted) for got, wanted in zip(outputs, references, strict=True)]
    symbols = WordSymbols(stemmer=stemmer, lines="rougeLsum" in checked)
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
    for variant in variants:
        if not _VARIANT.fullmatch(variant):
            raise UsageError(
                f"There is no ROUGE variant {variant!r}: use rouge1 to rouge9, rougeL, rougeLsum."
            )
    return tuple(dict.fromkeys(variants))


def _part_scores(
    outputs: Sequence[str],
    references: Sequence[str],
    variants: Sequence[str],
    symbols: WordSymbols,
) -> dict[str, RougeScores]:
    import numpy as np

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
            matches[:, column],
            np.maximum(n_got - shorter, 0),
            np.maximum(n_wanted - shorter, 0),
        )
    if "rougeL" in variants or lines:
        shared = _common_lengths(got, wanted)
        scores["rougeL"] = _scores(shared, n_got, n_wanted)
        if lines:
            scores["rougeLsum"] = _scores(_union_lengths(lined, shared), n_got, n_wanted)
    return scores


def _lengths(texts: Sequence[str]) -> IntArray:
    import numpy as np

    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def _common_lengths(got: Sequence[str], wanted: Sequence[str]) -> IntArray:
    import numpy as np
    from rapidfuzz.distance import LCSseq

    return np.fromiter(map(LCSseq.similarity, got, wanted), dtype=np.int64, count=len(got))


def _union_lengths(lined: Sequence[tuple[str, str]], shared: IntArray) -> IntArray:
    united = shared.copy()
    for row, (output, reference) in enumerate(lined):
        # One line against one line is a plain subsequence: every match counts, and counts once.
        if LINE in output or LINE in reference:
            united[row] = union_matches(output.split(LINE), reference.split(LINE))
    return united


def _scores(matches: IntArray, n_got: IntArray, n_wanted: IntArray) -> RougeScores:
    import numpy as np

    precision = matches / np.maximum(n_got, 1)
    recall = matches / np.maximum(n_wanted, 1)
    total = precision + recall
    return RougeScores(precision, recall, 2 * precision * recall / np.where(total > 0, total, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rouge(ReferenceMetric):
    """Score each case with `rouge_scores`: one metric for each variant."""

    name: str = "text.rouge"
    variants: Sequence[str] = ("rouge1", "rouge2", "rougeL", "rougeLsum")
    """Which of ``rouge1`` to ``rouge9``, ``rougeL`` and ``rougeLsum`` to compute."""

    stemmer: bool = False
    """Compare the Porter stems of words of four or more letters."""

    measure: Literal["f", "precision", "recall"] = "f"
    """What to report of precision, recall and their harmonic mean."""

    references: Literal["max", "mean", "first"] = "max"
    """Of several references: the one with the best harmonic mean, the mean, or the first."""

    facts = SHARE

    def __post_init__(self) -> None:
        object.__setattr__(self, "variants", _checked(self.variants))
        if not self.variants:
            raise UsageError("text.rouge needs at least one of its variants.")
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
        import numpy as np

        rows, outputs, wanted = paired_texts(batch)
        if self.references == "first":
            wanted = [texts[:1] for texts in wanted]
        repeats = [len(texts) for texts in wanted]
        scores = rouge_scores(
            [text for text, n in zip(outputs, repeats, strict=True) for _ in range(n)],
            list(chain.from_iterable(wanted)),
            variants=self.variants,
            stemmer=self.stemmer,
        )
        counts = np.array(repeats, dtype=np.intp)
        return {
            variant: spread(self._reduced(scores[variant], counts), rows, len(batch))
            for variant in self.variants
        }

    def _reduced(self, scores: RougeScores, repeats: IntArray) -> FloatArray:
        import numpy as np

        values: FloatArray = getattr(scores, self.measure)
        if len(values) == len(repeats):
            return values
        starts = np.cumsum(repeats) - repeats
        if self.references == "mean":
            return np.add.reduceat(values, starts) / repeats
        best = [
            start + int(np.argmax(scores.f[start : start + n]))
            for start, n in zip(starts.tolist(), repeats.tolist(), strict=True)
        ]
        return values[best]

"""Set outputs against their reference texts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Final

import numpy as np

from evalkit.plugin import Additive, CaseBatch, ScoreColumn, Status, output_texts, references
from evalkit_scorers.arrays import FloatArray, IntArray
from evalkit_scorers.metric import ReferenceMetric
from evalkit_scorers.text.words import CUT, without_spaces


def paired_texts(batch: CaseBatch) -> tuple[list[int], list[str], list[list[str]]]:
    """Return the rows that have an output and references, and these.

    An empty text is a text: only an absent output or reference leaves a row out.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(), Case(outputs="a", expectations={"expected_response": ["b", "c"]})]
        >>> paired_texts(CaseBatch.of(cases))
        ([1], ['a'], [['b', 'c']])
    """
    rows: list[int] = []
    outputs: list[str] = []
    wanted: list[list[str]] = []
    for row, (output, texts) in enumerate(zip(output_texts(batch), references(batch), strict=True)):
        if output is not None and texts is not None:
            rows.append(row)
            outputs.append(output)
            wanted.append(texts)
    return rows, outputs, wanted


def spread(
    values: Sequence[float] | FloatArray, rows: list[int], n: int, *, binary: bool = False
) -> ScoreColumn:
    """Return a column of *n* cells with *values* at *rows*, the other cells skipped.

    Examples:
        >>> spread([0.5], [1], 2).values
        array([nan, 0.5])
    """
    column = ScoreColumn.missing(n, Status.SKIPPED)
    column.values[rows] = values
    column.status[rows] = Status.OK
    column.binary = binary
    return column


def best_reference(
    batch: CaseBatch,
    similarity: Callable[[str, str], float],
    *,
    binary: bool = False,
    cuts: bool = False,
) -> ScoreColumn:
    """Return each case's largest similarity of output and reference, over its references.

    Cases without output or reference are skipped.  *similarity* is finite, or yes or no.
    """
    rows, outputs, wanted = paired_texts(batch)
    best = [
        max(similarity(output, text) for text in texts)
        for output, texts in zip(outputs, wanted, strict=True)
    ]
    return say_how_read(spread(best, rows, len(batch), binary=binary), batch, cuts=cuts)


def with_each_reference(
    outputs: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[list[str], list[str], IntArray]:
    """Return each output beside each of its references, and how many these are.

    Examples:
        >>> with_each_reference(["a", "b"], [["x"], ["y", "z"]])
        (['a', 'b', 'b'], ['x', 'y', 'z'], array([1, 2]))
    """
    repeats = np.fromiter(map(len, references), dtype=np.int64, count=len(references))
    got = [text for text, n in zip(outputs, repeats.tolist(), strict=True) for _ in range(n)]
    return got, list(chain.from_iterable(references)), repeats


def best_of_each(scores: FloatArray, repeats: IntArray) -> list[int]:
    """Return where in *scores* the best reference of each output stands, the first of equals.

    Examples:
        >>> best_of_each(np.array([0.5, 0.1, 0.9]), np.array([1, 2]))
        [0, 2]
    """
    starts = (np.cumsum(repeats) - repeats).tolist()
    return [
        start + int(scores[start : start + n].argmax())
        for start, n in zip(starts, repeats.tolist(), strict=True)
    ]


AS_READ: Final = "as_read"
"""Key of a cell's metadata for how its texts were read, which the estimate counts in its note."""


def say_how_read(column: ScoreColumn, batch: CaseBatch, *, cuts: bool = False) -> ScoreColumn:
    """Note in the cells of *column* what is odd about the texts that were compared.

    A mapping or list was compared with a text; with *cuts*, texts were cut into characters.
    """
    for row, output in enumerate(batch.outputs):
        if isinstance(output, str):
            if cuts and without_spaces(output):
                column.metadata[row] = {AS_READ: CUT}
        elif isinstance(output, (Mapping, list)) and column.status[row] == Status.OK:
            listed = isinstance(output, list)
            kind, place = ("list", 0) if listed else ("mapping", next(iter(output), "KEY"))
            part = f"reads={{'outputs': 'outputs.{place}'}}"
            column.metadata[row] = {
                AS_READ: f"the output is a {kind}, compared as JSON; {part} takes a part of it"
            }
    return column


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusMetric(ReferenceMetric):
    """A metric of texts whose counts are summed over cases before the score is taken."""

    corpus: ClassVar[str] = "additive"

    @property
    def cuts(self) -> bool:
        """Whether texts in a script without spaces are cut into characters."""
        return False

    @abstractmethod
    def statistics(self, outputs: list[str], references: list[list[str]]) -> FloatArray:
        """Return the counts of each output against its references, shape ``(m, k)``."""

    @abstractmethod
    def compute(self, totals: FloatArray, /) -> FloatArray:
        """Return the score of summed counts, shape ``(..., k)`` to ``(...)``."""

    def sentence_scores(self, statistics: FloatArray) -> FloatArray:
        """Return the score of each output by itself, shape ``(m,)``."""
        return self.compute(statistics)

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the score of each case and its counts; skipped without output or reference."""
        rows, outputs, wanted = paired_texts(batch)
        counts = self.statistics(outputs, wanted)
        column = spread(self.sentence_scores(counts), rows, len(batch))
        column.statistics = Additive(counts).spread(rows, len(batch))
        return say_how_read(column, batch, cuts=self.cuts)

"""Set outputs against their reference texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from evalkit.plugin import Additive, CaseBatch, ScoreColumn, Status, output_texts, references

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


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


def spread(values: Floats, rows: list[int], n: int) -> ScoreColumn:
    """Return a column of *n* cells with *values* at *rows*, the other cells skipped.

    Examples:
        >>> import numpy as np
        >>> spread(np.array([0.5]), [1], 2).values
        array([nan, 0.5])
    """
    import numpy as np

    column = ScoreColumn.missing(n, Status.SKIPPED)
    column.values[rows] = np.asarray(values, dtype=np.float64)
    column.status[rows] = Status.OK
    return column


def best_reference(
    batch: CaseBatch, similarity: Callable[[str, str], float], *, binary: bool = False
) -> ScoreColumn:
    """Return each case's largest similarity of output and reference, over its references.

    Args:
        batch: Cases; those without output or reference are skipped.
        similarity: Takes output and reference, returns a finite number.
        binary: Whether *similarity* says yes or no.

    Returns:
        One cell a case.
    """
    import numpy as np

    rows, outputs, wanted = paired_texts(batch)
    best = [
        max(similarity(output, text) for text in texts)
        for output, texts in zip(outputs, wanted, strict=True)
    ]
    column = spread(np.array(best, dtype=np.float64), rows, len(batch))
    column.binary = binary
    return column


def corpus_column(
    batch: CaseBatch,
    statistics: Callable[[list[str], list[list[str]]], Floats],
    sentence_scores: Callable[[Floats], Floats],
    width: int,
) -> ScoreColumn:
    """Return the column of a corpus metric: sentence scores, with additive statistics.

    Args:
        batch: Cases; those without output or reference are skipped.
        statistics: Takes outputs and their references, returns vectors of shape ``(m, width)``.
        sentence_scores: Takes these vectors, returns finite scores of shape ``(m,)``.
        width: Length of one vector.

    Returns:
        One cell a case; the vectors of skipped cases are 0.
    """
    import numpy as np

    rows, outputs, wanted = paired_texts(batch)
    found = statistics(outputs, wanted)
    column = spread(sentence_scores(found), rows, len(batch))
    vectors = np.zeros((len(batch), width))
    vectors[rows] = found
    column.statistics = Additive(vectors)
    return column

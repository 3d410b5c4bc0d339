"""Set outputs against their reference texts, one case at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from evalkit.plugin import CaseBatch, ScoreColumn, output_texts, references


def paired_texts(batch: CaseBatch) -> Iterator[tuple[str, Sequence[str]] | None]:
    """Yield the output and references of each case; ``None`` where either is missing.

    An empty text is a text: only an absent output or reference is missing.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs="a", expectations={"expected_response": ["b", "c"]}), Case()]
        >>> list(paired_texts(CaseBatch.of(cases)))
        [('a', ['b', 'c']), None]
    """
    for output, wanted in zip(output_texts(batch), references(batch), strict=True):
        yield None if output is None or wanted is None else (output, wanted)


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
    values = [
        None if pair is None else max(similarity(pair[0], reference) for reference in pair[1])
        for pair in paired_texts(batch)
    ]
    return ScoreColumn.from_values(values, binary=binary)

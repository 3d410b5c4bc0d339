"""Measure what two texts of symbols share in order: longest common subsequences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


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

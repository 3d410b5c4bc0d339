"""Write words as single characters, so that fast code for texts works on words too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, count
from typing import Any


def numbering() -> dict[Any, str]:
    """Return a mapping that gives every new key the next unused character.

    Raises (when used):
        ValueError: If there are more keys than characters, 1,112,064.

    Examples:
        >>> symbols = numbering()
        >>> symbols["cat"] == symbols["cat"] != symbols["dog"]
        True
    """
    # A default dictionary numbers without a call into Python.  Surrogates are left out: they are
    # no characters.
    return defaultdict(map(chr, chain(range(0xD800), count(0xE000))).__next__)


def partition(sizes: Iterable[int], limit: int) -> list[tuple[int, int]]:
    """Return the first and last row (exclusive) of parts whose sizes sum up to about *limit*.

    Texts that are worked on together are to stay in a core's cache together.  A part ends with the
    row that reaches the limit, so every part but the last has at least one row.

    Examples:
        >>> partition([3, 3, 9, 1], 5)
        [(0, 2), (2, 3), (3, 4)]
        >>> partition([], 5)
        []
    """
    parts: list[tuple[int, int]] = []
    start = stop = total = 0
    for size in sizes:
        stop += 1
        total += size
        if total >= limit:
            parts.append((start, stop))
            start, total = stop, 0
    if start < stop:
        parts.append((start, stop))
    return parts

"""Count shared n-grams of many texts at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, count
from typing import Any, Final

import numpy as np

from evalkit_scorers.arrays import IntArray


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


_SYMBOLS_A_CHUNK: Final = 1 << 15
"""So many symbols are sorted at once: a quarter of a megabyte, which stays in a core's cache."""

_LEAST_SIZE: Final = 8
_KEY_BITS: Final = 63


def clipped_matches(
    outputs: Sequence[str], references: Sequence[Sequence[str]], orders: Sequence[int]
) -> IntArray:
    """Return how many n-grams of each output stand in its references, counted as BLEU does.

    Every character is one symbol, whether it is a letter or stands for a word.  An n-gram counts
    as often as it occurs in the output, but at most as often as in the reference that has it most.

    The n-grams of many cases become integers, which are sorted together: runs of equal integers
    are then the counts.

    Args:
        outputs: Texts of symbols, shape ``(n,)``.
        references: One or more texts of symbols for each output, shape ``(n,)``.
        orders: Lengths of the n-grams, ascending, each at least 1.

    Returns:
        Counts, shape ``(n, len(orders))``.

    Examples:
        >>> clipped_matches(["abab"], [["ab", "ba"]], [1, 2]).tolist()
        [[2, 2]]

    References:
        Papineni et al. (2002), *BLEU*, section 2.1 (modified n-gram precision).
    """
    # A row counts at least as much as keeps its number short, were all texts empty.
    sizes = [
        len(output) + sum(map(len, wanted)) + _LEAST_SIZE
        for output, wanted in zip(outputs, references, strict=True)
    ]
    parts = [
        _chunk_matches(outputs[start:stop], references[start:stop], orders)
        for start, stop in partition(sizes, _SYMBOLS_A_CHUNK)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, len(orders)), dtype=np.int64)


def _chunk_matches(
    outputs: Sequence[str], references: Sequence[Sequence[str]], orders: Sequence[int]
) -> IntArray:
    n = len(outputs)
    texts = [*outputs, *chain.from_iterable(references)]
    symbols = symbol_codes(texts)
    per_case = np.fromiter(map(len, references), dtype=np.int64, count=n)
    case_of_text = np.concatenate([np.arange(n), np.repeat(np.arange(n), per_case)])
    # The output's rank is 0, so that its run comes before those of its references.
    first = np.repeat(np.cumsum(per_case) - per_case, per_case)
    ranks = np.concatenate([np.zeros(n, np.int64), np.arange(len(first)) - first + 1])
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    text = np.repeat(np.arange(len(texts)), lengths)

    rank_bits = int(per_case.max()).bit_length()
    case_bits = n.bit_length()
    matches = np.zeros((n, len(orders)), dtype=np.int64)
    grams = _Grams(symbols, _KEY_BITS - case_bits - rank_bits)
    for column, order in enumerate(orders):
        codes = grams.of(order)
        if not len(codes):
            break
        begins = text[: len(codes)]
        whole = begins == text[order - 1 :]
        keys = case_of_text[begins] << grams.bits
        keys |= codes
        keys <<= rank_bits
        keys |= ranks[begins]
        keys = keys[whole]
        keys.sort()
        matches[:, column] = _count(keys, rank_bits, rank_bits + grams.bits, n)
    return matches


def symbol_codes(texts: Sequence[str]) -> IntArray:
    """Return the code points of all *texts*, one after the other, lone surrogates included."""
    encoded = "".join(texts).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(encoded, dtype=np.uint32).astype(np.int64)


class _Grams:
    """The n-gram that begins at each symbol, as an integer; longer ones from shorter ones."""

    __slots__ = ("_codes", "_limit", "_order", "_symbol_bits", "_symbols", "bits")

    def __init__(self, symbols: IntArray, limit: int) -> None:
        self._symbols = self._codes = symbols
        self._limit = limit
        self._order = 1
        self._symbol_bits = self.bits = int(symbols.max(initial=0)).bit_length()

    def of(self, order: int) -> IntArray:
        while self._order < order:
            if self.bits + self._symbol_bits > self._limit:
                distinct, ranked = np.unique(self._codes, return_inverse=True)
                self._codes, self.bits = ranked, len(distinct).bit_length()
            self._codes = (self._codes[:-1] << self._symbol_bits) | self._symbols[self._order :]
            self.bits += self._symbol_bits
            self._order += 1
        return self._codes


def _count(keys: IntArray, rank_bits: int, case_shift: int, n: int) -> Any:
    if not len(keys):
        return np.zeros(n, dtype=np.int64)
    starts = _run_starts(keys)
    counts = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=counts[:-1])
    counts[-1] = len(keys) - starts[-1]
    runs = keys[starts]
    grams = runs >> rank_bits
    if rank_bits == 1:
        # One reference: an n-gram of both texts is two runs side by side, the output's first.
        both = np.flatnonzero(grams[1:] == grams[:-1])
        shared = np.minimum(counts[both], counts[both + 1])
        return np.bincount(runs[both] >> case_shift, weights=shared, minlength=n)
    groups = _run_starts(grams)
    is_output = runs[groups] & ((1 << rank_bits) - 1) == 0
    wanted = counts[groups]
    counts[groups[is_output]] = 0
    offered = np.maximum.reduceat(counts, groups)
    shared = np.where(is_output, np.minimum(wanted, offered), 0)
    return np.bincount(runs[groups] >> case_shift, weights=shared, minlength=n)


def _run_starts(keys: IntArray) -> IntArray:
    changes = np.empty(len(keys), dtype=np.bool_)
    changes[0] = True
    np.not_equal(keys[1:], keys[:-1], out=changes[1:])
    return np.flatnonzero(changes)

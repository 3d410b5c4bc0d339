"""Which cases are evaluated: the first ones, a part, or some drawn by seed."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What ``limit``, ``sample``, ``split`` and ``seed`` ask for, in the order of their use.

    Rows of other splits are left out first; of those that stay, the first *limit* are taken; and
    of these *sample* are drawn.
    """

    split: str | None = None
    """Keep only rows of this part of the data."""

    limit: int | None = None
    """Keep the first so many rows."""

    sample: float | None = None
    """Draw a share (a float, in (0, 1]) or a count (an integer)."""

    seed: int = 0
    """Seed of the draw."""

    shard: tuple[int, int] | None = None
    """Keep this part of so many, counted from 1, of what the rest has selected."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: If one of them makes no sense.
        """
        if self.limit is not None and (isinstance(self.limit, bool) or self.limit < 1):
            raise UsageError(f"limit must be a whole number of at least 1, not {self.limit!r}.")
        sample = self.sample
        fine = sample is None or (0 < sample <= 1 if isinstance(sample, float) else sample >= 1)
        if isinstance(sample, bool) or not fine:
            raise UsageError(
                f"sample must be a share above 0 and up to 1, such as 0.1, or a count of at least "
                f"1, not {sample!r}."
            )
        if self.shard is not None and not 1 <= self.shard[0] <= self.shard[1]:
            raise UsageError(
                f"shard must be one such as '1/4', not '{self.shard[0]}/{self.shard[1]}'."
            )


def parse_shard(text: str) -> tuple[int, int]:
    """Return part and number of parts.

    Raises:
        UsageError: If *text* is no shard.

    Examples:
        >>> parse_shard("1/4")
        (1, 4)
    """
    part, slash, of = text.partition("/")
    if not (slash and part.isdecimal() and of.isdecimal()):
        raise UsageError(f"shard must be one such as '1/4', not {text!r}.")
    return int(part), int(of)


class Draw:
    """Draws cases by a hash of their id and the seed, so that the order of the data is no matter.

    A session is drawn as a whole, and so are all repeats of a case; drawn sessions may thus bring
    a few cases more than were asked for.

    Examples:
        >>> draw = Draw(Selection(sample=2, seed=1))
        >>> draw.add(["a", "b", "c"], None, [True, True, True])
        >>> int(draw.chosen().sum())
        2
    """

    def __init__(self, selection: Selection) -> None:
        """Start without cases."""
        self._sample = selection.sample
        self._key = str(selection.seed).encode()
        self._hashes = array("Q")
        self._counts = array("B")

    def add(
        self, ids: Sequence[str], sessions: Sequence[str | None] | None, new: Sequence[bool]
    ) -> None:
        """Add rows.

        Args:
            ids: Ids of the cases, shape ``(n,)``.
            sessions: Sessions of the cases, if the data has them.
            new: Whether each row is the first of its case, shape ``(n,)``.
        """
        self._hashes.frombytes(_unit_hashes(ids, sessions, self._key))
        self._counts.extend(new)

    def chosen(self) -> npt.NDArray[np.bool_]:
        """Return whether each row is drawn, shape ``(n,)``."""
        hashes = np.array(self._hashes, dtype=np.uint64)
        counts = np.array(self._counts, dtype=np.float64)
        _, unit = np.unique(hashes, return_inverse=True)  # in the order of the hashes: at random
        cases = np.cumsum(np.bincount(unit, weights=counts))
        wanted: Any = self._sample
        if isinstance(wanted, float):
            wanted = max(1, round(wanted * counts.sum()))
        last = min(int(np.searchsorted(cases, wanted)), len(cases) - 1)
        chosen: npt.NDArray[np.bool_] = unit <= last
        return chosen


class Division:
    """Divides cases into parts of about equally many rows, in the order of the data.

    A session stays whole, and so do all repeats of a case, wherever their rows lie.

    Examples:
        >>> division = Division((2, 2))
        >>> division.add(["a", "b", "c", "d"], [None, "s", None, "s"])
        >>> division.chosen().tolist()
        [False, False, True, False]
    """

    def __init__(self, shard: tuple[int, int]) -> None:
        """Start without cases."""
        self._part, self._of = shard
        self._hashes = array("Q")

    def add(self, ids: Sequence[str], sessions: Sequence[str | None] | None) -> None:
        """Add rows, by the ids and sessions of their cases."""
        self._hashes.frombytes(_unit_hashes(ids, sessions, b""))

    def chosen(self) -> npt.NDArray[np.bool_]:
        """Return whether each row belongs to the part, shape ``(n,)``.

        Raises:
            UsageError: If no row does.
        """
        hashes = np.array(self._hashes, dtype=np.uint64)
        _, first, unit, counts = np.unique(
            hashes, return_index=True, return_inverse=True, return_counts=True
        )
        order = np.argsort(first)  # units as they appear
        before = np.cumsum(counts[order]) - counts[order]
        parts = np.empty(len(order), dtype=np.int64)
        parts[order] = before * self._of // max(1, len(hashes))
        chosen: npt.NDArray[np.bool_] = parts[unit] == self._part - 1
        if not chosen.any():
            raise UsageError(
                f"shard {self._part}/{self._of} has no cases: there are {len(hashes)} rows of "
                f"{len(order)} cases or sessions, which stay whole. Take fewer shards."
            )
        return chosen


def _unit_hashes(ids: Sequence[str], sessions: Sequence[str | None] | None, key: bytes) -> bytes:
    """Return 8 bytes for each row: a hash of its session, or of its case where there is none."""
    units = ids if sessions is None else [s or i for s, i in zip(sessions, ids, strict=True)]
    return b"".join(
        hashlib.blake2b(unit.encode("utf-8", "replace"), digest_size=8, key=key).digest()
        for unit in units
    )

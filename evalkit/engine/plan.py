"""The plan of an evaluation: everything a backend needs to run its shards anywhere."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Target
from evalkit.errors import UsageError
from evalkit.scoring.protocol import Scorer

if TYPE_CHECKING:
    from evalkit.data.snapshot import Spool

STORED_ROWS: Final = 8192
"""Cases a shard of stored outputs: a row group of the snapshot."""

LIVE_ROWS: Final = 512
"""Cases a shard of a live target: small, so that scoring starts early."""

_SHARDS_EACH: Final = 8


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of consecutive cases that is called and scored as one."""

    index: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard to work, and when to stop."""

    concurrency: int = 8
    """Calls of the target in flight at once."""

    timeout_seconds: float | None = None
    """Seconds after which a call or score of one case is given up; ``None`` waits for ever."""

    requests_per_minute: float | None = None
    """Most starts of target calls in a minute."""

    workers: int = 0
    """Processes that share the work; 0 does it in this one."""

    budget: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Most of ``usd``, ``tokens``, ``calls`` or ``seconds`` to spend, in all and by role; kept by
    the model session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run: cases, target, scorers, and the shards in which they are run.

    Cells are numbered case by case: cell ``i * repeats + r`` is repeat ``r`` of case ``i``.
    """

    spool: Spool
    target: Target | None
    scorers: Sequence[Scorer]
    repeats: int = 1
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    from_output: Mapping[str, str] = field(default_factory=dict[str, str])
    """Case fields to take from what the target returned, as dotted paths inside it."""

    shards: Sequence[Shard] = ()

    order: Sequence[int] | None = None
    """Cases in the order in which they are run, which shards divide; ``None``: as in the data."""

    @property
    def cells(self) -> int:
        """Number of cells: cases times repeats."""
        return self.spool.n * self.repeats

    def rows_of(self, shard: Shard) -> Sequence[int]:
        """Return the cases of *shard* as rows of the data, in the order in which they are run."""
        if self.order is None:
            return range(shard.start, shard.stop)
        return self.order[shard.start : shard.stop]

    def cells_of(self, shard: Shard) -> Sequence[int]:
        """Return the numbers of the cells of *shard*, case by case."""
        if self.order is None:
            return range(shard.start * self.repeats, shard.stop * self.repeats)
        return [row * self.repeats + r for row in self.rows_of(shard) for r in range(self.repeats)]

    def batch(self, shard: Shard) -> CaseBatch:
        """Return the cases of *shard*."""
        if self.order is None:
            return self.spool.batch(shard.start, shard.stop)
        cases = self.spool.cells_at(self.rows_of(shard))
        each = self.spool.n_repeats
        return cases if each == 1 else cases.take(range(0, len(cases), each))

    def stored_cells(self, shard: Shard) -> CaseBatch:
        """Return the cells of *shard* where outputs are stored: repeats in the data, or copies."""
        cases = (
            self.spool.cells(shard.start, shard.stop)
            if self.order is None
            else self.spool.cells_at(self.rows_of(shard))
        )
        each = self.repeats // self.spool.n_repeats
        if each == 1:
            return cases
        rows = [row for row in range(len(cases)) for _ in range(each)]
        return cases.take(rows).replacing(repeat=[cell % self.repeats for cell in range(len(rows))])


def workers_of(backend: str) -> int:
    """Return how many processes *backend* is: 0 for ``local``, a process a core by default.

    Raises:
        UsageError: If there is no such backend.

    Examples:
        >>> workers_of("local"), workers_of("processes:4")
        (0, 4)
    """
    name, _, number = backend.partition(":")
    if backend == "local":
        return 0
    if name == "processes" and (not number or number.isdecimal()):
        workers = int(number or os.cpu_count() or 1)
        if workers:
            return workers
    raise UsageError(f"backend={backend!r} is none of 'local', 'processes', 'processes:4'.")


def rows_of_shards(n: int, *, live: bool, workers: int) -> int:
    """Return how many of *n* cases make a shard; some for each of *workers*, who work unevenly."""
    rows = LIVE_ROWS if live else STORED_ROWS
    return min(rows, max(1, n // (workers * _SHARDS_EACH))) if workers else rows


def cut_shards(n: int, rows: int, sessions: Sequence[Any] | None = None) -> list[Shard]:
    """Cut *n* cases into shards of about *rows*; the cases of a session stay in one shard.

    Examples:
        >>> [(s.start, s.stop) for s in cut_shards(5, 2)]
        [(0, 2), (2, 4), (4, 5)]
        >>> [(s.start, s.stop) for s in cut_shards(5, 2, ["a", "a", "b", "b", "b"])]
        [(0, 2), (2, 5)]
    """
    cuts = list(_cuts(n, rows, sessions))
    return [
        Shard(i, start, stop) for i, (start, stop) in enumerate(zip([0, *cuts], cuts, strict=False))
    ]


def _cuts(n: int, rows: int, sessions: Sequence[Any] | None) -> Iterator[int]:
    last_of: dict[Any, int] = {}
    if sessions is not None:
        last_of = {name: row for row, name in enumerate(sessions) if name is not None}
    start, reach = 0, 0
    for row in range(n):
        if sessions is not None and sessions[row] is not None:
            reach = max(reach, last_of[sessions[row]])
        if row + 1 == n or (row + 1 - start >= rows and reach <= row):
            yield row + 1
            start = row + 1


def seed_of(seed: int, case_id: str, repeat: int) -> int:
    """Return the seed of one call: equal in every run with the same *seed*, below 2**31."""
    text = f"{seed}/{case_id}/{repeat}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest()) >> 1

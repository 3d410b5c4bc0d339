"""The random order in which a sequential evaluation runs its cases, and tests that follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from evalkit.entities.score import Status
from evalkit.gates.condition import Condition
from evalkit.gates.sequential import SequentialTest
from evalkit.gates.verdict import Verdict

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
Rows = npt.NDArray[np.int64]

_STREAM: Final = 0x5E0
"""Sets the generator of the order apart from others with the same seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """An order of cases, drawn once; the cases of a group stay together, as one draw."""

    order: Rows
    """Rows of the data in the order in which they are run, shape ``(n,)``."""

    starts: Rows
    """Places in `order` where a group begins."""

    @classmethod
    def draw(cls, n: int, groups: Rows | None, seed: int) -> Course:
        """Return the course of *n* cases that *seed* draws.

        Examples:
            >>> course = Course.draw(4, np.array([0, 0, 1, 1]), seed=1)
            >>> sorted(course.order[:2].tolist()) in ([0, 1], [2, 3])
            True
        """
        rng = np.random.default_rng([seed, _STREAM])
        if groups is None:
            return cls(order=rng.permutation(n), starts=np.arange(n))
        codes, place = np.unique(groups, return_inverse=True)
        rank = rng.permutation(len(codes))[place]
        order = np.argsort(rank, kind="stable")
        changes = np.flatnonzero(np.diff(rank[order])) + 1
        return cls(order=order, starts=np.concatenate([[0], changes]))

    @property
    def even(self) -> bool:
        """Whether every case is a draw of its own."""
        return len(self.starts) == len(self.order)

    @property
    def ends(self) -> Rows:
        """Places in `order` behind the last case of each group."""
        return np.append(self.starts[1:], len(self.order))


class Follower:
    """Feeds a test with the values of cases, in the order of the course, as far as they were run.

    What was run beyond a case that was not has to wait, so that neither concurrency nor the
    quickness of some cases matters.
    """

    def __init__(
        self,
        test: SequentialTest,
        course: Course,
        *,
        weights: Floats | None,
        among: npt.NDArray[np.bool_] | None = None,
        least_coverage: float = 0.0,
        reference: Floats | None = None,
        sign: float = 1.0,
    ) -> None:
        """Follow *course* with *test*.

        Args:
            test: Takes the values.
            course: The order.
            weights: Weight of each case by row, shape ``(n,)``.
            among: Whether the condition is about each case, by row; about all by default.
            least_coverage: Share of cases with a value without which no PASS is final.
            reference: Of a condition that compares: the baseline's value of each case, by row.
            sign: -1 where less than the reference is a gain.
        """
        n = len(course.order)
        self.test = test
        self.course = course
        self.untestable: str | None = None
        """Why no value can be taken any more, if something came up during the run."""

        self.values: Floats = np.full(n, np.nan)
        self.status: Codes = np.full(n, Status.NOT_RUN, dtype=np.int8)
        self.cases: int | None = None
        """Cases run, in order, when the question was answered."""

        self.settled: int | None = None
        """Cases run, in order, when nothing could change the verdict any more."""

        self._among = np.ones(n, dtype=np.bool_) if among is None else among
        self._weights = np.where(self._among, 1.0 if weights is None else weights, 0.0)
        loads = np.add.reduceat(self._weights[course.order], course.starts)
        self._most = float(loads.max())
        self._even = bool((loads[loads > 0] == self._most).all())
        self._least_coverage = least_coverage
        self._reference, self._sign = reference, sign
        self._groups = 0
        self._ends = course.ends

    @property
    def condition(self) -> Condition:
        """What is tested."""
        return self.test.question.condition

    def fill(self, rows: Rows, values: Floats, status: Codes) -> None:
        """Take note of the values and outcomes of some cases; the test goes on by `advance`.

        Where there is a reference, cases that it has no value for do not count.
        """
        if self._reference is not None:
            values = self._sign * (values - self._reference[rows])
            unpaired = (status == Status.OK) & ~np.isfinite(values)
            status = np.where(unpaired, Status.SKIPPED, status)
        self.values[rows], self.status[rows] = values, status

    @property
    def n_run(self) -> int:
        """Cases that were run from the first of the course on, without a gap."""
        waiting = (self.status == Status.NOT_RUN) & self._among
        gaps = np.flatnonzero(waiting[self.course.order])
        return int(gaps[0]) if gaps.size else len(self.course.order)

    def advance(self) -> None:
        """Give the test every group that is complete and whose turn it is."""
        n_run = self.n_run
        groups = int(np.searchsorted(self._ends, n_run, side="right"))
        if groups > self._groups and self.cases is None and self.untestable is None:
            self._feed(groups)
        self._groups = max(groups, self._groups)
        if self.cases is not None and self.settled is None:
            self._settle(n_run)

    def _feed(self, groups: int) -> None:
        first = int(self.course.starts[self._groups])
        rows = self.course.order[first : self._ends[groups - 1]]
        usable = (self.status[rows] == Status.OK) & np.isfinite(self.values[rows])
        loads = np.where(usable, self._weights[rows], 0.0)
        places = self.course.starts[self._groups : groups] - first
        load = np.add.reduceat(loads, places)
        total = np.add.reduceat(loads * np.where(usable, self.values[rows], 0.0), places)
        taken = np.flatnonzero(load > 0)
        whole = self._even and bool((load[taken] == self._most).all())
        before = self.test.n
        try:
            self.test.take(total[taken] / load[taken], None if whole else load[taken] / self._most)
        except ValueError as error:
            self.untestable = f"a value lies outside the range that was declared ({error})"
            return
        if self.test.verdict is not None:
            last = taken[self.test.n - before - 1]
            self.cases = int(self._ends[self._groups + last])

    def _settle(self, n_run: int) -> None:
        """Find the first moment at which the verdict is final."""
        assert self.cases is not None  # noqa: S101  the caller looked
        if self.test.verdict is Verdict.FAIL:
            self.settled = self.cases
            return
        rows = self.course.order[:n_run]
        about = self._among[rows]
        scored = np.cumsum(about & (self.status[rows] == Status.OK))
        failed = np.cumsum(about & (self.status[rows] == Status.FAILED))
        enough = scored >= self._least_coverage * (scored + failed)
        later = np.flatnonzero(enough[self.cases - 1 :])
        if later.size:
            self.settled = self.cases + int(later[0])

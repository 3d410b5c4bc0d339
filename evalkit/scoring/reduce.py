"""Reducers: from the repeats of a case to one value, before anything is averaged."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalkit.entities.score import Status
from evalkit.errors import UsageError, near_miss
from evalkit.scoring.facts import MetricFacts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int8]
    Mask = npt.NDArray[np.bool_]
    Reduce = Callable[[Floats, int], Floats]

NAMES: Final = ("mean", "median", "majority", "max", "at_least", "pass_at_k", "pass_hat_k")
_COUNTED: Final = frozenset({"at_least", "pass_at_k", "pass_hat_k"})
_WRITTEN: Final = re.compile(
    r"\s*(\w+)\s*(?:\(\s*(\d+)\s*(?:,\s*threshold\s*=\s*"
    r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*)?\))?\s*"
)

UNDECIDABLE: Final = (
    "nothing says which of its values pass: give its scorer a range and a direction, "
    "or state a threshold, as in pass_at_k(2, threshold=4)"
)
"""Why the counting reducers give no value of a metric."""


@dataclass(frozen=True, slots=True)
class Reducer:
    """How the repeats of one case become one value."""

    name: str
    k: int | None = None
    threshold: float | None = None
    """Of the counting ones: value from which a repeat passes; the metric's best where ``None``."""

    below: bool = False
    """Whether a repeat passes down from the threshold, and not up."""

    vague: bool = False
    """Whether nothing says what passes."""

    def __str__(self) -> str:
        if self.k is None:
            return self.name
        bar = "" if self.threshold is None else f", threshold={self.threshold:g}"
        return f"{self.name}({self.k}{bar})"

    def of(self, facts: MetricFacts, *, binary: bool) -> Reducer:
        """Return the reducer of a metric: where passes are counted, with what a pass is there.

        A pass is the best value of the metric's range, or one from the stated threshold on where
        that lies in the range.  Amounts, such as seconds or dollars, have their mean.

        Args:
            facts: Direction, range and unit of the metric.
            binary: Whether every value is yes or no.

        Examples:
            >>> Reducer("pass_at_k", 2).of(MetricFacts(low=1, high=5), binary=False).threshold
            5.0
        """
        if self.name not in _COUNTED:
            return self
        if facts.unit is not None:
            return Reducer("mean")
        low, high = (0.0, 1.0) if binary or facts.binary else (facts.low, facts.high)
        below = facts.direction == "lower"
        best = low if below else high if facts.direction == "higher" or binary else None
        stated = self.threshold
        least, most = -math.inf if low is None else low, math.inf if high is None else high
        if stated is not None and least <= stated <= most:
            best = stated
        if best is None:
            return dataclasses.replace(self, vague=True)
        return dataclasses.replace(self, threshold=float(best), below=below)

    def passes(self, values: Floats) -> Floats:
        """Return 1 for each of *values* that passes, 0 for any other, NaN where there is none."""
        import numpy as np

        bar = 1.0 if self.threshold is None else self.threshold
        met = values <= bar if self.below else values >= bar
        return np.where(np.isfinite(values), met.astype(np.float64), np.nan)

    @property
    def yields_rate(self) -> bool:
        """Whether each case ends as yes or no, whatever the metric."""
        return self.name == "at_least"

    @property
    def yields_share(self) -> bool:
        """Whether each case ends as yes or no, or as a chance of it, whatever the metric."""
        return self.name in _COUNTED

    @property
    def keeps_binary(self) -> bool:
        """Whether yes-or-no repeats stay yes or no."""
        return self.name in {"max", "at_least"}


def parse_reducer(text: str, repeats: int) -> Reducer:
    """Return the reducer that *text* names.

    Raises:
        UsageError: If there is none of this name, or ``k`` is missing or above *repeats*.

    Examples:
        >>> reducer = parse_reducer("pass_at_k(4, threshold=3)", 8)
        >>> reducer.name, reducer.k, reducer.threshold
        ('pass_at_k', 4, 3.0)
    """
    match = _WRITTEN.fullmatch(text)
    name = match.group(1) if match else text
    if match is None or name not in NAMES:
        raise UsageError(f"No reducer is called {text!r}.{near_miss(name, NAMES)} {_listed()}")
    k = None if match.group(2) is None else int(match.group(2))
    if (name in _COUNTED) != (k is not None):
        raise UsageError(f"Reducer {text!r} {'needs' if k is None else 'takes no'} k. {_listed()}")
    if k is not None and not 1 <= k <= repeats:
        raise UsageError(f"Reducer {text!r} needs 1 <= k <= repeats, and repeats is {repeats}.")
    bar = match.group(3)
    return Reducer(name, k, None if bar is None else float(bar))


def _listed() -> str:
    listed = ", ".join(f"{n}(k)" if n in _COUNTED else n for n in NAMES)
    return f"Reducers: {listed}; those with k may state what passes: pass_at_k(2, threshold=4)."


def reduce_repeats(
    values: Floats, status: Codes, target_failed: Mask, reducer: Reducer
) -> tuple[Floats, Codes]:
    """Reduce the repeats of each case.

    A failed repeat fails its case; under ``pass_at_k``, ``pass_hat_k`` and ``at_least`` an error of
    the target's own counts as a miss instead.  Skipped repeats are left out.

    Args:
        values: Shape ``(n, repeats)``; NaN where a cell has no value.
        status: Shape ``(n, repeats)``; codes of `Status`.
        target_failed: Shape ``(n, repeats)``; whether a failure is the target's own.
        reducer: What to compute; a counting one as `Reducer.of` made it for the metric.  Where
            that does not know what passes, no case has a value.

    Returns:
        Values and outcomes, shape ``(n,)`` each.

    References:
        Chen et al. (2021), *Evaluating Large Language Models Trained on Code*, for pass@k;
        Yao et al. (2024), *tau-bench*, for pass^k.
    """
    import numpy as np

    values, status = values.copy(), status.copy()
    if reducer.name in _COUNTED:
        if reducer.vague:
            return np.full(len(values), np.nan), np.full(len(values), Status.SKIPPED, np.int8)
        values = reducer.passes(values)
        miss = target_failed & (status == Status.FAILED)
        values[miss], status[miss] = 0.0, Status.OK
    ok = status == Status.OK
    outcome = np.where(ok.any(axis=1), Status.OK, Status.SKIPPED).astype(np.int8)
    outcome[(status == Status.FAILED).any(axis=1)] = Status.FAILED
    outcome[(status == Status.NOT_RUN).any(axis=1)] = Status.NOT_RUN
    reduced = np.full(len(values), np.nan)
    values = np.where(ok, values, np.nan)
    rows = np.flatnonzero((outcome == Status.OK) & np.isfinite(values).any(axis=1))
    if rows.size:
        reduced[rows] = _REDUCE[reducer.name](values[rows], reducer.k or 0)
    outcome[(outcome == Status.OK) & ~np.isfinite(reduced)] = Status.SKIPPED
    return reduced, outcome


def _by_numpy(name: str) -> Reduce:
    def reduced(values: Floats, _k: int) -> Floats:
        import numpy as np

        return np.asarray(getattr(np, name)(values, axis=1))

    return reduced


def _majority(values: Floats, _k: int) -> Floats:
    """Return the most frequent value of each case; between equally frequent ones, their mean."""
    import numpy as np

    reduced = np.empty(len(values))
    for row, cells in enumerate(values):
        distinct, counts = np.unique(cells[np.isfinite(cells)], return_counts=True)
        reduced[row] = distinct[counts == counts.max()].mean()
    return reduced


def _passes(values: Floats) -> Floats:
    import numpy as np

    return np.asarray(np.nansum(values, axis=1))


def _by_chance(name: str) -> Reduce:
    """Return a chance from the passes of each case; NaN where fewer than k repeats count."""

    def reduced(values: Floats, k: int) -> Floats:
        import numpy as np

        from evalkit.stats import repeats  # start-up: it imports numpy

        n, passed = np.isfinite(values).sum(axis=1), _passes(values)
        chances = np.full(len(values), np.nan)
        for count in np.unique(n[n >= k]).tolist():
            rows = n == count
            chances[rows] = getattr(repeats, name)(count, passed[rows], k)
        return chances

    return reduced


_REDUCE: Final[dict[str, Reduce]] = {
    "mean": _by_numpy("nanmean"),
    "median": _by_numpy("nanmedian"),
    "majority": _majority,
    "max": _by_numpy("nanmax"),
    "at_least": lambda values, k: (_passes(values) >= k).astype(float),
    "pass_at_k": _by_chance("pass_at_k"),
    "pass_hat_k": _by_chance("pass_hat_k"),
}

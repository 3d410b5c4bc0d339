"""Reducers: from the repeats of a case to one value, before anything is averaged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalkit.entities.score import Status
from evalkit.errors import UsageError, near_miss

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int8]
    Mask = npt.NDArray[np.bool_]
    Reduce = Callable[[Floats, int], Floats]

NAMES: Final = ("mean", "median", "majority", "max", "at_least", "pass_at_k", "pass_hat_k")
_COUNTED: Final = frozenset({"at_least", "pass_at_k", "pass_hat_k"})


@dataclass(frozen=True, slots=True)
class Reducer:
    """How the repeats of one case become one value."""

    name: str
    k: int | None = None

    def __str__(self) -> str:
        return self.name if self.k is None else f"{self.name}({self.k})"

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
        >>> parse_reducer("pass_at_k(4)", 8)
        Reducer(name='pass_at_k', k=4)
    """
    match = re.fullmatch(r"\s*(\w+)\s*(?:\(\s*(\d+)\s*\))?\s*", text)
    name = match.group(1) if match else text
    if match is None or name not in NAMES:
        raise UsageError(f"No reducer is called {text!r}.{near_miss(name, NAMES)} {_listed()}")
    k = None if match.group(2) is None else int(match.group(2))
    if (name in _COUNTED) != (k is not None):
        raise UsageError(f"Reducer {text!r} {'needs' if k is None else 'takes no'} k. {_listed()}")
    if k is not None and not 1 <= k <= repeats:
        raise UsageError(f"Reducer {text!r} needs 1 <= k <= repeats, and repeats is {repeats}.")
    return Reducer(name, k)


def _listed() -> str:
    return "Reducers: " + ", ".join(f"{n}(k)" if n in _COUNTED else n for n in NAMES) + "."


def reduce_repeats(
    values: Floats, status: Codes, target_failed: Mask, reducer: Reducer
) -> tuple[Floats, Codes]:
    """Reduce the repeats of each case.

    A failed repeat fails its case; under ``pass_at_k``, ``pass_hat_k`` and ``at_least`` a failed
    call of the target counts as a miss instead.  Skipped repeats are left out.

    Args:
        values: Shape ``(n, repeats)``; NaN where a cell has no value.
        status: Shape ``(n, repeats)``; codes of `Status`.
        target_failed: Shape ``(n, repeats)``; whether a failure is the target's.
        reducer: What to compute.

    Returns:
        Values and outcomes, shape ``(n,)`` each.

    References:
        Chen et al. (2021), *Evaluating Large Language Models Trained on Code*, for pass@k;
        Yao et al. (2024), *tau-bench*, for pass^k.
    """
    import numpy as np

    values, status = values.copy(), status.copy()
    if reducer.name in _COUNTED:
        miss = target_failed & (status == Status.FAILED)
        values[miss], status[miss] = 0.0, Status.OK
    ok = status == Status.OK
    outcome = np.where(ok.any(axis=1), Status.OK, Status.SKIPPED).astype(np.int8)
    outcome[(status == Status.FAILED).any(axis=1)] = Status.FAILED
    outcome[(status == Status.NOT_RUN).any(axis=1)] = Status.NOT_RUN
    reduced = np.full(len(values), np.nan)
    rows = np.flatnonzero(outcome == Status.OK)
    if rows.size:
        reduced[rows] = _REDUCE[reducer.name](np.where(ok, values, np.nan)[rows], reducer.k or 0)
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

    passes: Floats = (np.nan_to_num(values) >= 1.0).sum(axis=1).astype(np.float64)
    return passes


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

"""Groups, weights and failures of a run's cases, as the estimates need them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.data.snapshot import Spool
from evalkit.scoring.estimate import Design

if TYPE_CHECKING:
    import numpy.typing as npt


def design_of(
    spool: Spool, *, repeats: int, failed_cells: Iterable[int], level: float, seed: int
) -> Design:
    """Return the design of the cases in *spool*: ``group``, else ``session``, clusters them."""
    failed = np.zeros(spool.n * repeats, dtype=bool)
    failed[list(failed_cells)] = True
    weights = spool.numbers("weight") if "weight" in spool.fields else None
    if weights is not None:
        weights = np.where(np.isnan(weights), 1.0, weights)
    return Design(
        n=spool.n,
        repeats=repeats,
        groups=_groups(spool),
        weights=weights,
        target_failed=failed,
        level=level,
        seed=seed,
    )


def _groups(spool: Spool) -> npt.NDArray[np.int64] | None:
    # Several rows of one case, from a log, are not independent: its id clusters them.
    uneven = "repeat" in spool.fields and spool.n_repeats == 1
    last = ("id",) if uneven else ()
    names = [name for name in ("group", "session", *last) if name in spool.fields or name == "id"]
    if not names:
        return None
    columns = [spool.strings(name) for name in names]
    codes: dict[Any, int] = {}
    groups = np.empty(spool.n, dtype=np.int64)
    for row, values in enumerate(zip(*columns, strict=True)):
        name = next((value for value in values if value is not None), None)
        # A case without group is a cluster of its own.
        groups[row] = codes.setdefault(("alone", row) if name is None else name, len(codes))
    return None if len(codes) == spool.n else groups

"""Labels that two systems gave to the same cases, as one table that is drawn instead of cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evalkit.scoring.column import Rows

Floats = npt.NDArray[np.float64]
Cell = tuple[Any, Any, Any]
"""Target, label of the first system, label of the second."""

_AT_ONCE: Final = 2_000_000
"""Numbers held at once: 16 MB."""


@dataclass(frozen=True, slots=True)
class JointTable:
    """How often two systems gave which labels to which target, and what else they might have.

    A draw is one of the posterior of the cells' shares, with Jeffreys' half a case in each cell of
    two classes: right and wrong, by both, by either, or by none.  So a class never gets lost, and
    four of four that are right by both do not mean that they always are.  A bootstrap of the cases,
    with or without their classes, does neither.

    References:
        Agresti and Min (2005), *Statistics in Medicine* 24:729, for half a case in each cell;
        Rubin (1981), *Annals of Statistics* 9:130, for draws of weights.  The coverage of both
        is printed by ``benchmarks/bench_coverage.py``.
    """

    rows: tuple[Rows, Rows]
    """A case of each cell, for either system."""

    cell: npt.NDArray[np.int64]
    """Cell of each case, shape ``(n,)``."""

    prior: Floats
    """Cases that each cell has before any is seen, shape ``(cells,)``."""

    alike: bool
    """Whether both systems gave the same labels, so that neither comes first."""

    @classmethod
    def of(cls, first: Rows, second: Rows) -> JointTable | None:
        """Return the table of rows that are pairs of ``target`` and ``output``; else ``None``."""
        columns = [rows.columns for rows in (first, second)]
        if any(set(each) != {"target", "output"} for each in columns):
            return None
        if any(column.dtype != object for each in columns for column in each.values()):
            return None
        targets = columns[0]["target"].tolist()
        given = [each["output"].tolist() for each in columns]
        # The systems in an order of their own, so that b - a is a - b with the other sign.
        order = sorted((0, 1), key=lambda system: repr(given[system]))
        a, b = (given[system] for system in order)
        cells: dict[Cell, int] = {}
        places = [cells.setdefault(cell, len(cells)) for cell in zip(targets, a, b, strict=True)]
        prior: dict[Cell, float] = {}
        classes = list(dict.fromkeys(targets))
        wrong = _likeliest_errors(classes, Counter([*zip(targets, a), *zip(targets, b)]))  # noqa: B905
        for target in classes:
            for cell in _combinations(target, wrong[target]):
                cells.setdefault(cell, len(cells))
                prior[cell] = 1 / max(2, len(classes))
        listed = np.array(list(cells), dtype=object).reshape(-1, 3)
        tables = [Rows({"target": listed[:, 0], "output": listed[:, n]}) for n in (1, 2)]
        return cls(
            (tables[order[0]], tables[order[1]]),
            np.array(places, dtype=np.int64),
            np.array([prior.get(cell, 0.0) for cell in cells], dtype=np.float64),
            repr(a) == repr(b),
        )

    def draws(
        self, n_draws: int, *, weights: Floats | None, groups: Any, seed: int
    ) -> Iterator[Floats]:
        """Yield the weight of each cell in each draw, shape ``(<= n_draws, cells)``.

        Whole groups are weighted together.
        """
        generator = np.random.default_rng(seed)
        load = np.ones(len(self.cell)) if weights is None else weights
        units = np.arange(len(self.cell)) if groups is None else np.asarray(groups)
        codes = np.unique(units, return_inverse=True)[1]
        n_units = int(codes.max()) + 1
        shape = np.bincount(self.cell, minlength=len(self.prior)) + self.prior
        table = _sparse(load, codes, self.cell, (n_units, len(self.prior)))
        each = float(load.sum()) / n_units  # what a group, or a case, weighs
        size = max(1, _AT_ONCE // max(n_units, len(shape)))
        for start in range(0, n_draws, size):
            n_rows = min(size, n_draws - start)
            if weights is None and groups is None:
                yield generator.gamma(shape, size=(n_rows, len(shape)))
                continue
            seen = generator.exponential(size=(n_rows, n_units)) @ table
            unseen = each * generator.gamma(self.prior, size=(n_rows, len(self.prior)))
            yield seen + unseen


def _likeliest_errors(classes: list[Any], seen: Counter[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return for each class the label that was most often given in its place."""
    labels = list(dict.fromkeys([*classes, *(label for _, label in seen)]))
    likeliest: dict[Any, Any] = {}
    for target in classes:
        counts = {label: seen[target, label] for label in labels if label != target}
        likeliest[target] = max(counts, key=counts.__getitem__, default=None)
    return likeliest


def _combinations(target: Any, wrong: Any) -> Iterator[Cell]:
    if wrong is None:  # there is only one label, and nothing to mistake it for
        return
    for a in (target, wrong):
        for b in (target, wrong):
            yield target, a, b


def _sparse(load: Floats, row: Any, column: Any, shape: tuple[int, int]) -> Any:
    from scipy.sparse import csr_array

    return csr_array((load, (row, column)), shape=shape)

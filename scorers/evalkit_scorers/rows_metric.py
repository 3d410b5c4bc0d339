"""What every metric of whole columns shares: its value and its bootstrap draws, by weights."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from evalkit.plugin import Rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

AT_ONCE: Final = 250_000
"""Weights in one array: 2 MB, which processors keep close at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsMetric:
    """A metric of all cases at once, computed for many weightings of the same cases.

    What does not depend on weights (sorting, above all) is prepared once; a bootstrap draw is then
    one more row of weights.  A case of weight 0 counts as absent.
    """

    corpus: ClassVar[str] = "rows"
    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations"})
    version: ClassVar[str] = "1"

    def order(self, rows: Rows) -> npt.NDArray[np.int64] | None:
        """Return the order in which `of_weights` wants cases, so that no draw has to be sorted."""
        del rows  # most metrics take cases as they come
        return None

    @abstractmethod
    def prepared(self, rows: Rows) -> Any:
        """Return what `of_weights` needs of *rows*: at least one case, in the order asked for."""

    @abstractmethod
    def of_weights(self, prepared: Any, weights: FloatArray) -> FloatArray:
        """Return the metric for each weighting: ``(d, n)`` in, ``(d,)`` out, NaN if undefined."""

    def compute(self, rows: Rows, weights: FloatArray | None, /) -> float:
        """Return the metric of all cases; NaN where it is undefined or there are none."""
        import numpy as np

        load = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
        if not load.any():
            return float("nan")
        order = self.order(rows)
        if order is not None:
            rows, load = rows.take(order), load[order]
        return float(self.of_weights(self.prepared(rows), load[None, :])[0])

    def draws(
        self,
        rows: Rows,
        weights: FloatArray | None,
        resamples: int,
        seed: int,
        groups: npt.ArrayLike | None = None,
    ) -> FloatArray:
        """Return the metric in each bootstrap draw, shape ``(resamples,)``; NaN where undefined."""
        import numpy as np

        from evalkit.plugin import bootstrap_weights

        order = self.order(rows)
        if order is not None:
            rows = rows.take(order)
            weights = None if weights is None else weights[order]
            groups = None if groups is None else np.asarray(groups)[order]
        prepared = self.prepared(rows)
        n = len(rows)
        parts = bootstrap_weights(
            n, resamples, seed=seed, groups=groups, chunk=max(1, AT_ONCE // n)
        )
        return np.concatenate(
            [
                self.of_weights(prepared, part if weights is None else part * weights)
                for part in parts
            ]
        )

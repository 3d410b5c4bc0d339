"""What every metric of whole columns shares: its value and its bootstrap draws, by weights."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from evalkit.plugin import Rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsMetric:
    """A metric of all cases at once, computed for many weightings of the same cases.

    What does not depend on weights (sorting, above all) is prepared once; a bootstrap draw is then
    one more row of weights.  A case of weight 0 counts as absent.
    """

    corpus: ClassVar[str] = "rows"
    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations"})
    version: ClassVar[str] = "1"

    @abstractmethod
    def prepared(self, rows: Rows) -> Any:
        """Return what `of_weights` needs of *rows*, which has at least one case."""

    @abstractmethod
    def of_weights(self, prepared: Any, weights: FloatArray) -> FloatArray:
        """Return the metric for each weighting: ``(d, n)`` in, ``(d,)`` out, NaN if undefined."""

    def compute(self, rows: Rows, weights: FloatArray | None, /) -> float:
        """Return the metric of all cases; NaN where it is undefined or there are none."""
        import numpy as np

        load = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
        if not load.any():
            return float("nan")
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

        prepared = self.prepared(rows)
        load = 1.0 if weights is None else weights
        parts = bootstrap_weights(len(rows), resamples, seed=seed, groups=groups)
        return np.concatenate([self.of_weights(prepared, part * load) for part in parts])

"""Mergeable sufficient statistics of corpus metrics.

A corpus metric (BLEU, F1, ROC AUC) is not a mean of cells.  Its scorer keeps, for each case, what
the metric can be computed from, and the metric is computed once over all cases.  Shards add up
exactly, and intervals come from resampling these statistics instead of the texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Additive:
    """A vector for each case whose sum over cases is all that the metric needs."""

    vectors: npt.NDArray[np.float64]
    """Shape ``(n, k)``; rows of cases without a value are ignored."""

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: Any) -> Additive:
        """Return the statistics of *rows* (indices or mask), in order."""
        return Additive(self.vectors[rows])

    def spread(self, rows: Any, n: int) -> Additive:
        """Return *n* rows of statistics, with these at places *rows* and nothing elsewhere."""
        import numpy as np

        whole = np.zeros((n, self.vectors.shape[1]))
        whole[rows] = self.vectors[: len(rows)]
        return Additive(whole)

    @staticmethod
    def concatenate(parts: Sequence[Additive]) -> Additive:
        """Return the statistics of all *parts*, one after the other."""
        import numpy as np

        return Additive(np.concatenate([part.vectors for part in parts]))


@dataclass(frozen=True, slots=True)
class Rows:
    """Named columns kept for each case, from which the metric is computed as a whole."""

    columns: Mapping[str, npt.NDArray[Any]]
    """Arrays of shape ``(n,)`` or ``(n, m)``: numbers, or texts with dtype ``object``."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: Any) -> Rows:
        """Return the statistics of *rows* (indices or mask), in order."""
        return Rows({name: column[rows] for name, column in self.columns.items()})

    def spread(self, rows: Any, n: int) -> Rows:
        """Return *n* rows of statistics, with these at places *rows* and nothing elsewhere."""
        return Rows({name: _spread(column, rows, n) for name, column in self.columns.items()})

    @staticmethod
    def concatenate(parts: Sequence[Rows]) -> Rows:
        """Return the statistics of all *parts*, one after the other."""
        import numpy as np

        joined = {
            name: np.concatenate([part.columns[name] for part in parts])
            for name in parts[0].columns
        }
        return Rows(joined)


def _spread(column: npt.NDArray[Any], rows: Any, n: int) -> npt.NDArray[Any]:
    import numpy as np

    whole = np.zeros((n, *column.shape[1:]), dtype=column.dtype)
    if column.dtype == object:
        whole[...] = None
    whole[rows] = column[: len(rows)]
    return whole


Statistics = Additive | Rows

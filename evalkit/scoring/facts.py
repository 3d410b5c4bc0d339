"""Facts about a metric that do not depend on data: direction, range, unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.entities.estimate import Direction

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFacts:
    """What is known of a metric before anything is measured."""

    direction: Direction = "higher"
    """Which way is better; ``none`` where neither is."""

    low: float | None = None
    """Smallest possible value; ``None`` if unbounded."""

    high: float | None = None
    """Largest possible value; ``None`` if unbounded."""

    unit: str | None = None
    """Unit, such as ``seconds`` or ``words``; ``None`` for a pure number."""

    binary: bool = False
    """Whether every cell is yes or no, so that its mean is a rate."""

    best_for_identity: bool = False
    """Whether outputs equal to the expectation get the best value."""

    def bounds_of(self, values: npt.NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the range if it is known and *values*, shape ``(n,)``, keep to it.

        A scorer that leaves the range that it declares is treated as unbounded: its intervals are
        then wider, and nothing that was paid for is lost.
        """
        bounds = self.bounds
        if bounds is None or not values.size:
            return bounds
        return bounds if bounds[0] <= values.min() and values.max() <= bounds[1] else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Both ends of the range, or ``None`` where one is missing."""
        if self.low is None or self.high is None:
            return None
        return self.low, self.high


UNIT = MetricFacts(low=0.0, high=1.0, best_for_identity=True)
"""A similarity in [0, 1], higher is better, 1 for identical texts."""

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

    def ends_of(self, values: npt.NDArray[np.float64]) -> tuple[float | None, float | None]:
        """Return both ends of the range, ``None`` where *values*, shape ``(n,)``, go beyond.

        A scorer that leaves the range that it declares is treated as unbounded there: its intervals
        are then wider, and nothing that was paid for is lost.
        """
        low, high = self.low, self.high
        if values.size:
            low = None if low is not None and values.min() < low else low
            high = None if high is not None and values.max() > high else high
        return low, high

    def bounds_of(self, values: npt.NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the range if it has both ends and *values*, shape ``(n,)``, keep to it."""
        low, high = self.ends_of(values)
        return None if low is None or high is None else (low, high)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Both ends of the range, or ``None`` where one is missing."""
        if self.low is None or self.high is None:
            return None
        return self.low, self.high


UNIT = MetricFacts(low=0.0, high=1.0, best_for_identity=True)
"""A similarity in [0, 1], higher is better, 1 for identical texts."""

"""Biases of a judge as effects with intervals: one row of its bias card each."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BiasEffect:
    """How far something that must not matter moves a judge's verdicts.

    Examples:
        >>> effect = BiasEffect(name="verbosity", effect=0.12, low=0.05, high=0.19, p_value=0.001,
        ...                     n=200, explanation="change of the verdict for twice the words")
        >>> effect.shown
        True
    """

    name: str
    """What must not matter: ``position``, ``verbosity``, ``self_preference``, ``formatting``,
    ``sentiment``, ``authority``…"""

    effect: float | None
    """Size in the unit that *explanation* tells; ``None`` where it could not be measured."""

    low: float | None
    """Lower end of the confidence interval; ``None`` where there is none."""

    high: float | None
    """Upper end of the confidence interval."""

    p_value: float | None
    """Two-sided p-value of no effect, in [0, 1]; not adjusted for the number of effects."""

    n: int
    """Cases, or pairs of cases, that the effect rests on."""

    explanation: str
    """What the effect is in, and what its sign means; or why there is none."""

    def __post_init__(self) -> None:
        for field in ("effect", "low", "high", "p_value"):
            value: float | None = getattr(self, field)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{self.name}: {field} must be finite, got {value}")

    @property
    def shown(self) -> bool:
        """Whether the interval leaves 0 out: the data show that there is such a bias."""
        if self.low is None or self.high is None:
            return False
        return self.low > 0 or self.high < 0

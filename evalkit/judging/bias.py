"""How much a judge is moved by what should not move it: one bias, measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BiasEffect:
    """One bias of a judge, with the uncertainty of its size.

    Examples:
        >>> BiasEffect("verbosity", 0.1, 0.02, 0.18, 0.01, 200, "Padding pays.").to_json()["n"]
        200
    """

    name: str
    """Such as ``position`` or ``verbosity``."""

    effect: float | None
    """Size in the judge's unit, positive where the bias is as expected; ``None`` if unknown."""

    low: float | None
    """Lower limit; ``None`` without an interval."""

    high: float | None
    """Upper limit."""

    p_value: float | None
    """Two-sided p-value of no effect; ``None`` where there is no test."""

    n: int
    """How many cases it rests on."""

    explanation: str
    """What was compared, in prose."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)

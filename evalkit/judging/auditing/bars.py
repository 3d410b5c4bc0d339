"""What has to be shown for a judge to pass an audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evalkit.errors import UsageError

MOST_UNANSWERED: Final = 0.02
"""Share of missing scores above which nothing can pass."""

ALPHA: Final = 0.05
"""Adjusted p-value below which a bias is beyond chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What has to be shown for a battery to pass."""

    level: float = 0.95
    target: float = 0.95
    """Share of pairs that must keep the relation: its lower limit has to reach this."""

    most_success: float = 0.05
    """Share of attacks that may succeed: its one-sided upper limit has to stay below this."""

    margin: float = 0.1
    """Effect of a bias that does not matter, as a share of the range."""

    consistency: float = 0.8
    """Share of pairs that both orders must agree on."""

    tolerance: float = 0.0
    """Change of a score that still counts as none, in its unit."""

    def __post_init__(self) -> None:
        for name in ("level", "target", "most_success", "margin", "consistency"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name}= lies between 0 and 1; got {getattr(self, name)}.")
        if not self.level > 0.5:  # noqa: PLR2004  one-sided limits need it
            raise UsageError(f"level= is above 0.5; got {self.level}.")
        if not self.tolerance >= 0:
            raise UsageError(f"tolerance= is at least 0; got {self.tolerance}.")

"""What every metric of outputs against expectations shares, and the facts that many have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from evalkit.plugin import MetricFacts

SHARE: Final = MetricFacts(low=0.0, high=1.0)
"""In [0, 1], higher is better, though not always 1 for identical texts."""

YES_OR_NO: Final = MetricFacts(low=0.0, high=1.0, binary=True, best_for_identity=True)
"""Right or wrong for each case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceMetric:
    """A metric that needs an output and what it should have been."""

    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations"})
    version: ClassVar[str] = "1"

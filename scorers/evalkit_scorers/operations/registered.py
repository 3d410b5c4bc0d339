"""The scorers of this family."""

from __future__ import annotations

from evalkit.plugin import Scorer
from evalkit_scorers.operations.latency import Latency


def scorers() -> tuple[Scorer, ...]:
    """Return one of each, with its defaults."""
    return (Latency(),)

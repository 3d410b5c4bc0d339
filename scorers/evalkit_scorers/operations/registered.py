"""The scorers of this family."""

from __future__ import annotations

from evalkit.plugin import Scorer
from evalkit_scorers.operations.cost import Cost
from evalkit_scorers.operations.latency import Latency
from evalkit_scorers.operations.output_length import OutputLength
from evalkit_scorers.operations.time_to_first_token import TimeToFirstToken


def scorers() -> tuple[Scorer, ...]:
    """Return one of each, with its defaults."""
    return Cost(), Latency(), OutputLength(), TimeToFirstToken()

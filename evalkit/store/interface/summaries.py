"""What a store promises about the estimates of evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from evalkit.entities.estimate import EvaluationSummary


class Summaries(Protocol):
    """Estimates by run; the cells behind them lie in the run's artifacts."""

    def write(self, run_id: str, summaries: Sequence[EvaluationSummary]) -> None:
        """Make *summaries* the estimates of a run, in this order, in place of any it had.

        Raises:
            RunNotFoundError: If there is none.
            DeletedRunError: If it is deleted.
            UsageError: If two summaries share a key, or a number is not finite.
        """
        ...

    def read(self, run_id: str) -> list[EvaluationSummary]:
        """Return the estimates of a run as they were written; none for a run without any."""
        ...

"""What a store promises about metrics, estimates, assessments and the cards of judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from evalkit.entities.assessment import Assessment
from evalkit.entities.estimate import EvaluationSummary
from evalkit.entities.run import Metric


class Metrics(Protocol):
    """Measurements by run and key, which `Runs.log` logs; the last of each is part of the run."""

    def history(self, run_id: str, key: str) -> list[Metric]:
        """Return every measurement of one metric, by step, then timestamp."""
        ...


class Summaries(Protocol):
    """Estimates by run; the cells behind them lie in the run's artifacts.

    A run that is not there, or deleted, is the error that it is to `Runs`.
    """

    def write(self, run_id: str, summaries: Sequence[EvaluationSummary]) -> None:
        """Make *summaries* the estimates of a run, in this order, in place of any it had.

        The metrics of those that are gone, or have no value any more, go as well.

        Raises:
            UsageError: If two summaries share a key, or a number is not finite.
        """
        ...

    def read(self, run_id: str) -> list[EvaluationSummary]:
        """Return the estimates of a run as they were written; none for a run without any."""
        ...


class Assessments(Protocol):
    """What people, judges and programs say of traces, which need not be in the same store."""

    def log(self, assessments: Sequence[Assessment]) -> None:
        """Keep what was said of traces, all in one transaction.

        One whose id is there already takes the place of what is there, so that a batch may be sent
        twice.

        Raises:
            UsageError: If one has no id, or something is too long.
        """
        ...

    def search(
        self,
        *,
        trace_id: str | None = None,
        span_id: str | None = None,
        run_id: str | None = None,
        name: str | None = None,
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Assessment]:
        """Return assessments that have all of these, the newest first; *after* is an id."""
        ...


class Cards(Protocol):
    """Cards of judges: how each was found to agree with people."""

    def add(self, *, judge: str, signature: str, created: int, card: str) -> None:
        """Keep the card of a judge, beside those that it had before.

        Args:
            judge: Metric that the judge gives.
            signature: What made its verdicts.
            created: When the card was made.
            card: The card as a JSON text.
        """
        ...

    def newest(self, judge: str) -> list[str]:
        """Return the newest cards of a judge as JSON texts, newest first; at most 50."""
        ...

"""What a store promises about assessments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from evalkit.entities.assessment import Assessment


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

"""What a store promises about the metrics of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from evalkit.entities.run import Metric


class Metrics(Protocol):
    """Measurements by run and key; the last of each key is part of the run."""

    def log(self, run_id: str, metrics: Sequence[Metric]) -> None:
        """Log measurements to a run, as `Runs.log` does."""
        ...

    def history(self, run_id: str, key: str) -> list[Metric]:
        """Return every measurement of one metric, by step, then timestamp."""
        ...

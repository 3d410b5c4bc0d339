"""What a metric shows besides its number: confusion matrices, reliability tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.entities.score import Status
from evalkit.scoring.column import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalkit.evaluation.results.result import Result
    from evalkit.scoring.column import Metric


def artifacts_of(result: Result) -> dict[str, dict[str, Any]]:
    """Return the artifacts of every metric that has any, by metric and name, as JSON values."""
    found = {metric.key: dict(_artifacts(result, metric)) for metric in result.metrics}
    return {key: artifacts for key, artifacts in found.items() if artifacts}


def _artifacts(result: Result, metric: Metric) -> Mapping[str, Any]:
    make = getattr(metric.source, "artifacts", None)
    ok = metric.column.status == Status.OK
    if make is None or not isinstance(metric.column.statistics, Rows) or not ok.any():
        return {}
    weights = None
    if "weight" in result.spool.fields:
        weights = np.repeat(result.spool.numbers("weight"), result.repeats)[ok]
    made: Mapping[str, Any] = make(metric.column.statistics.take(ok), weights)
    return made

"""Writing a result to its folder, and the description that reading needs."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit._internal.installed import is_ours
from evalkit.entities.score import Status
from evalkit.evaluation.results.plan import FORMAT
from evalkit.scoring.column import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalkit.evaluation.results.result import Result
    from evalkit.scoring.column import Metric

_log = logging.getLogger("evalkit.evaluation")


def metric_facts(metric: Metric) -> dict[str, Any]:
    """Return what `metric_of` needs besides key and scores."""
    return {
        "scorer": metric.scorer,
        "facts": dataclasses.asdict(metric.facts),
        "signature": metric.signature,
        "binary": metric.column.binary,
        "corpus": metric.source is not None,
    }


def artifacts_of(result: Result) -> dict[str, dict[str, Any]]:
    """Return the artifacts of every metric that has any, by metric and name, as JSON values."""
    made = ((metric.key, dict(_artifacts(result, metric))) for metric in result.metrics)
    return {key: artifacts for key, artifacts in made if artifacts}


def _artifacts(result: Result, metric: Metric) -> Mapping[str, Any]:
    make = getattr(metric.source, "artifacts", None)
    ok = metric.column.status == Status.OK
    if make is None or not isinstance(metric.column.statistics, Rows) or not ok.any():
        return {}
    weights = None
    if "weight" in result.spool.fields:
        weights = np.repeat(result.spool.numbers("weight"), result.repeats)[ok]
    try:
        made: Mapping[str, Any] = make(metric.column.statistics.take(ok), weights)
    except Exception as error:
        if is_ours(metric.source):
            raise
        _log.warning("%s has no artifacts: %s: %s", metric.key, type(error).__name__, error)
        return {}
    return made


def write_result(result: Result) -> None:
    """Write ``result.json``: what `load_result` needs besides cases and scores.

    Raises:
        JournalError: If the folder cannot be written.
    """
    facts = result.facts
    content: dict[str, Any] = {
        "format": FORMAT,
        "run_id": facts.run_id,
        "name": facts.name,
        "status": facts.status,
        "estimates": {k: dataclasses.asdict(e) for k, e in result.estimates.items()},
        "metrics": [{"key": metric.key, **metric_facts(metric)} for metric in result.metrics],
        "usage": {role: dataclasses.asdict(usage) for role, usage in facts.usage.items()},
        "environment": dict(facts.environment),
        "failures": [[cell, *why] for cell, why in facts.failures.items()],
        "notes": list(facts.notes),
        "verdict": result.verdict.to_json(),
    }
    artifacts = artifacts_of(result)
    if artifacts:
        result.folder.write_json(result.folder.artifacts, {"format": FORMAT, "metrics": artifacts})
    result.folder.write_json(result.folder.result, content)

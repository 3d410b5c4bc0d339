"""Writing a result to its folder, and the description that reading needs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from evalkit.evaluation.results.artifacts import artifacts_of
from evalkit.evaluation.results.plan import FORMAT

if TYPE_CHECKING:
    from evalkit.evaluation.results.result import Result


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
        "metrics": [
            {
                "key": metric.key,
                "scorer": metric.scorer,
                "facts": dataclasses.asdict(metric.facts),
                "signature": metric.signature,
                "binary": metric.column.binary,
                "corpus": metric.source is not None,
            }
            for metric in result.metrics
        ],
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

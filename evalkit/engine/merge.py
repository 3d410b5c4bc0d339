"""From the scored batches of all shards to one column for each metric."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from evalkit.engine.joining import join
from evalkit.engine.plan import Plan
from evalkit.engine.state import RunState
from evalkit.engine.verdicts import PLAIN
from evalkit.entities.score import Status
from evalkit.errors import UsageError
from evalkit.scoring.column import Metric, ScoreColumn
from evalkit.scoring.protocol import Scorer, facts_of
from evalkit.scoring.signature import signature


def merge(plan: Plan, state: RunState) -> list[Metric]:
    """Return the metrics of *plan* in the order of its scorers; cells never reached are NOT_RUN.

    Raises:
        UsageError: If two scorers gave a metric of the same name.
    """
    back = _places(plan)
    metrics = [
        metric if back is None else dataclasses.replace(metric, column=metric.column.take(back))
        for place, scorer in enumerate(plan.scorers)
        for metric in metrics_of(scorer, _parts(plan, state, place))
    ]
    makers: dict[str, str] = {}
    for metric in metrics:
        if metric.key in makers:
            raise UsageError(
                f"Two scorers give a metric {metric.key!r}: {makers[metric.key]!r} and "
                f"{metric.scorer!r}; give one of them another name=."
            )
        makers[metric.key] = metric.scorer
    return metrics


def _places(plan: Plan) -> Any:
    """Return where each cell of the data lies among the cells as they were run."""
    if plan.order is None:
        return None
    import numpy as np

    return np.argsort(np.concatenate([plan.cells_of(shard) for shard in plan.shards]))


def _parts(plan: Plan, state: RunState, place: int) -> list[Any]:
    return [
        state.scored.get((shard.index, place))
        or {PLAIN: ScoreColumn.missing(len(shard) * plan.repeats, Status.NOT_RUN)}
        for shard in plan.shards
    ]


def metrics_of(scorer: Scorer, parts: Sequence[Any]) -> list[Metric]:
    """Return the metrics of *scorer* from its columns by key, of consecutive batches."""
    mark = signature(scorer)
    corpus = scorer if getattr(scorer, "corpus", None) is not None else None
    return [
        Metric(
            key=scorer.name if key == PLAIN else f"{scorer.name}.{key}",
            scorer=scorer.name,
            column=column,
            facts=facts_of(scorer, None if key == PLAIN else key),
            signature=mark,
            source=corpus if column.statistics is not None else None,
        )
        for key, column in join(parts).items()
    ]

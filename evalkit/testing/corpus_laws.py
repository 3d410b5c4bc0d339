"""The laws of corpus metrics: how their statistics merge, weigh and are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.sufficient import Additive, Rows
from evalkit.testing.scoring import columns_for, corpus_value, scored_statistics
from evalkit.testing.trial import Trial, near


def merges_its_statistics(trial: Trial, cut: int) -> None:
    """Check that shards trial apart give the corpus value of the whole."""
    scorer: Any = trial.scorer
    law = "merges its statistics"
    shards = [trial.cases[:cut], trial.cases[cut:]]
    for key, column in trial.columns.items():
        if column.statistics is None:
            if getattr(scorer, "corpus", None) is not None:
                trial.broken(law, f"a corpus metric whose column {key!r} has no statistics")
            continue
        whole = scored_statistics(column)
        parts = [columns_for(scorer, shard)[key] for shard in shards if shard]
        if whole is None:
            continue
        merged = scored_statistics(ScoreColumn.concatenate(parts))
        value, again = corpus_value(scorer, whole), corpus_value(scorer, merged)
        if not near(value, again):
            trial.broken(law, f"cut at {cut}, {value} becomes {again}")
        if isinstance(whole, Additive):
            _computes_many_at_once(trial, whole, value)
        else:
            _counts_weights_as_cases(trial, whole, value)
            _draws_as_it_computes(trial, whole)


def _computes_many_at_once(trial: Trial, whole: Additive, value: float) -> None:
    scorer: Any = trial.scorer
    totals = whole.vectors.sum(axis=0)
    many = np.asarray(scorer.compute(np.stack([totals, totals * 3])))
    if many.shape != (2,) or not near(float(many[0]), value):
        trial.broken("computes many totals at once", f"{many!r} instead of twice {value}")


def _counts_weights_as_cases(trial: Trial, whole: Rows, value: float) -> None:
    law = "counts a weight of 2 as two cases"
    scorer: Any = trial.scorer
    n = len(whole)
    if not near(corpus_value(scorer, whole, np.ones(n)), value):
        trial.broken(law, "weights of 1 change the value")
    if n < 2:  # noqa: PLR2004  twice one case may be defined where one is not
        return
    times = np.arange(n) % 2 + 1
    weighed = corpus_value(scorer, whole, times.astype(np.float64))
    repeated = corpus_value(scorer, whole.take(np.repeat(np.arange(n), times)))
    if not near(weighed, repeated):
        trial.broken(law, f"weights {times.tolist()} give {weighed}, repeated cases {repeated}")


def _draws_as_it_computes(trial: Trial, whole: Rows) -> None:
    draw = getattr(trial.scorer, "draws", None)
    if draw is None:
        return
    groups = np.arange(len(whole)) // 2
    for settings in ((None, 5, 7), (np.ones(len(whole)), 5, 7), (None, 5, 7, groups)):
        first, again = draw(whole, *settings), draw(whole, *settings)
        if np.shape(first) != (5,) or not np.array_equal(first, again, equal_nan=True):
            trial.broken("draws by seed", f"5 draws are {first!r}, and {again!r} by the same seed")
        if np.isinf(first).any():
            trial.broken("draws by seed", f"draws are {first!r}; undefined ones have to be NaN")

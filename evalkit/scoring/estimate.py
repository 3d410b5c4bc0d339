"""From the cells of a metric to an estimate: value, interval, and honest denominators."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.installed import is_ours
from evalkit.entities.estimate import Estimate
from evalkit.entities.score import Status
from evalkit.scoring.column import Additive, Rows, ScoreColumn
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.means import Means, interval_of_means
from evalkit.scoring.reduce import Reducer, reduce_repeats
from evalkit.stats.binomial import wilson_interval
from evalkit.stats.interval import Interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RESAMPLES: Final = 1000
_NO_INTERVAL: Final = "too few cases, or no variance, for an interval"
_SLOW_RESAMPLES: Final = 200
"""Draws of a corpus metric that has to be computed anew, in Python, for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How the cells are laid out, and what the cases weigh and belong to."""

    n: int
    """Cases."""

    repeats: int = 1
    groups: npt.NDArray[np.int64] | None = None
    """Cluster of each case, shape ``(n,)``; ``None`` where cases are independent."""

    weights: npt.NDArray[np.float64] | None = None
    """Weight of each case, shape ``(n,)``; ``None`` means 1 each."""

    target_failed: npt.NDArray[np.bool_] | None = None
    """Cells whose target failed by its own fault, shape ``(n * repeats,)``."""

    level: float = 0.95
    seed: int = 0

    def groups_of(self, rows: Any) -> Any:
        """Return the group of each of *rows*; ``None`` where cases are independent."""
        return None if self.groups is None else self.groups[rows]

    def take(self, rows: npt.NDArray[np.int64]) -> Design:
        """Return the design of some cases only."""
        failed = self.target_failed
        return dataclasses.replace(
            self,
            n=len(rows),
            groups=self.groups_of(rows),
            weights=None if self.weights is None else self.weights[rows],
            target_failed=None if failed is None else failed[cells_of_rows(rows, self.repeats)],
        )


def cells_of_rows(rows: npt.NDArray[np.int64], repeats: int) -> npt.NDArray[np.int64]:
    """Return the cells of the cases at *rows*, case by case."""
    import numpy as np

    return (rows[:, None] * repeats + np.arange(repeats)).ravel()


def case_values(
    column: ScoreColumn, design: Design, reducer: Reducer
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    """Return one value and outcome for each case, shape ``(n,)`` each."""
    import numpy as np

    if design.repeats == 1 and not reducer.yields_share:
        return column.values, _weighty(column.status, column, design)
    shape = (design.n, design.repeats)
    failed = design.target_failed
    failed = np.zeros(shape, dtype=bool) if failed is None else failed.reshape(shape)
    values, status = reduce_repeats(
        column.values.reshape(shape), column.status.reshape(shape), failed, reducer
    )
    return values, _weighty(status, column, design)


def _weighty(
    status: npt.NDArray[np.int8], column: ScoreColumn, design: Design
) -> npt.NDArray[np.int8]:
    """Return the outcomes of cases, where what weighs nothing is skipped and does not count."""
    import numpy as np

    weights = case_weights(column, design, slice(None))
    if weights is None:
        return status
    return np.where((status == Status.OK) & (weights == 0), Status.SKIPPED, status).astype(np.int8)


def case_facts(column: ScoreColumn, facts: MetricFacts, reducer: Reducer) -> MetricFacts:
    """Return direction and range of the value of a case: that of yes and no is [0, 1], undeclared.

    Examples:
        >>> from evalkit.scoring.column import ScoreColumn
        >>> column = ScoreColumn.from_values([True, False], binary=True)
        >>> case_facts(column, MetricFacts(), Reducer("mean")).bounds
        (0.0, 1.0)
    """
    if not (facts.binary or column.binary or reducer.yields_share):
        return facts
    return dataclasses.replace(facts, low=0.0, high=1.0)


def estimate_mean(
    key: str, column: ScoreColumn, facts: MetricFacts, design: Design, reducer: Reducer
) -> Estimate:
    """Return the (weighted) mean over cases of a metric's values, with its interval."""
    import numpy as np

    # start-up: it loads numpy
    from evalkit.stats.intervals import mean_interval, note_on_mean
    from evalkit.stats.mean import moderate

    values, status = case_values(column, design, reducer)
    # A cell that has only a label, or only its share of a corpus metric, has no value to average.
    status = np.where((status == Status.OK) & ~np.isfinite(values), Status.SKIPPED, status)
    ok = status == Status.OK
    counted = _counted(key, facts, design, status)
    if not ok.any():
        return dataclasses.replace(counted, note=_why_nothing(status, column))
    weights = case_weights(column, design, ok)
    groups = None if design.groups is None else design.groups[ok]
    binary = (facts.binary or column.binary) and (design.repeats == 1 or reducer.keeps_binary)
    scored = values[ok]
    bounds = case_facts(column, facts, reducer).ends_of(scored)
    within = bounds == (0.0, 1.0)  # what is declared yes or no and is not has no rate
    interval = mean_interval(
        scored,
        groups=groups,
        weights=weights,
        binary=within and (binary or reducer.yields_rate),
        bounds=bounds,
        level=design.level,
        seed=design.seed,
    )
    moderated, scale = moderate(scored)  # sums of the largest floats would overflow
    value = float(np.average(moderated, weights=weights)) * scale
    note = note_on_mean(scored, groups=groups, weights=weights, bounds=bounds)
    note = "; ".join(part for part in (_how_read(column), note) if part) or None
    estimate = dataclasses.replace(counted, value=value, n_groups=_number_of_groups(groups))
    if interval is None:
        return _with_interval(estimate, None, note or _NO_INTERVAL)
    return _with_interval(dataclasses.replace(estimate, note=note), interval)


AS_READ: Final = "as_read"
"""Key of a cell's metadata under which a scorer says how it read the case, where that is odd."""


def _how_read(column: ScoreColumn) -> str | None:
    """Return what cells say of how they were read, and how many of them."""
    said = Counter(
        str(cell[AS_READ])
        for row, cell in column.metadata.items()
        if AS_READ in cell and column.status[row] == Status.OK
    )
    return "; ".join(f"{text} ({n:,} of {len(column):,})" for text, n in said.items()) or None


def _number_of_groups(groups: Any) -> int | None:
    import numpy as np

    return None if groups is None else len(np.unique(groups))


def estimate_corpus(
    key: str, column: ScoreColumn, facts: MetricFacts, design: Design, scorer: Any
) -> Estimate:
    """Return a corpus metric over all cells that have statistics, with its interval.

    Where a stranger's scorer raises, there is no value, and the note says why: what was paid for is
    kept.
    """
    import numpy as np

    shape = (design.n, design.repeats)
    status = _weighty(column.status.reshape(shape).max(axis=1), column, design)
    counted = _counted(key, facts, design, status)
    cells = np.repeat(status == Status.OK, design.repeats)
    if column.statistics is None or not cells.any():
        return dataclasses.replace(counted, note=_why_nothing(status, column))
    try:
        return _of_corpus(counted, column, facts, design, scorer, cells)
    except Exception as error:
        if is_ours(scorer):
            raise
        why = f"its computation raised {type(error).__name__}: {error}"
        return dataclasses.replace(counted, note=why)


def _of_corpus(  # noqa: PLR0917
    counted: Estimate,
    column: ScoreColumn,
    facts: MetricFacts,
    design: Design,
    scorer: Any,
    cells: npt.NDArray[np.bool_],
) -> Estimate:
    import numpy as np

    assert column.statistics is not None  # noqa: S101  the caller looked
    statistics = column.statistics.take(cells)
    weights = None if design.weights is None else np.repeat(design.weights, design.repeats)[cells]
    groups = np.arange(design.n) if design.groups is None else design.groups
    clustered = design.groups is not None or design.repeats > 1
    codes = np.repeat(groups, design.repeats)[cells] if clustered else None
    value = _corpus_value(scorer, statistics, weights)
    noted = getattr(scorer, "note", None)
    notes = (None if noted is None else noted(statistics, weights), _how_read(column))
    note = "; ".join(part for part in notes if part) or None
    if not math.isfinite(value):
        return dataclasses.replace(counted, note=note or "the metric is undefined on these cases")
    interval = _corpus_interval(scorer, statistics, weights, codes, design, value, facts)
    n_groups = None if design.groups is None else _number_of_groups(codes)
    estimate = dataclasses.replace(counted, value=value, n_groups=n_groups, note=note)
    return _with_interval(estimate, interval)


def _corpus_value(scorer: Any, statistics: Additive | Rows, weights: Any) -> float:
    if isinstance(statistics, Rows):
        return float(scorer.compute(statistics, weights))
    vectors = statistics.vectors
    return float(scorer.compute(vectors.sum(axis=0) if weights is None else weights @ vectors))


def corpus_draws(
    scorer: Any, statistics: Additive | Rows, weights: Any, groups: Any, *, seed: int
) -> npt.NDArray[np.float64]:
    """Return bootstrap replicates of a corpus metric, from its statistics, shape ``(draws,)``."""
    import numpy as np

    # start-up: it loads numpy
    from evalkit.stats.resampling import bootstrap_totals, bootstrap_weights

    if isinstance(statistics, Additive):
        vectors = statistics.vectors if weights is None else statistics.vectors * weights[:, None]
        totals = bootstrap_totals(vectors, RESAMPLES, seed=seed, groups=groups)
        return np.asarray(scorer.compute(totals), dtype=np.float64)
    if hasattr(scorer, "draws"):
        return np.asarray(scorer.draws(statistics, weights, RESAMPLES, seed, groups))
    drawn: list[float] = []
    for counts in bootstrap_weights(len(statistics), _SLOW_RESAMPLES, seed=seed, groups=groups):
        for count in counts:
            kept = count > 0
            load = count[kept] if weights is None else count[kept] * weights[kept]
            drawn.append(scorer.compute(statistics.take(kept), load))
    return np.asarray(drawn, dtype=np.float64)


def _corpus_interval(  # noqa: PLR0917
    scorer: Any,
    statistics: Additive | Rows,
    weights: Any,
    groups: Any,
    design: Design,
    value: float,
    facts: MetricFacts,
) -> Interval | None:
    import numpy as np

    # start-up: it loads numpy
    from evalkit.stats.bootstrap import percentile_interval, vary
    from evalkit.stats.interval import expanded_level

    made_of = getattr(scorer, "means", None)
    means: Means | None = None if made_of is None else made_of(statistics)
    if means is not None:
        options: Any = {"weights": weights, "groups": groups, "level": design.level}
        own = interval_of_means(means, value, len(statistics), seed=design.seed, **options)
        if own is not None or not means.binary or not means.cases:
            return own
    closed = getattr(scorer, "interval", None)
    if closed is not None and isinstance(statistics, Rows):
        interval: Interval | None = closed(
            statistics, weights=weights, groups=groups, level=design.level, seed=design.seed
        )
        if interval is not None:
            return interval
    n = len(statistics) if groups is None else len(np.unique(groups))
    if n < 10:  # noqa: PLR2004  the least that a bootstrap can speak from
        return None
    draws = corpus_draws(scorer, statistics, weights, groups, seed=design.seed)
    draws = draws[np.isfinite(draws)]
    if len(draws) < 100 or not vary(draws):  # noqa: PLR2004
        # Equal replicates do not mean certainty: a bounded metric gets Wilson at its value.
        if not len(draws) or facts.bounds != (0.0, 1.0):
            return None
        interval = wilson_interval(value * n, n, level=design.level)
        return dataclasses.replace(interval, method="wilson-mean")
    return percentile_interval(draws, value, level=expanded_level(design.level, n))


def _counted(key: str, facts: MetricFacts, design: Design, status: Any) -> Estimate:
    return Estimate(
        key=key,
        level=design.level,
        n_total=design.n,
        n_scored=int((status == Status.OK).sum()),
        n_skipped=int((status == Status.SKIPPED).sum()),
        n_failed=int((status == Status.FAILED).sum()),
        n_repeats=design.repeats,
        unit=facts.unit,
        direction=facts.direction,
    )


def _with_interval(
    estimate: Estimate, interval: Interval | None, why_none: str = _NO_INTERVAL
) -> Estimate:
    notes = [estimate.note, why_none if interval is None else interval.note]
    estimate = dataclasses.replace(estimate, note="; ".join(filter(None, notes)) or None)
    if interval is None:
        return estimate
    return dataclasses.replace(
        estimate,
        low=interval.low,
        high=interval.high,
        method=interval.method,
        standard_error=interval.standard_error,
    )


def case_weights(column: ScoreColumn, design: Design, ok: Any) -> Any:
    """Return the weights of the cases that are *ok*: the data's times the scorer's, or ``None``."""
    import numpy as np

    if column.weights is None and design.weights is None:
        return None
    weights = np.ones(design.n) if design.weights is None else design.weights
    if column.weights is not None:
        own = column.weights.reshape(design.n, design.repeats)
        # A repeat without a score has no weight of its own either.
        scored = (column.status == Status.OK).reshape(own.shape)
        scored[~scored.any(axis=1)] = True
        weights = weights * np.average(own, axis=1, weights=scored)
    return weights[ok]


def _why_nothing(status: Any, column: ScoreColumn) -> str:
    import numpy as np

    scored = column.status == Status.OK
    skipped = "all weights are 0" if scored.any() else "the scorer applies to no case"
    if scored.any() and column.statistics is None and not np.isfinite(column.values[scored]).any():
        skipped = "its scores are labels, not numbers"
    for outcome, text in (
        (Status.FAILED, "every case failed"),
        (Status.NOT_RUN, "no case was run"),
        (Status.SKIPPED, skipped),
    ):
        if len(status) and (status == outcome).all():
            return text
    return "no case has a value"

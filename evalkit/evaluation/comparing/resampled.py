"""Paired differences of metrics that are no means of cells: corpus metrics and quantiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from evalkit.entities.score import Status
from evalkit.errors import EvalkitError, UsageError
from evalkit.evaluation.comparing.distinct import kinds_of_cases
from evalkit.evaluation.comparing.pairs import Pairs
from evalkit.evaluation.results.result import Result
from evalkit.scoring.column import Additive, Metric, Rows
from evalkit.scoring.estimate import Design, cells_of_rows
from evalkit.stats.bootstrap import percentile_interval
from evalkit.stats.difference import PairedDifference
from evalkit.stats.interval import normal_quantile
from evalkit.stats.matched_rates import tango_limits
from evalkit.stats.randomization import approximate_randomization, paired_bootstrap
from evalkit.stats.resampling import bootstrap_weights

DRAWS = 2000
"""Draws of the bootstrap and of the randomisation of statistics that add up."""

_SLOW_DRAWS = 300
"""Draws of a metric that has to be computed anew, in Python, for each."""

_POWER_QUANTILE = 0.8416212335729143
"""Normal quantile of the 80 % power at which `smallest_detectable` is told."""


def corpus_difference(a: Result, b: Result, pairs: Pairs, design: Design) -> PairedDifference:
    """Return the paired difference of a corpus metric by resampling its statistics.

    Raises:
        UsageError: If no case has statistics in both, or repeats differ.
    """
    both = np.flatnonzero(
        _scored(a, pairs.metric)[pairs.rows[0]] & _scored(b, pairs.other)[pairs.rows[1]]
    )
    if not len(both):
        raise UsageError(
            f"No case has a value of {pairs.metric.key} in both {a.name!r} and {b.name!r}."
        )
    if a.repeats != b.repeats:
        raise UsageError(f"{pairs.metric.key}: the results have different numbers of repeats.")
    design = design.take(both)
    cells = [cells_of_rows(rows[both], a.repeats) for rows in pairs.rows]
    first, second = (
        _statistics(result, metric, place)
        for result, metric, place in zip((a, b), (pairs.metric, pairs.other), cells, strict=True)
    )
    codes = np.arange(len(both)) if design.groups is None else design.groups
    groups = None if design.groups is None and a.repeats == 1 else np.repeat(codes, a.repeats)
    weights = None if design.weights is None else np.repeat(design.weights, a.repeats)
    source = pairs.metric.source
    if isinstance(first, Additive) and isinstance(second, Additive):
        drawn = _additive(source, (first, second), weights, groups, design)
    else:
        drawn = _rows(source, (first, second), weights, groups, design)
    bounds = pairs.metric.facts.bounds
    if drawn.low is None and drawn.difference == 0.0 and bounds is not None:
        # How far systems may differ that did not on so many cases: Tango's interval at 0.
        limits = tango_limits(0.0, 0.0, len(np.unique(codes)), normal_quantile(design.level))
        low, high = (limit * (bounds[1] - bounds[0]) for limit in limits)
        drawn = dataclasses.replace(drawn, low=low, high=high, method="tango-mean")
        return dataclasses.replace(drawn, standard_error=None, smallest_detectable=None)
    return drawn


def quantile_difference(a: Any, b: Any, share: float, design: Design) -> PairedDifference:
    """Return the difference of two quantiles, by the paired bootstrap.

    *a* and *b* are values of the cases of *design*, shape ``(n,)``; a *share* of them, in (0, 1),
    lies below the quantile.
    """
    drawn = np.concatenate(
        [
            _weighted_quantiles(a, counts, share) - _weighted_quantiles(b, counts, share)
            for counts in bootstrap_weights(len(a), DRAWS, seed=design.seed, groups=design.groups)
        ]
    )
    return _from_draws(drawn, float(np.quantile(a, share) - np.quantile(b, share)), design)


def _weighted_quantiles(values: Any, counts: Any, share: float) -> Any:
    """Return the quantile of *values* in each draw, whose *counts* have shape ``(draws, n)``."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(counts[:, order], axis=1)
    wanted = share * reached[:, -1:]
    return values[order][(reached < wanted).sum(axis=1)]


def _difference(
    design: Design,
    value: float,
    *,
    limits: tuple[float | None, float | None] = (None, None),
    p_value: float | None = None,
    error: float | None = None,
    test: str = "paired-bootstrap",
) -> PairedDifference:
    reach = normal_quantile(design.level) + _POWER_QUANTILE
    return PairedDifference(
        difference=value,
        low=limits[0],
        high=limits[1],
        level=design.level,
        method=None if limits[0] is None else "paired-bootstrap",
        p_value=p_value,
        effect_size=None,
        correlation=None,
        n=design.n,
        n_groups=None if design.groups is None else len(np.unique(design.groups)),
        standard_error=error,
        smallest_detectable=None if error is None else reach * error,
        test=test,
    )


def _scored(result: Result, metric: Metric) -> Any:
    return (metric.column.status.reshape(len(result), -1) == Status.OK).all(axis=1)


def _statistics(result: Result, metric: Metric, cells: Any) -> Additive | Rows:
    statistics = metric.column.statistics
    if statistics is None:
        raise UsageError(
            f"{result.name!r} holds no statistics of {metric.key}, only its value; write the "
            "baseline anew with its texts, or compare with the run itself."
        )
    return statistics.take(cells)


def _additive(
    scorer: Any, statistics: tuple[Additive, Additive], weights: Any, groups: Any, design: Design
) -> PairedDifference:
    first, second = (part.vectors for part in statistics)
    if weights is not None:
        first, second = first * weights[:, None], second * weights[:, None]
    settings: dict[str, Any] = {"draws": DRAWS, "seed": design.seed, "groups": groups}
    bootstrap = paired_bootstrap(first, second, scorer.compute, level=design.level, **settings)
    test = approximate_randomization(first, second, scorer.compute, **settings)
    return _difference(
        design,
        bootstrap.difference,
        limits=(bootstrap.low, bootstrap.high) if bootstrap.standard_error else (None, None),
        p_value=test.p_value,
        error=bootstrap.standard_error,
        test="approximate-randomization",
    )


def _rows(
    scorer: Any, statistics: tuple[Any, Any], weights: Any, groups: Any, design: Design
) -> PairedDifference:
    first, second = statistics
    value = float(_computed(scorer, first, weights) - _computed(scorer, second, weights))
    kinds = kinds_of_cases(first, second) if weights is None and groups is None else None
    if kinds is None:
        draws = _draws_of_cases(len(first), weights, groups, design.seed)
    else:
        rows, counts = kinds
        first, second = first.take(rows), second.take(rows)
        draws = _draws_of_kinds(counts, design.seed)
    differences = [
        scorer.compute(first.take(drawn), load) - scorer.compute(second.take(drawn), load)
        for drawn, load in draws
    ]
    return _from_draws(np.array(differences), value, design)


def _computed(scorer: Any, rows: Rows, weights: Any) -> float:
    try:
        return float(scorer.compute(rows, weights))
    except EvalkitError as error:
        raise UsageError(str(error)) from error


def _draws_of_cases(n: int, weights: Any, groups: Any, seed: int) -> Iterator[tuple[Any, Any]]:
    """Yield which cases are drawn, and how heavy each of these is."""
    for counts in bootstrap_weights(n, _SLOW_DRAWS, seed=seed, groups=groups):
        for count in counts:
            drawn = count > 0
            yield drawn, count[drawn] if weights is None else count[drawn] * weights[drawn]


def _draws_of_kinds(counts: Any, seed: int) -> Iterator[tuple[Any, Any]]:
    """Yield which kinds are drawn, and how many cases of each: as good as the cases themselves."""
    n = int(counts.sum())
    for load in np.random.default_rng(seed).multinomial(n, counts / n, size=DRAWS):
        drawn = load > 0
        yield drawn, load[drawn].astype(np.float64)


def _from_draws(drawn: Any, value: float, design: Design) -> PairedDifference:
    """Return interval and p-value; draws shifted to no difference, as `paired_bootstrap` does."""
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < max(100, len(drawn) // 2) or np.ptp(defined) == 0.0:
        return _difference(design, value, p_value=1.0 if value == 0.0 else None)
    interval = percentile_interval(defined, value, level=design.level)
    hits = int((np.abs(defined - defined.mean()) >= abs(value)).sum())
    return _difference(
        design,
        value,
        limits=(interval.low, interval.high),
        p_value=(1 + hits) / (1 + len(defined)),
        error=float(defined.std(ddof=1)),
    )

"""Paired differences of metrics that are no means of cells: corpus metrics and quantiles."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter
from statistics import NormalDist
from typing import Any

import numpy as np

from evalkit.entities.score import Status
from evalkit.errors import EvalkitError, UnpairedError, UsageError
from evalkit.evaluation.comparing.joint import JointTable
from evalkit.evaluation.comparing.pairs import Pairs
from evalkit.evaluation.results.result import Result
from evalkit.scoring.column import Additive, Metric, Rows
from evalkit.scoring.estimate import Design, cells_of_rows
from evalkit.scoring.means import Means
from evalkit.stats.arguments import as_group_codes
from evalkit.stats.bootstrap import percentile_interval, percentile_p_value, vary
from evalkit.stats.difference import PairedDifference, agreeing
from evalkit.stats.interval import expanded_level, normal_quantile
from evalkit.stats.matched_rates import tango_limits
from evalkit.stats.paired import paired_difference
from evalkit.stats.quantile import weighted_quantile
from evalkit.stats.randomization import approximate_randomization, paired_bootstrap
from evalkit.stats.resampling import bootstrap_weights, sum_by_group

DRAWS = 2000
"""Draws of the bootstrap and of the randomisation of statistics that add up."""

_SLOW_DRAWS = 1000
"""Draws of a metric that has to be computed anew, in Python, for each."""

_SLOWEST_DRAWS = 300
"""The same where there are more than `_MANY` cases."""

_MANY = 5_000

_POWER_QUANTILE = 0.8416212335729143
"""Normal quantile of the 80 % power at which `smallest_detectable` is told."""


def corpus_difference(a: Result, b: Result, pairs: Pairs, design: Design) -> PairedDifference:
    """Return the paired difference of a corpus metric by resampling its statistics.

    Raises:
        UsageError: If no case that weighs anything has statistics in both, or repeats differ.
    """
    scored = _scored(a, pairs.metric)[pairs.rows[0]] & _scored(b, pairs.other)[pairs.rows[1]]
    both = np.flatnonzero(scored if design.weights is None else scored & (design.weights > 0))
    if not len(both):
        raise UnpairedError(
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
        drawn = additive_difference(source, (first, second), weights, groups, design)
    else:
        drawn = rows_difference(source, (first, second), weights, groups, design)
    bounds = pairs.metric.facts.bounds
    if drawn.low is None and drawn.difference == 0.0 and bounds is not None:
        # How far systems may differ that did not on so many cases: Tango's interval at 0.
        n_cases = min(len(np.unique(codes)), smallest_class(first))
        limits = tango_limits(0.0, 0.0, n_cases, normal_quantile(design.level))
        low, high = (limit * (bounds[1] - bounds[0]) for limit in limits)
        drawn = dataclasses.replace(drawn, low=low, high=high, method="tango-mean")
        return dataclasses.replace(drawn, standard_error=None, smallest_detectable=None)
    return drawn


def smallest_class(statistics: Additive | Rows) -> int:
    """Return how many cases the rarest class has, of which such a metric may be all about."""
    if isinstance(statistics, Additive):
        return len(statistics)
    targets = statistics.columns.get("target")
    if targets is None or targets.dtype != object:
        return len(statistics)
    return min(Counter(targets.tolist()).values())


def quantile_difference(a: Any, b: Any, share: float, design: Design) -> PairedDifference:
    """Return the difference of two (weighted) quantiles, by the paired bootstrap.

    *a* and *b* are values of the cases of *design*, shape ``(n,)``; a *share* of their weight, in
    (0, 1), lies below the quantile.
    """
    load = 1.0 if design.weights is None else design.weights
    drawn = np.concatenate(
        [
            _weighted_quantiles(a, counts * load, share)
            - _weighted_quantiles(b, counts * load, share)
            for counts in bootstrap_weights(len(a), DRAWS, seed=design.seed, groups=design.groups)
        ]
    )
    first, second = (weighted_quantile(values, share, design.weights) for values in (a, b))
    return _from_draws(drawn, first - second, design)


def _weighted_quantiles(values: Any, weights: Any, share: float) -> Any:
    """Return the quantile of *values* in each draw, whose *weights* have shape ``(draws, n)``."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1)
    # Sums of equal parts may miss the share by their rounding.
    wanted = share * reached[:, -1:] * (1 - 1e-12)
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


def additive_difference(
    scorer: Any, statistics: tuple[Additive, Additive], weights: Any, groups: Any, design: Design
) -> PairedDifference:
    """Return the difference of a metric of sums, from statistics that add up.

    Its limits hold those of the paired bootstrap and those of the mean of jackknife pseudo-values,
    by `paired_difference`; where the latter has none, there are none.
    """
    first, second = (part.vectors for part in statistics)
    if weights is not None:
        first, second = first * weights[:, None], second * weights[:, None]
    settings: dict[str, Any] = {"draws": DRAWS, "seed": design.seed, "groups": groups}
    units = design.n if design.groups is None else len(np.unique(design.groups))
    level = expanded_level(design.level, units) if units > 1 else design.level
    bootstrap = paired_bootstrap(first, second, scorer.compute, level=level, **settings)
    test = approximate_randomization(first, second, scorer.compute, **settings)
    limits: tuple[float | None, float | None] = (None, None)
    p_value = test.p_value
    # The bootstrap's limits are too near where one system costs a little more on every case.
    pair = (_pseudo_values(scorer, part, groups) for part in (first, second))
    parts = paired_difference(*pair, level=design.level, seed=design.seed)
    if bootstrap.standard_error and parts.low is not None and parts.high is not None:
        low, high, p_value = agreeing(
            min(bootstrap.low or 0.0, parts.low),
            max(bootstrap.high or 0.0, parts.high),
            p_value,
            otherwise=bootstrap.p_value,
            level=design.level,
        )
        limits = low, high
    return _difference(
        design,
        bootstrap.difference,
        limits=limits,
        p_value=p_value,
        error=bootstrap.standard_error,
        test="approximate-randomization",
    )


def _pseudo_values(scorer: Any, statistics: Any, groups: Any) -> Any:
    """Return what each case, or group, brings to a metric of sums: its jackknife pseudo-values.

    References:
        Tukey (1958), *Annals of Mathematical Statistics* 29:614.
    """
    if groups is not None:
        statistics = sum_by_group(statistics, *as_group_codes(groups, len(statistics)))
    totals = statistics.sum(axis=0)
    value, n = float(scorer.compute(totals)), len(statistics)
    rest = np.asarray(scorer.compute(totals - statistics))
    pulls = (n - 1) * np.where(np.isfinite(rest), value - rest, 0.0)
    return value + pulls - pulls.mean()


def rows_difference(
    scorer: Any, statistics: tuple[Any, Any], weights: Any, groups: Any, design: Design
) -> PairedDifference:
    """Return the difference of a metric of rows: in closed form where there is one, else drawn."""
    first, second = statistics
    value = float(_computed(scorer, first, weights) - _computed(scorer, second, weights))
    closed = getattr(scorer, "difference", None)
    exact = None
    if closed is not None:
        exact = closed(first, second, weights=weights, groups=groups, level=design.level)
    if exact is not None:
        interval, p_value = exact
        return dataclasses.replace(
            _difference(
                design,
                value,
                limits=(interval.low, interval.high),
                p_value=p_value,
                error=interval.standard_error,
                test="score" if interval.method == "tango-mean" else interval.method,
            ),
            method=interval.method,
        )
    made_of = getattr(scorer, "means", None)
    means = [None if made_of is None else made_of(each) for each in statistics]
    if all(each is not None and not each.cases for each in means):
        return _difference(design, value)  # neither has an interval, as the largest error
    paired = _of_means(means[0], means[1], weights, groups, design)
    if paired is not None:
        return paired
    table = JointTable.of(first, second)
    if table is not None:
        first, second = table.rows
        draws = table.draws(DRAWS, weights=weights, groups=groups, seed=design.seed)
    else:
        n_draws = _SLOW_DRAWS if len(first) <= _MANY else _SLOWEST_DRAWS
        counts = bootstrap_weights(len(first), n_draws, seed=design.seed, groups=groups)
        draws = (part if weights is None else part * weights for part in counts)
    at_once = getattr(scorer, "of_draws", None) or functools.partial(_one_by_one, scorer)
    differences = [at_once(first, part) - at_once(second, part) for part in draws]
    drawn = np.concatenate(differences)
    if table is not None and table.alike:
        drawn = np.concatenate([drawn, -drawn])
    return _from_draws(drawn, value, design)


def _of_means(
    first: Means | None, second: Means | None, weights: Any, groups: Any, design: Design
) -> PairedDifference | None:
    """Return the difference of metrics that are means over the same cases, such as recall.

    That of several means, about different cases, has limits whose distances add up in squares.

    References:
        Zou and Donner (2008), *Statistics in Medicine* 27:1693.
    """
    if first is None or second is None or not first.pairs_with(second):
        return None
    if len(first.cases) > 1 and groups is not None:
        return None  # a group holds cases of several means, which then go together
    below = above = squares = value = 0.0
    for share, cases, a, b in zip(
        first.shares, first.cases, first.values, second.values, strict=True
    ):
        load = None if weights is None else weights[cases]
        if not len(cases) or (load is not None and not load.any()):
            continue
        part = paired_difference(
            a,
            b,
            groups=None if groups is None else groups[cases],
            weights=load,
            binary=first.binary,
            level=design.level,
            seed=design.seed,
        )
        if len(first.cases) == 1:
            return part
        if part.low is None or part.high is None:
            return None
        value += share * part.difference
        below += (share * (part.difference - part.low)) ** 2
        above += (share * (part.high - part.difference)) ** 2
        squares += (share * (part.standard_error or 0.0)) ** 2
    error, below, above = map(math.sqrt, (squares, below, above))
    # Without a spread, as of all right against all wrong, the limit nearer to 0 tells of it.
    spread = error or (below if value > 0 else above) / normal_quantile(design.level)
    p_value = 2 * NormalDist().cdf(-abs(value) / spread) if spread else 1.0
    low, high, p_value = agreeing(value - below, value + above, p_value, level=design.level)
    found = _difference(
        design, value, limits=(low, high), p_value=p_value, error=error, test="wald"
    )
    return dataclasses.replace(found, method="square-and-add")


def _computed(scorer: Any, rows: Rows, weights: Any) -> float:
    try:
        return float(scorer.compute(rows, weights))
    except EvalkitError as error:
        raise UsageError(str(error)) from error


def _one_by_one(scorer: Any, rows: Rows, draws: Any) -> Any:
    """Return the metric for each weighting of the cases: ``(d, n)`` in, ``(d,)`` out."""
    drawn = [np.flatnonzero(load) for load in draws]
    return np.array(
        [
            scorer.compute(rows.take(some), load[some])
            for some, load in zip(drawn, draws, strict=True)
        ]
    )


def _from_draws(drawn: Any, value: float, design: Design) -> PairedDifference:
    """Return the percentile interval of the draws, and the p-value that it stands for."""
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < max(100, len(drawn) // 2) or not vary(defined):
        return _difference(design, value, p_value=1.0 if value == 0.0 else None)
    interval = percentile_interval(defined, value, level=design.level)
    low, high, p_value = agreeing(
        interval.low, interval.high, percentile_p_value(defined), level=design.level
    )
    error = float(defined.std(ddof=1))
    return _difference(design, value, limits=(low, high), p_value=p_value, error=error)

"""The paired difference of two results on the same cases."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from evalkit._internal.installed import is_ours
from evalkit.errors import EvalkitError, UnpairedError
from evalkit.evaluation.comparing.pairs import Pairs, join
from evalkit.evaluation.comparing.resampled import corpus_difference, quantile_difference
from evalkit.evaluation.results.result import Result
from evalkit.scoring.estimate import case_weights
from evalkit.stats.difference import PairedDifference
from evalkit.stats.paired import paired_difference


def difference(a: Result, b: Result, key: str, *, anyway: bool = False) -> PairedDifference:
    """Return the difference ``a - b`` of *key* over the cases of both.

    Cases are joined by id; where either has no value, the pair is left out.  Means of cells are
    compared by `evalkit.stats.paired_difference`; metrics of labels by draws of their joint table,
    areas under ROC curves by DeLong's method, other corpus metrics and quantiles by the paired
    bootstrap, with approximate randomisation for the p-value where statistics add up.

    Raises:
        UsageError: If dataset, signature or reducer differ, naming what, unless *anyway*; or
            nothing pairs up.
        UnknownMetricError: If one has no such metric.
    """
    return difference_of(a, b, join(a, b, key, anyway=anyway))


def difference_of(
    a: Result, b: Result, pairs: Pairs, *, level: float | None = None
) -> PairedDifference:
    """Return the paired difference of joined cases, at another *level* than that of *a* if given.

    Raises:
        UsageError: If no case has a value in both.
    """
    design = a.by_key.design.take(pairs.rows[0])
    if level is not None:
        design = dataclasses.replace(design, level=level)
    if pairs.metric.source is not None:
        try:
            return corpus_difference(a, b, pairs, design)
        except Exception as error:
            if isinstance(error, EvalkitError) or is_ours(pairs.metric.source):
                raise
            problem = f"{type(error).__name__}: {error}"
            raise UnpairedError(f"{pairs.metric.key} cannot be compared: {problem}") from error
    values_a, values_b = pairs.values
    paired = np.isfinite(values_a) & np.isfinite(values_b)
    if not paired.any():
        raise UnpairedError(
            f"No case has a value of {pairs.metric.key} in both {a.name!r} and {b.name!r}."
        )
    values_a, values_b = values_a[paired], values_b[paired]
    design = design.take(np.flatnonzero(paired))
    design = dataclasses.replace(design, weights=_weights(a, b, pairs, np.flatnonzero(paired)))
    if pairs.quantile is not None:
        return quantile_difference(values_a, values_b, pairs.quantile, design)
    bounds = pairs.facts.bounds_of(np.concatenate([values_a, values_b]))
    binary = bounds == (0.0, 1.0) and pairs.metric.column.binary and pairs.other.column.binary
    return paired_difference(
        values_a,
        values_b,
        groups=design.groups,
        weights=design.weights,
        binary=binary and a.repeats == b.repeats == 1,
        bounds=bounds,
        level=design.level,
        seed=design.seed,
    )


def paired_values(a: Result, b: Result, pairs: Pairs) -> tuple[float, float] | None:
    """Return the means of both over the cases that have a value in both, weighted alike.

    ``None`` where these are all cases that have one in either and weigh as much in both, for corpus
    metrics and quantiles, and where there is no such case.
    """
    if pairs.metric.source is not None or pairs.quantile is not None:
        return None
    values_a, values_b = pairs.values
    both = np.isfinite(values_a) & np.isfinite(values_b)
    scored = max(result[pairs.metric.key].n_scored for result in (a, b))
    own = [part.column.weights is not None for part in (pairs.metric, pairs.other)]
    if not both.any() or (int(both.sum()) == scored and not any(own)):
        return None
    weights = _weights(a, b, pairs, np.flatnonzero(both))
    first, second = (np.average(values[both], weights=weights) for values in pairs.values)
    return float(first), float(second)


def _weights(a: Result, b: Result, pairs: Pairs, places: Any) -> Any:
    """Return what joined cases weigh: the data's weights, times the mean of either system's own.

    So each difference counts once, and ``a - b`` is the negative of ``b - a``.
    """
    first, second = (
        case_weights(part.column, result.by_key.design, rows[places])
        for result, part, rows in zip((a, b), (pairs.metric, pairs.other), pairs.rows, strict=True)
    )
    if first is None and second is None:
        return None
    return ((1.0 if first is None else first) + (1.0 if second is None else second)) / 2

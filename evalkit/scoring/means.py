"""The means that a metric of all cases is made of, and the interval that it has from theirs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from evalkit.stats.interval import Interval


@dataclass(frozen=True, slots=True)
class Means:
    """What a corpus metric is made of: means over those cases that each is about.

    Recall is the mean of right or wrong over the cases whose target is the label; balanced
    accuracy is half the sum of two of them; RMSE is the root of a mean.
    """

    cases: Sequence[npt.NDArray[np.int64]]
    """Cases that each mean is about, as places among those of the statistics.  No means at all say
    that there is no interval, and that draws have none either."""

    values: Sequence[npt.NDArray[np.float64]]
    """Values of these cases, as long as `cases` each."""

    shares: Sequence[float] = (1.0,)
    """What a step of each mean's own metric adds to the metric."""

    binary: bool = True
    """Whether values are yes or no; otherwise they are at least 0."""

    metric: Callable[[float], float] = float
    """From a mean to its own metric, increasing: the root, or from Jaccard's index to F1."""

    def pairs_with(self, other: Means) -> bool:
        """Say whether both metrics are sums of means over the same cases, which then pair up."""
        if not self.cases or self.shares != other.shares or self.metric is not other.metric:
            return False
        same = zip(self.cases, other.cases, strict=True)
        return self.metric is float and all(a.tolist() == b.tolist() for a, b in same)


def interval_of_means(
    means: Means, value: float, n: int, *, weights: Any, groups: Any, level: float, seed: int
) -> Interval | None:
    """Return the interval of a metric of *n* cases that is made of means; ``None`` without one.

    One mean has its own interval, its ends put through `Means.metric`.  Of several, which are about
    different cases, the distances to their limits add up in squares.  A rate over some of the cases
    takes the exact interval below 20 of them, a rate over all that of accuracy.

    References:
        Zou and Donner (2008), *Statistics in Medicine* 27:1693, for limits that add up in squares
        (Newcombe's method 10, recovered variances); Lam (2023), arXiv 2309.14621, for Wilson's
        limits of F1 by way of Jaccard's index; Takahashi et al. (2022), *Applied Intelligence*
        52:4961, for the delta method, which covers less near the ends.
    """
    # start-up: it loads numpy
    from evalkit.stats.interval import Interval
    from evalkit.stats.intervals import mean_interval, rate_of_part
    from evalkit.stats.mean import mean_and_error

    if len(means.cases) > 1 and groups is not None:
        return None  # a group holds cases of several means, which then go together
    below = above = 0.0
    found = None
    for cases, values, share in zip(means.cases, means.values, means.shares, strict=True):
        if not len(cases):
            continue
        load = None if weights is None else weights[cases]
        options: Any = {"groups": None if groups is None else groups[cases], "level": level}
        if load is not None and not load.any():
            return None
        if not means.binary:
            found = mean_interval(values, weights=load, bounds=(0.0, None), seed=seed, **options)
        elif len(cases) < n:
            found = rate_of_part(values, weights=load, **options)
        else:
            found = mean_interval(values, weights=load, binary=True, **options)
        if found is None:
            return None
        own = means.metric(mean_and_error(values, load)[0])
        below += (share * (own - means.metric(found.low))) ** 2
        above += (share * (means.metric(found.high) - own)) ** 2
    if found is None:
        return None
    method = found.method if len(means.cases) == 1 else "square-and-add"
    if len(means.cases) == 1 and means.metric is float:
        return dataclasses.replace(found, method=method)
    return Interval(value - math.sqrt(below), value + math.sqrt(above), method)

"""From the verdicts on parts, such as the claims of an answer, to one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from evalkit.errors import UsageError, near_miss

Aggregate = Callable[[Sequence[float]], float]


def mean(values: Sequence[float]) -> float:
    """Return the mean of *values*, which are not empty.

    Examples:
        >>> mean([1.0, 0.0, 1.0, 1.0])
        0.75
    """
    return math.fsum(values) / len(values)


def average_precision(values: Sequence[float]) -> float:
    """Return the mean of precision at each rank that holds a relevant part; 0 without any.

    Args:
        values: Relevance in order of rank, each in [0, 1].

    Examples:
        >>> round(average_precision([1.0, 0.0, 1.0]), 4)
        0.8333
        >>> average_precision([0.0, 0.0])
        0.0

    References:
        Manning, Raghavan and Schütze (2008), *Introduction to Information Retrieval*, section 8.4.
    """
    total = math.fsum(values)
    if total == 0:
        return 0.0
    precisions: list[float] = []
    relevant = 0.0
    for rank, value in enumerate(values, 1):
        relevant += value
        precisions.append(value * relevant / rank)
    return math.fsum(precisions) / total


AGGREGATES: Final[Mapping[str, Aggregate]] = {
    "mean": mean,
    "min": min,
    "max": max,
    "average_precision": average_precision,
}


def aggregate_of(given: str | Callable[..., Any]) -> Aggregate:
    """Return the function called *given*, or *given* itself.

    Raises:
        UsageError: If there is none of that name.
    """
    if callable(given):
        return given
    if given not in AGGREGATES:
        known = ", ".join(AGGREGATES)
        raise UsageError(
            f"aggregate= is a function or one of {known}; got {given!r}."
            f"{near_miss(given, AGGREGATES)}"
        )
    return AGGREGATES[given]

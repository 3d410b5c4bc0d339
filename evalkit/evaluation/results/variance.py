"""Where the width of an interval comes from: cases, the target's randomness, the judge's."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit.entities.score import Status
from evalkit.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from evalkit.evaluation.results.result import Result

    Floats = npt.NDArray[np.float64]

_LITTLE: Final = 0.25
"""Share of the variance below which removing it is not worth the calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceParts:
    """The variance of a metric's mean, told apart by where it comes from."""

    metric: str
    n: int
    """Cases with a value in every repeat."""

    repeats: int
    standard_error: float
    """Standard error of the mean over cases; cluster-robust where cases are in groups."""

    from_cases: float
    """Share that more cases alone would remove, in [0, 1]."""

    from_target: float | None
    """Share that comes from the target's randomness; ``None`` without repeats."""

    from_judge: float | None
    """Share that comes from the judge's randomness; ``None`` where it was asked once a cell."""

    icc: float | None
    """Correlation of two repeats of a case; ``None`` without repeats."""

    design_effect: float
    """How much groups inflate the variance; 1 without groups."""

    one_repeat_error: float | None
    """Standard error that as many calls would have given, each on a case of its own."""

    advice: str
    """What to buy next."""


def variance_parts(result: Result, key: str) -> VarianceParts:
    """Return how much of the variance of *key*'s mean comes from what.

    The variance of the mean is ``(s2_case + s2_target / K + s2_judge / (K J)) / n``: cases alone
    divide all of it.

    Raises:
        UnknownMetricError: If there is no such metric.
        UsageError: If there is nothing to tell apart: neither repeats nor samples of a judge.

    References:
        Miller (2024), arXiv 2411.00640, section 3; Brennan (2001), *Generalizability Theory*.
    """
    part = result.by_key.part(key)
    column, repeats = part.metric.column, result.repeats
    ok = (column.status == Status.OK) & np.isfinite(column.values)
    whole = ok.reshape(-1, repeats).all(axis=1)
    if part.metric.source is not None or whole.sum() < 2:  # noqa: PLR2004
        raise UsageError(f"{key} has no two cases with a value in each repeat to tell apart.")
    judged = _judge_variance(column, np.repeat(whole, repeats))
    if repeats == 1 and judged is None:
        raise UsageError(
            f"{key} has one value a case, and no samples of a judge whose votes can be told apart; "
            "use repeats=2 or more."
        )
    matrix = column.values.reshape(-1, repeats)[whole]
    groups = result.by_key.design.groups
    return _parts(key, matrix, judged, None if groups is None else groups[whole])


def _parts(key: str, matrix: Floats, judged: float | None, groups: Any) -> VarianceParts:
    # start-up: only where there are repeats, or samples of a judge
    from evalkit.stats.clustered import clustered_mean
    from evalkit.stats.repeats import variance_components

    n, repeats = matrix.shape
    means = matrix.mean(axis=1)
    plain = float(means.var(ddof=1)) / n
    total = plain if groups is None else clustered_mean(means, groups).standard_error ** 2
    effect = total / plain if plain > 0 else 1.0
    components = variance_components(matrix) if repeats > 1 else None
    within = 0.0 if components is None else components.within / (n * repeats)
    judge = 0.0 if judged is None else min(judged / (n * repeats), within or judged / n)
    noise = max(within, judge)
    whole = max(total, noise)  # cases may come out equal although each verdict wavers
    noise_share = noise / whole if whole > 0 else 0.0
    judge_share = min(noise_share, judge / whole) if whole > 0 else 0.0
    target_share = None if components is None else noise_share - judge_share
    once = None
    if components is not None:
        once = ((components.case_variance + components.within) * effect / (n * repeats)) ** 0.5
    return VarianceParts(
        metric=key,
        n=n,
        repeats=repeats,
        standard_error=total**0.5,
        from_cases=1.0 - noise_share,
        from_target=target_share,
        from_judge=None if judged is None else judge_share,
        icc=None if components is None else components.icc,
        design_effect=effect,
        one_repeat_error=once,
        advice=_advice(target_share or 0.0, judge_share, whole),
    )


def _judge_variance(column: Any, kept: Any) -> float | None:
    """Return the mean variance of a cell's score that comes from the judge's own samples.

    Judges keep the votes of their samples: a mapping of value (as text) to count.
    """
    spreads: list[float] = []
    for row in np.flatnonzero(kept).tolist():
        votes = (column.metadata.get(row) or {}).get("votes")
        spread = _spread(votes, float(column.values[row])) if votes else None
        if spread is not None:
            spreads.append(spread)
    return sum(spreads) / len(spreads) if spreads else None


def _spread(votes: Any, mean: float) -> float | None:
    """Return the variance of the mean of a cell's samples; ``None`` where it cannot be told.

    Words vary only where they are not unanimous: two of them as 0 and 1, by the mean.
    """
    counts = {word: int(count) for word, count in dict(votes).items()}
    size = sum(counts.values())
    if size < 2:  # noqa: PLR2004
        return None
    try:
        values = [(float(word), count) for word, count in counts.items()]
    except ValueError:
        shares = {count / size for count in counts.values()}
        two = len(counts) == 2 and any(abs(mean - share) < 1e-9 for share in shares)  # noqa: PLR2004
        return 0.0 if len(counts) == 1 else mean * (1 - mean) / (size - 1) if two else None
    centre = sum(value * count for value, count in values) / size
    squares = sum(count * (value - centre) ** 2 for value, count in values)
    return squares / (size - 1) / size


def _advice(target: float, judge: float, total: float) -> str:
    if total <= 0:
        return "nothing varies; more of anything changes nothing"
    if target + judge < _LITTLE:
        return "more cases, not more repeats"
    if judge >= target:
        return "more cases; where there are none, more samples of the judge"
    return "more cases; where there are none, more repeats"


def all_variance_parts(result: Result) -> list[VarianceParts]:
    """Return the parts of every metric with repeats in which they can be told apart."""
    if result.repeats == 1:
        return []
    parts: list[VarianceParts] = []
    for metric in result.metrics:
        with contextlib.suppress(UsageError):
            parts.append(variance_parts(result, metric.key))
    return parts

"""The figures of a card: a judge against people on some cases."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evalkit.entities.calibration import CalibrationPart
from evalkit.entities.estimate import Estimate
from evalkit.entities.score import Status
from evalkit.evaluation.agreement.cut import Cut

if TYPE_CHECKING:
    import numpy.typing as npt

    from evalkit.evaluation.agreement.pairs import Floats, Pairs
    from evalkit.stats.agreement_intervals import Measured
    from evalkit.stats.interval import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How figures are computed."""

    groups: Any
    """Group of each case of the result, shape ``(n,)``; ``None`` where cases are independent."""

    level: float
    seed: int


def part_of(pairs: Pairs, rows: Any, cut: Cut, setting: Setting) -> CalibrationPart:
    """Return how the judge compares with people on the labelled cases *rows*."""
    status = pairs.status[rows]
    judged = rows[np.isfinite(pairs.judge[rows])]
    groups = None if setting.groups is None else setting.groups[judged]
    human, judge = labels_of(pairs, cut, judged)
    labels = _labels(pairs)
    counts: dict[str, Any] = {
        "n_labelled": len(rows),
        "n_judged": len(judged),
        "n_failed": int((status == Status.FAILED).sum()),
        "n_skipped": int((status == Status.SKIPPED).sum()),
        "n_not_run": int((status == Status.NOT_RUN).sum()),
        "n_groups": None if groups is None else len(np.unique(groups)),
        "reasons": dict(Counter(pairs.reasons[r] for r in rows.tolist() if r in pairs.reasons)),
    }
    everyone, _ = labels_of(pairs, cut, rows)
    if everyone is not None:
        counts["prevalence"] = {
            label: float((everyone == code).mean()) if len(rows) else 0.0
            for code, label in enumerate(labels)
        }
    if not len(judged):
        return CalibrationPart(labels=labels, **counts)
    figures: dict[str, tuple[float | None, Interval | None]] = {}
    if human is not None and judge is not None:
        figures |= _label_figures(human, judge, len(labels), groups, pairs, setting)
        right = int((human == judge).sum())
        attempted = len(judged) + counts["n_failed"]
        bounds = (right / attempted, (right + counts["n_failed"]) / attempted)
        counts |= {"confusion": _confusion(human, judge, len(labels)), "accuracy_bounds": bounds}
    figures |= _error_rates(pairs, cut, judged, groups, setting)
    figures |= _correlations(pairs, judged, groups, setting)
    estimates = {
        name: _estimate(name, value, interval, counts, setting.level)
        for name, (value, interval) in figures.items()
    }
    return CalibrationPart(labels=labels, figures=estimates, **counts)


def labels_of(pairs: Pairs, cut: Cut, rows: Any) -> tuple[Any, Any]:
    """Return codes of people's labels and of the judge's on *rows*; ``None`` for bare numbers."""
    human, judge = pairs.human[rows], pairs.judge[rows]
    if pairs.kind == "binary" or (pairs.kind == "numeric" and cut.judge is not None):
        return _cut(human, cut.human), _cut(judge, cut.judge)
    if pairs.kind == "numeric":
        return None, None
    scale = np.array(pairs.values)
    missing = np.isnan(judge)
    codes = np.searchsorted(scale, np.where(missing, scale[0], judge)).astype(np.int64)
    return np.searchsorted(scale, human).astype(np.int64), np.where(missing, -1, codes)


def _cut(values: Floats, at: float | None) -> npt.NDArray[np.int64]:
    missing = np.isnan(values)
    return np.where(missing, -1, values >= (0.5 if at is None else at)).astype(np.int64)


def _labels(pairs: Pairs) -> tuple[str, ...]:
    return pairs.labels or ("negative", "positive")


def _confusion(human: Any, judge: Any, q: int) -> tuple[tuple[int, ...], ...]:
    counts = np.bincount(human * q + judge, minlength=q * q).reshape(q, q)
    return tuple(tuple(int(n) for n in row) for row in counts)


def _label_figures(  # noqa: PLR0917
    human: Any, judge: Any, q: int, groups: Any, pairs: Pairs, setting: Setting
) -> dict[str, tuple[float | None, Interval | None]]:
    from evalkit.stats.agreement_intervals import agreement_estimates

    found: dict[str, tuple[float | None, Interval | None]] = {
        "accuracy": _rate(human == judge, groups, setting.level)
    }
    if q > 1:
        measured = agreement_estimates(
            human,
            judge,
            labels=list(range(q)),
            ordered=pairs.kind == "ordinal",
            values=pairs.values if pairs.kind == "ordinal" else None,
            level=setting.level,
            seed=setting.seed,
            groups=groups,
        )
        found |= {name: _both(one) for name, one in measured.items()}
    return found


def _both(one: Measured) -> tuple[float | None, Interval | None]:
    return one.value, one.interval


def _error_rates(
    pairs: Pairs, cut: Cut, rows: Any, groups: Any, setting: Setting
) -> dict[str, tuple[float | None, Interval | None]]:
    """Return sensitivity and specificity where there is something that counts as positive."""
    if pairs.kind != "binary" and cut.judge is None:
        return {}
    human, judge = _cut(pairs.human[rows], cut.human), _cut(pairs.judge[rows], cut.judge)
    found: dict[str, tuple[float | None, Interval | None]] = {}
    for name, truth in (("sensitivity", 1), ("specificity", 0)):
        among = human == truth
        inside = None if groups is None else groups[among]
        found[name] = (
            _rate(judge[among] == truth, inside, setting.level) if among.any() else (None, None)
        )
    return found


def _rate(right: Any, groups: Any, level: float) -> tuple[float, Interval]:
    from evalkit.stats.binomial import wilson_interval
    from evalkit.stats.clustered import clustered_interval

    value = float(right.mean())
    if groups is None:
        return value, wilson_interval(int(right.sum()), len(right), level=level)
    values = right.astype(np.float64)
    return value, clustered_interval(values, groups, level=level, bounded=(0.0, 1.0))


def _correlations(
    pairs: Pairs, rows: Any, groups: Any, setting: Setting
) -> dict[str, tuple[float | None, Interval | None]]:
    from evalkit.stats.agreement_intervals import correlation_estimate

    if pairs.kind not in {"ordinal", "numeric"} and not pairs.graded:
        return {}
    kinds: tuple[Literal["pearson", "spearman", "kendall"], ...] = (
        ("pearson", "spearman", "kendall") if len(rows) > 1 else ()
    )
    return {
        kind: _both(
            correlation_estimate(
                pairs.judge[rows],
                pairs.human[rows],
                kind=kind,
                level=setting.level,
                seed=setting.seed,
                groups=groups,
            )
        )
        for kind in kinds
    }


def _estimate(
    name: str, value: float | None, interval: Interval | None, counts: Any, level: float
) -> Estimate:
    note = None
    if value is None:
        note = (
            "no such case" if name in {"sensitivity", "specificity"} else "there is one label only"
        )
    elif interval is None:
        note = "too few labelled cases for an interval"
    return Estimate(
        key=name,
        value=value,
        # A bootstrap of few cases may leave the value itself out of its interval.
        low=None if interval is None or value is None else min(interval.low, value),
        high=None if interval is None or value is None else max(interval.high, value),
        level=level,
        method=None if interval is None else interval.method,
        standard_error=None if interval is None else interval.standard_error,
        n_total=counts["n_labelled"],
        n_scored=counts["n_judged"],
        n_skipped=counts["n_skipped"],
        n_failed=counts["n_failed"],
        n_groups=counts["n_groups"],
        note=note,
    )

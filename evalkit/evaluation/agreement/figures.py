"""The figures of a card: a judge against people on some cases."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evalkit.entities.calibration import CalibrationPart
from evalkit.entities.estimate import Estimate
from evalkit.entities.score import Status
from evalkit.evaluation.agreement.cut import Cut, label_codes, positives

if TYPE_CHECKING:
    from evalkit.evaluation.agreement.labelled import LabelledCases
    from evalkit.stats.agreement_intervals import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How figures are computed."""

    groups: Any
    """Group of each case of the result, shape ``(n,)``; ``None`` where cases are independent."""

    level: float
    seed: int

    def groups_of(self, rows: Any) -> Any:
        """Return the group of each of *rows*; ``None`` where cases are independent."""
        return None if self.groups is None else self.groups[rows]


def part_of(cases: LabelledCases, rows: Any, cut: Cut, setting: Setting) -> CalibrationPart:
    """Return how the judge compares with people on the labelled cases *rows*."""
    status = cases.status[rows]
    judged = rows[np.isfinite(cases.judge[rows])]
    groups = setting.groups_of(judged)
    labels = cases.labels or ("negative", "positive")
    counts: dict[str, Any] = {
        "n_labelled": len(rows),
        "n_judged": len(judged),
        "n_failed": int((status == Status.FAILED).sum()),
        "n_skipped": int((status == Status.SKIPPED).sum()),
        "n_not_run": int((status == Status.NOT_RUN).sum()),
        "n_groups": None if groups is None else len(np.unique(groups)),
        "reasons": dict(Counter(cases.reasons[r] for r in rows.tolist() if r in cases.reasons)),
    }
    everyone = label_codes(cases, cut, rows)
    if everyone is not None:
        counts["prevalence"] = {
            label: float((everyone[0] == code).mean()) if len(rows) else 0.0
            for code, label in enumerate(labels)
        }
    if not len(judged):
        return CalibrationPart(labels=labels, **counts)
    figures: dict[str, Measured] = {}
    codes = label_codes(cases, cut, judged)
    if codes is not None:
        human, judge = codes
        q = len(labels)
        figures |= _label_figures(human, judge, q, groups, cases, setting)
        right = int((human == judge).sum())
        attempted = len(judged) + counts["n_failed"]
        bounds = (right / attempted, (right + counts["n_failed"]) / attempted)
        table = np.bincount(human * q + judge, minlength=q * q).reshape(q, q)
        confusion = tuple(tuple(int(n) for n in row) for row in table)
        counts |= {"confusion": confusion, "accuracy_bounds": bounds}
    figures |= _error_rates(cases, cut, judged, groups, setting)
    figures |= _correlations(cases, judged, groups, setting)
    estimates = {
        name: _estimate(name, figure, counts, setting.level) for name, figure in figures.items()
    }
    return CalibrationPart(labels=labels, figures=estimates, **counts)


def _label_figures(  # noqa: PLR0917
    human: Any, judge: Any, q: int, groups: Any, cases: LabelledCases, setting: Setting
) -> dict[str, Measured]:
    from evalkit.stats.agreement_intervals import agreement_estimates

    figures = {"accuracy": _rate(human == judge, groups, setting.level)}
    if q > 1:
        figures |= agreement_estimates(
            human,
            judge,
            labels=list(range(q)),
            ordered=cases.kind == "ordinal",
            values=cases.values if cases.kind == "ordinal" else None,
            level=setting.level,
            seed=setting.seed,
            groups=groups,
        )
    return figures


def _error_rates(
    cases: LabelledCases, cut: Cut, rows: Any, groups: Any, setting: Setting
) -> dict[str, Measured]:
    """Compute sensitivity and specificity where there is something that counts as positive."""
    if cases.kind != "binary" and cut.judge is None:
        return {}
    human, judge = positives(cases.human[rows], cut.human), positives(cases.judge[rows], cut.judge)
    figures: dict[str, Measured] = {}
    for name, truth in (("sensitivity", 1), ("specificity", 0)):
        among = human == truth
        inside = None if groups is None else groups[among]
        figures[name] = _rate(judge[among] == truth, inside, setting.level)
    return figures


def _rate(right: Any, groups: Any, level: float) -> Measured:
    from evalkit.stats.agreement_intervals import Measured
    from evalkit.stats.binomial import wilson_interval
    from evalkit.stats.clustered import clustered_interval

    if not len(right):
        return Measured(None, None)
    value = float(right.mean())
    if groups is None:
        return Measured(value, wilson_interval(int(right.sum()), len(right), level=level))
    values = right.astype(np.float64)
    return Measured(value, clustered_interval(values, groups, level=level, bounded=(0.0, 1.0)))


def _correlations(
    cases: LabelledCases, rows: Any, groups: Any, setting: Setting
) -> dict[str, Measured]:
    from evalkit.stats.agreement_intervals import correlation_estimate

    if len(rows) < 2 or (cases.kind not in {"ordinal", "numeric"} and not cases.graded):  # noqa: PLR2004
        return {}
    kinds: tuple[Literal["pearson", "spearman", "kendall"], ...] = (
        "pearson",
        "spearman",
        "kendall",
    )
    return {
        kind: correlation_estimate(
            cases.judge[rows],
            cases.human[rows],
            kind=kind,
            level=setting.level,
            seed=setting.seed,
            groups=groups,
        )
        for kind in kinds
    }


def _estimate(name: str, figure: Measured, counts: Any, level: float) -> Estimate:
    value, interval, note = figure.value, figure.interval, None
    if value is None:
        error_rate = name in {"sensitivity", "specificity"}
        note = "no such case" if error_rate else "there is one label only"
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

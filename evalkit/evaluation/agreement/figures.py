"""The figures of a card: a judge against people on some cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, get_args

import numpy as np

from evalkit.entities.calibration import CalibrationPart
from evalkit.entities.estimate import Estimate
from evalkit.entities.score import Status
from evalkit.evaluation.agreement.cut import Codes, Cut, label_codes, positives
from evalkit.evaluation.agreement.labelled import LabelledCases
from evalkit.scoring.estimate import Design
from evalkit.stats.agreement_intervals import Measured, agreement_estimates, correlation_estimate
from evalkit.stats.binomial import wilson_interval
from evalkit.stats.clustered import clustered_interval
from evalkit.stats.correlations import Kind as Correlation

_BINARY: Final = ("negative", "positive")


def part_of(cases: LabelledCases, rows: Any, cut: Cut, design: Design) -> CalibrationPart:
    """Return how the judge compares with people on the labelled cases *rows*."""
    status = cases.status[rows]
    judged = rows[np.isfinite(cases.judge[rows])]
    groups = design.groups_of(judged)
    labels = cases.labels or _BINARY
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
    codes = label_codes(cases, cut, judged)
    if codes is not None:
        (human, judge), q = codes, len(labels)
        right = int((human == judge).sum())
        attempted = len(judged) + counts["n_failed"]
        bounds = (right / attempted, (right + counts["n_failed"]) / attempted)
        table = np.bincount(human * q + judge, minlength=q * q).reshape(q, q)
        confusion = tuple(tuple(int(n) for n in row) for row in table)
        counts |= {"confusion": confusion, "accuracy_bounds": bounds}
    figures = {
        name: _estimate(name, figure, counts, design.level)
        for name, figure in _figures(cases, judged, cut, codes, design)
    }
    return CalibrationPart(labels=labels, figures=figures, **counts)


def _figures(
    cases: LabelledCases, rows: Any, cut: Cut, codes: tuple[Codes, Codes] | None, design: Design
) -> Iterator[tuple[str, Measured]]:
    """Yield the figures of the judged cases *rows*, whose labels have *codes*, if any."""
    groups, ordered = design.groups_of(rows), cases.kind == "ordinal"
    sampling: dict[str, Any] = {"level": design.level, "seed": design.seed, "groups": groups}
    if codes is not None:
        yield "accuracy", _rate(codes[0] == codes[1], groups, design.level)
        labels = list(range(len(cases.labels or _BINARY)))
        if len(labels) > 1:
            values = cases.values if ordered else None
            yield from agreement_estimates(
                *codes, labels=labels, ordered=ordered, values=values, **sampling
            ).items()
    if cases.kind == "binary" or cut.judge is not None:  # else nothing counts as positive
        human = positives(cases.human[rows], cut.human)
        judge = positives(cases.judge[rows], cut.judge)
        for name, truth in (("sensitivity", 1), ("specificity", 0)):
            among = human == truth
            inside = design.groups_of(rows[among])
            yield name, _rate(judge[among] == truth, inside, design.level)
    if len(rows) > 1 and (cases.kind in {"ordinal", "numeric"} or cases.graded):
        for kind in get_args(Correlation):
            verdicts = cases.judge[rows], cases.human[rows]
            yield kind, correlation_estimate(*verdicts, kind=kind, **sampling)


def _rate(right: Any, groups: Any, level: float) -> Measured:
    if not len(right):
        return Measured(None, None)
    value = float(right.mean())
    if groups is None:
        return Measured(value, wilson_interval(int(right.sum()), len(right), level=level))
    values = right.astype(np.float64)
    return Measured(value, clustered_interval(values, groups, level=level))


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

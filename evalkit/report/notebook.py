"""A result as a fragment of HTML, for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from evalkit.entities.estimate import Estimate
from evalkit.gates.verdict import COVERAGE, ConditionVerdict, Verdict, number
from evalkit.report.remarks import remarks, subtitle
from evalkit.report.texts import ARROWS, interval, one_line, percent, shortfalls

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult

# Colours that read on a light and on a dark notebook alike; everything else is inherited.
_COLOURS: Final[dict[Verdict, str]] = {
    Verdict.PASS: "#2e9e5b",
    Verdict.FAIL: "#d9484f",
    Verdict.INCONCLUSIVE: "#b7791f",
    Verdict.INFRA: "#a65fd0",
    Verdict.BUDGET: "#3f83d8",
}
_CELL: Final = "padding:.25em .9em .25em 0;vertical-align:top;white-space:nowrap;"


def fragment(result: EvaluationResult) -> str:
    """Return name, estimates, gates and remarks of *result* as HTML; every text is escaped."""
    level = percent(result.facts.plan.level)
    head = _row(
        "th",
        ("metric", "left"),
        ("value", "right"),
        (f"{level} interval", "left"),
        ("n", "right"),
        ("", "left"),
    )
    rows = "".join(_estimate(estimate) for estimate in result.estimates.values())
    gates = "".join(_gate(condition) for condition in result.verdict.conditions)
    notes = "".join(
        f'<div style="color:{_COLOURS[Verdict.FAIL] if remark.alarming else "inherit"}">'
        f"{escape(remark.text)}</div>"
        for remark in remarks(result)
    )
    return (
        '<div style="line-height:1.4">'
        f"<strong>{escape(one_line(result.name))}</strong>"
        f'<div style="opacity:.7">{escape(subtitle(result))}</div>'
        '<table style="border-collapse:collapse;margin:.6em 0;font-variant-numeric:tabular-nums">'
        f"<thead>{head}</thead><tbody>{rows}</tbody></table>{gates}{notes}</div>"
    )


def _row(tag: str, *cells: tuple[str, str]) -> str:
    made = (
        f'<{tag} style="{_CELL}text-align:{side}">{escape(text)}</{tag}>' for text, side in cells
    )
    return f"<tr>{''.join(made)}</tr>"


def _estimate(estimate: Estimate) -> str:
    remark = [estimate.unit or "", *shortfalls(estimate), estimate.note or ""]
    coverage = estimate.coverage
    thin = "⚠ " if coverage is not None and coverage < COVERAGE else ""
    return _row(
        "td",
        (f"{one_line(estimate.key)} {ARROWS[estimate.direction]}".rstrip(), "left"),
        ("no value" if estimate.value is None else number(estimate.value), "right"),
        (interval(estimate), "left"),
        (f"{estimate.n_scored}/{estimate.n_total}", "right"),
        (thin + " · ".join(one_line(part) for part in remark if part), "left"),
    )


def _gate(condition: ConditionVerdict) -> str:
    return (
        f'<div><strong style="color:{_COLOURS[condition.status]}">{condition.status}</strong> '
        f"{escape(one_line(condition.why, 600))}</div>"
    )

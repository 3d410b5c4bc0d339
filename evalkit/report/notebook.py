"""A result as a fragment of HTML, for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from evalkit._internal.words import percent
from evalkit.entities.estimate import Estimate
from evalkit.gates.verdict import COVERAGE, Verdict
from evalkit.report.remarks import remarks, subtitle
from evalkit.report.texts import estimate_cells, one_line

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult

# Colours that read on a light and on a dark notebook alike; everything else is inherited.
_COLOURS: Final[dict[Verdict, str]] = {
    Verdict.PASS: "#2e9e5b",
    Verdict.FAIL: "#d9484f",
    Verdict.INCONCLUSIVE: "#b7791f",
    Verdict.INFRA: "#a65fd0",
    Verdict.BUDGET: "#3f83d8",
    Verdict.NONE: "#888888",
}
_SIDES: Final = ("left", "right", "left", "right", "left")
_CELL: Final = "padding:.25em .9em .25em 0;vertical-align:top;white-space:nowrap;"


def fragment(result: EvaluationResult) -> str:
    """Return name, estimates, gates and remarks of *result* as HTML; every text is escaped."""
    level = percent(result.facts.plan.level)
    heads = ("metric", "value", f"{level} interval", "n", "")
    head = _row("th", *zip(heads, _SIDES, strict=True))
    rows = "".join(map(_estimate, result.estimates.values()))
    gates = "".join(
        f'<div><strong style="color:{_COLOURS[condition.status]}">{condition.status}</strong> '
        f"{escape(one_line(condition.why, 600))}</div>"
        for condition in result.verdict.conditions
    )
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
    key, number, ends, n, remark = estimate_cells(estimate)
    thin = estimate.coverage is not None and estimate.coverage < COVERAGE
    cells = (key, number, ends, n, f"⚠ {remark}" if thin else remark)
    return _row("td", *zip(cells, _SIDES, strict=True))

"""What reports show of judges: the card beside the estimate, and the mean corrected beside raw."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from evalkit.evaluation.agreement.judged import Judged, judged
from evalkit.gates.verdict import number
from evalkit.report.calibration import NAMES, compact, effect, figure_text, headline, replacing
from evalkit.report.markdown_text import escaped, table
from evalkit.report.texts import one_line

if TYPE_CHECKING:
    from evalkit.entities.estimate import Estimate
    from evalkit.evaluation.agreement.corrected import CorrectedEstimate
    from evalkit.evaluation.result import EvaluationResult

METHODS: Final = {"ppi++": "labels, PPI++", "rogan-gladen": "its card, Rogan-Gladen"}
"""By what a mean is corrected, in words."""


def judge_facts(result: EvaluationResult) -> dict[str, Any]:
    """Return by metric what is known of each judge, as plain values.

    Returns:
        ``calibrated``, ``why`` not, the ``card``, and the ``corrected`` mean.
    """
    return {one.metric: _facts(one) for one in judged(result)}


def _facts(one: Judged) -> dict[str, Any]:
    mean = None if one.corrected is None else dataclasses.asdict(one.corrected)
    return {
        "calibrated": one.card is not None,
        "why": one.why or None,
        "card": None if one.card is None else one.card.to_json(),
        "corrected": mean,
    }


def judge_panels(result: EvaluationResult) -> list[dict[str, Any]]:
    """Return what a page shows of each judge, in words and numbers that are ready to print."""
    return [_panel(one) for one in judged(result)]


def _panel(one: Judged) -> dict[str, Any]:
    panel: dict[str, Any] = {"metric": one.metric, "why": one.why, "corrected": _mean(one)}
    if one.card is None:
        return panel
    card = one.card
    return panel | {
        "headline": headline(card),
        "replacing": replacing(card),
        "labels": card.held_out.n_judged,
        "figures": [
            {"name": NAMES.get(name, name), "shown": figure_text(figure)}
            for name, figure in card.held_out.figures.items()
        ],
        "biases": [
            {
                "name": b.name.replace("_", "-"),
                "shown": effect(b),
                "marked": b.shown,
                "explanation": one_line(b.explanation, 300),
            }
            for b in card.biases
        ],
        "remarks": [one_line(remark, 400) for remark in card.remarks],
    }


def _mean(one: Judged) -> dict[str, str] | None:
    mean = one.corrected
    if mean is None:
        return None
    return {"raw": _ends(mean.raw), "shown": _ends(mean), "method": METHODS[mean.method]}


def _ends(mean: CorrectedEstimate | Estimate) -> str:
    value = "no value" if mean.value is None else number(mean.value)
    if mean.low is None or mean.high is None:
        return value
    return f"{value} [{number(mean.low)}, {number(mean.high)}]"


def judge_lines(result: EvaluationResult) -> list[tuple[str, str]]:
    """Return metric and what is known of its judge, on one line each."""
    lines: list[tuple[str, str]] = []
    for one in judged(result):
        parts = [compact(one.card) if one.card is not None else one.why]
        if one.corrected is not None:
            mean = one.corrected
            parts.append(f"corrected by {METHODS[mean.method]}: {_ends(mean)}")
        lines.append((one.metric, "; ".join(parts)))
    return lines


def judge_blocks(result: EvaluationResult) -> list[str]:
    """Return the judges of *result* as Markdown; nothing where there is none."""
    judges = judged(result)
    if not judges:
        return []
    rows = [
        (
            escaped(one.metric),
            escaped(headline(one.card) if one.card is not None else one.why, 600),
            "" if one.card is None else f"{one.card.held_out.n_judged:,}",
            "" if one.corrected is None else _ends(one.corrected.raw),
            ""
            if one.corrected is None
            else f"**{_ends(one.corrected)}** by {METHODS[one.corrected.method]}",
        )
        for one in judges
    ]
    head = ("judge", "against people", "labels", "mean", "corrected mean")
    return ["### Judges", table(head, rows, "llrll")]

"""What reports show of judges: the card beside the estimate, and the mean corrected beside raw."""

from __future__ import annotations

import dataclasses
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.words import plural
from evalkit.evaluation.agreement.judged import Judged, judged
from evalkit.report.calibration import NAMES, compact, effect, headline, replacing
from evalkit.report.markdown_text import escaped, table
from evalkit.report.texts import one_line, with_interval

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult

METHODS: Final = {"ppi++": "labels, PPI++", "rogan-gladen": "its card, Rogan-Gladen"}
"""By what a mean is corrected, in words."""


def judge_facts(result: EvaluationResult) -> dict[str, Any]:
    """Return by metric what is known of each judge, as plain values.

    Returns:
        ``calibrated``, ``why`` not, the ``card``, and the ``corrected`` mean.
    """
    return {
        judge.metric: {
            "calibrated": judge.card is not None,
            "why": judge.why or None,
            "card": None if judge.card is None else judge.card.to_json(),
            "corrected": None if judge.corrected is None else dataclasses.asdict(judge.corrected),
        }
        for judge in judged(result)
    }


def _told(result: EvaluationResult) -> list[Judged]:
    """Return the judges of *result*; those of which nothing is known for one reason as one."""
    judges = judged(result)
    bare: dict[str, list[str]] = {}
    for judge in judges:
        if judge.card is None and judge.corrected is None:
            bare.setdefault(judge.why, []).append(judge.metric)
    several = {why: names for why, names in bare.items() if len(names) > 1}
    alone = [judge for judge in judges if judge.metric not in chain(*several.values())]
    return alone + [
        Judged(metric=plural(len(names), "judge"), why=f"{why}: {', '.join(names)}")
        for why, names in several.items()
    ]


def judge_panels(result: EvaluationResult) -> list[dict[str, Any]]:
    """Return what a page shows of each judge, in words and numbers that are ready to print."""
    return [_panel(judge) for judge in _told(result)]


def _panel(judge: Judged) -> dict[str, Any]:
    panel: dict[str, Any] = {"metric": judge.metric, "why": judge.why, "corrected": None}
    card, mean = judge.card, judge.corrected
    if mean is not None:
        panel["corrected"] = {
            "raw": with_interval(mean.raw),
            "shown": with_interval(mean),
            "method": METHODS[mean.method],
        }
    if card is None:
        return panel
    return panel | {
        "headline": headline(card),
        "replacing": replacing(card),
        "labels": card.held_out.n_judged,
        "figures": [
            {"name": NAMES.get(name, name), "shown": with_interval(figure, "none")}
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


def judge_lines(result: EvaluationResult) -> list[tuple[str, str]]:
    """Return metric and what is known of its judge, on one line each."""
    lines: list[tuple[str, str]] = []
    for judge in _told(result):
        parts = [judge.why if judge.card is None else compact(judge.card)]
        if (mean := judge.corrected) is not None:
            parts.append(f"corrected by {METHODS[mean.method]}: {with_interval(mean)}")
        lines.append((judge.metric, "; ".join(parts)))
    return lines


def judge_blocks(result: EvaluationResult) -> list[str]:
    """Return the judges of *result* as Markdown; nothing where there is none."""
    judges = _told(result)
    if not judges:
        return []
    rows: list[tuple[str, ...]] = []
    for judge in judges:
        card, mean = judge.card, judge.corrected
        why, labels = judge.why, ""
        if card is not None:
            why, labels = headline(card), f"{card.held_out.n_judged:,}"
        means = ("", "")
        if mean is not None:
            corrected = f"**{with_interval(mean)}** by {METHODS[mean.method]}"
            means = with_interval(mean.raw), corrected
        rows.append((escaped(judge.metric), escaped(why, 600), labels, *means))
    head = ("judge", "against people", "labels", "mean", "corrected mean")
    return ["### Judges", table(head, rows, "llrll")]

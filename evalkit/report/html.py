"""A result as one HTML file that needs no network and runs nothing but its own script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.evaluation.results.view import (
    distribution,
    failure_groups,
    fields,
    slices,
    worst_cells,
)
from evalkit.gates.grammar import parse_gates
from evalkit.report.embedded import chosen_rows, packed_cells, packed_index
from evalkit.report.json import document, plain
from evalkit.report.judges import judge_panels
from evalkit.report.page import assets, content_policy, template
from evalkit.report.remarks import remarks, subtitle
from evalkit.report.texts import one_line
from evalkit.report.writing import whole_file

if TYPE_CHECKING:
    import numpy.typing as npt

    from evalkit.evaluation.result import EvaluationResult


def overview(result: EvaluationResult, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return everything of *result* but its cells, for a page that shows the cases *rows*.

    Cells are named by their place among the cells that the page shows.
    """
    facts = document(result)
    repeats = result.repeats
    places = {row: place for place, row in enumerate(rows.tolist())}

    def placed(cells: list[int]) -> list[int]:
        return [
            places[cell // repeats] * repeats + cell % repeats
            for cell in cells
            if cell // repeats in places
        ]

    return {
        "name": one_line(result.name),
        "subtitle": subtitle(result),
        "created": result.facts.plan.created,
        "status": facts["status"],
        "level": result.facts.plan.level,
        "n": len(result),
        "shown": len(rows),
        "repeats": repeats,
        "coverage": facts["coverage"],
        "cost": facts["cost"],
        "usage": facts["usage"],
        "verdict": facts["verdict"],
        "conditions": facts["conditions"],
        "remarks": [{"text": r.text, "alarming": r.alarming} for r in remarks(result)],
        "judges": judge_panels(result),
        "estimates": list(facts["estimates"].values()),
        "thresholds": _thresholds(result),
        "metrics": [_metric(result, place, placed) for place in range(len(result.metrics))],
        "slices": [
            {
                "tag": facts.tag,
                "problem": facts.problem,
                "parts": [
                    {
                        "value": part.value,
                        "n": part.n,
                        "estimates": [fields(e) for e in part.estimates.values()],
                    }
                    for part in facts.parts
                ],
            }
            for facts in slices(result)
        ],
        "failures": [
            {
                "place": one_line(group.place),
                "stage": group.stage,
                "reason": group.reason,
                "count": len(group.cells),
                "explanation": one_line(group.explanation or "", 400),
                "cells": placed(group.cells[:1]),
            }
            for group in failure_groups(result)
        ],
        "identity": _identity(result, facts),
    }


def _metric(result: EvaluationResult, place: int, placed: Any) -> dict[str, Any]:
    metric = result.metrics[place]
    labels_only = not np.isfinite(metric.column.values).any()
    return {
        "key": metric.key,
        "direction": "none" if labels_only else metric.facts.direction,
        "bounds": metric.facts.bounds,
        "unit": metric.facts.unit,
        "binary": metric.column.binary,
        "corpus": metric.source is not None,
        "distribution": distribution(metric),
        "worst": placed(worst_cells(metric, result.repeats)),
    }


def _thresholds(result: EvaluationResult) -> dict[str, list[float]]:
    """Return the numbers that gates compare each plain metric with."""
    thresholds: dict[str, list[float]] = {}
    for verdict in result.verdict.conditions:
        if verdict.estimate is None:
            continue
        try:
            conditions = parse_gates(verdict.condition)
        except EvalkitError:
            continue
        numbers = [c.threshold for c in conditions if c.kind == "metric"]
        thresholds.setdefault(verdict.estimate.key, []).extend(numbers)
    return thresholds


def _identity(result: EvaluationResult, facts: Mapping[str, Any]) -> dict[str, Any]:
    plan = result.facts.plan
    environment = dict(facts["environment"])
    return {
        "signatures": facts["signatures"],
        "run": {
            "run id": result.run_id,
            "model id": result.model_id,
            "target": plan.target,
            "data": facts["dataset"],
            "outputs digest": plan.outputs_digest,
            "columns": plan.columns,
            "repeats": result.repeats,
            "reducers": plan.reducers,
            "gates": plan.gates,
            "level": plan.level,
            "seed": plan.seed,
            "judge model": plan.judge_model,
            "settings": environment.pop("settings", None),
        },
        "packages": environment.pop("packages", {}),
        "machine": environment,
    }


_STYLES: Final = ("page.css", "cases.css", "judges.css", "print.css")
_SCRIPTS: Final = (
    "dom.js",
    "numbers.js",
    "cells.js",
    "drawing.js",
    "summary.js",
    "judges.js",
    "sections.js",
    "browser.js",
    "detail.js",
    "start.js",
)


def write_page(result: EvaluationResult, path: Path) -> None:
    """Write summary, distributions, slices, failures and every case of *result* to *path*."""
    rows = chosen_rows(result)
    style = "\n" + assets(*_STYLES)
    script = f'\n"use strict";\n(() => {{\n{assets(*_SCRIPTS)}\n}})();\n'
    page = template("page.html").stream(
        title=one_line(result.name),
        policy=content_policy(style, script),
        style=style,
        script=script,
        overview=embeddable(overview(result, rows)),
        index=packed_index(result, rows),
        chunks=packed_cells(result, rows),
    )
    page.enable_buffering(16)
    with whole_file(path) as fresh:
        page.dump(str(fresh), encoding="utf-8", errors="replace")


def embeddable(value: Any) -> str:
    r"""Return *value* as JSON that cannot leave a ``script`` element.

    Examples:
        >>> embeddable({"a": "</script>"})
        '{"a":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text

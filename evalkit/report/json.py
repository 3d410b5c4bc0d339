"""A result as JSON, with a schema that other programs may rely on."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.estimate import Estimate
from evalkit.evaluation.results.variance import all_variance_parts
from evalkit.report.comparison_document import comparison_document
from evalkit.report.failing import failure_groups
from evalkit.report.judges import judge_facts
from evalkit.report.texts import valid

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.gates.verdict import GateVerdict

SCHEMA: Final = "evalkit.result/1"
"""Name of the form; the number changes when a member changes its meaning or goes away."""


def text(result: EvaluationResult) -> str:
    """Return the document of *result* as JSON."""
    return _indented(document(result))


def comparison_text(comparison: Comparison) -> str:
    """Return the document of *comparison* as JSON."""
    return _indented(comparison_document(comparison))


def _indented(value: Any) -> str:
    return json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n"


def document(
    result: EvaluationResult, *, cells: bool = False, verdict: GateVerdict | None = None
) -> dict[str, Any]:
    """Return *result* as plain values: the form that files, ``--json`` and programs share.

    Args:
        result: What to describe.
        cells: Whether to add ``cells``: a mapping of columns to the values of `table`.
        verdict: Verdict on other gates than the run's own.

    Returns:
        ``schema, run_id, name, status, verdict, conditions, estimates, signatures, dataset,
        model_id, repeats, coverage, cost, usage, variance, judges, failures, notes,
        environment``.
    """
    verdict = result.verdict if verdict is None else verdict
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "run_id": result.run_id,
        "name": result.name,
        "status": result.facts.status,
        "verdict": str(verdict.status),
        "conditions": conditions(verdict),
        "estimates": {key: fields(estimate) for key, estimate in result.estimates.items()},
        "signatures": result.signatures,
        "dataset": dict(result.dataset),
        "model_id": result.model_id,
        "repeats": result.repeats,
        "coverage": result.coverage,
        "cost": result.cost,
        "usage": {role: dataclasses.asdict(usage) for role, usage in result.usage.items()},
        "variance": {p.metric: dataclasses.asdict(p) for p in all_variance_parts(result)},
        "judges": judge_facts(result),
        "failures": _failures(result),
        "notes": list(result.facts.notes),
        "environment": dict(result.environment),
    }
    if cells:
        frame = result.table()
        found["cells"] = {str(name): frame[name].tolist() for name in frame.columns}
    return found


def conditions(verdict: GateVerdict) -> list[dict[str, Any]]:
    """Return each condition of *verdict* with the numbers that decided it."""
    return [
        {
            "condition": found.condition,
            "verdict": str(found.status),
            "why": found.why,
            "estimate": None if found.estimate is None else fields(found.estimate),
            "difference": None
            if found.difference is None
            else dataclasses.asdict(found.difference),
            "more_cases": found.more_cases,
        }
        for found in verdict.conditions
    ]


def plain(value: Any) -> Any:
    """Return *value* as JSON has it, in its own order; a number that is not finite becomes null.

    Examples:
        >>> plain({"b": float("nan"), "a": (1, "x")})
        {'b': None, 'a': [1, 'x']}
    """
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, Mapping):
        return {valid(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return parse_json(canonical_json(value))


def fields(estimate: Estimate) -> dict[str, Any]:
    """Return every field of *estimate*, and what follows from them.

    Examples:
        >>> found = fields(Estimate(key="m", value=0.5, n_total=4, n_scored=2, n_failed=1))
        >>> found["n_not_run"], round(found["coverage"], 3)
        (1, 0.667)
    """
    derived = {"n_not_run": estimate.n_not_run, "coverage": estimate.coverage}
    return dataclasses.asdict(estimate) | derived


def _failures(result: EvaluationResult) -> list[dict[str, Any]]:
    return [
        {
            "stage": group.stage,
            "scorer": group.scorer,
            "reason": group.reason,
            "cells": len(group.cells),
            "explanation": group.explanation,
        }
        for group in failure_groups(result)
    ]

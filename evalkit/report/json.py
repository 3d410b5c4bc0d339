"""A result as JSON, with a schema that other programs may rely on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.surrogates import without_surrogates
from evalkit.evaluation.results.view import view
from evalkit.report.comparison_document import comparison_document
from evalkit.report.judges import judge_facts

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
        model_id, repeats, coverage, cost, usage, variance, failures, notes, environment,
        judges``.
    """
    members = {"schema": SCHEMA, **view(result, verdict=verdict), "judges": judge_facts(result)}
    if cells:
        frame = result.table()
        members["cells"] = {str(name): frame[name].tolist() for name in frame.columns}
    return members


def plain(value: Any) -> Any:
    """Return *value* as JSON has it, in its own order; a number that is not finite becomes null.

    Examples:
        >>> plain({"b": float("nan"), "a": (1, "x")})
        {'b': None, 'a': [1, 'x']}
    """
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, Mapping):
        return {without_surrogates(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return parse_json(canonical_json(value))

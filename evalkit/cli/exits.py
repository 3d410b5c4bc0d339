"""Exit codes of results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalkit.gates.verdict import EXIT_CODES, GateVerdict, Verdict

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult

_GRAVITY = (Verdict.FAIL, Verdict.BUDGET, Verdict.INFRA, Verdict.INCONCLUSIVE, Verdict.PASS)


def exit_code(results: Iterable[EvaluationResult]) -> int:
    """Return the exit code of the gravest of *results*: FAIL, then BUDGET, INFRA, INCONCLUSIVE."""
    return EXIT_CODES[gravest(outcome(result, result.verdict) for result in results)]


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest of *verdicts*; PASS where there are none."""
    found = set(verdicts)
    return next((verdict for verdict in _GRAVITY if verdict in found), Verdict.PASS)


def outcome(result: EvaluationResult, verdict: GateVerdict) -> Verdict:
    """Return what *verdict* comes to; where nothing could be scored it is INFRA at least."""
    if verdict.status in {Verdict.FAIL, Verdict.BUDGET} or scored_anything(result):
        return verdict.status
    return Verdict.INFRA


def scored_anything(result: EvaluationResult) -> bool:
    """Say whether any case has a value of any metric."""
    return any(estimate.n_scored for estimate in result.estimates.values())

"""One verdict for a suite: what its gates, judges, cases and tests came to in one session.

Terminal, summary, comment and stored result all show this one, so that none is greener than pytest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from evalkit.errors import EvalkitError
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.results.places import using_store
from evalkit.evaluation.results.saving import write_result
from evalkit.gates.verdict import ConditionVerdict, Verdict, together

CASES: Final = "cases"
"""Name of the condition that every case passes."""

_KINDS: Final = (
    *("failed", "lost to infrastructure", "not run: budget spent", "in quarantine", "flaky"),
    *("expected to fail", "skipped", ""),
)
"""What there is to say of a case, the gravest first."""

_NAMED: Final = 5
"""Cases of one kind that a sentence names."""

Entry = Mapping[str, Any]
"""What the report of one test says of it: `CaseItem.entry` and the like."""


def with_session(result: EvaluationResult, entries: Sequence[Entry]) -> EvaluationResult:
    """Return *result* with the verdict on everything that the session's tests came to.

    The gates and the health of judges were decided with the evaluation; the cases and what failed
    besides are added.
    """
    decided = [c for c in result.verdict.conditions if c.condition != CASES]
    names = {condition.condition for condition in decided}
    cases = [entry for entry in entries if entry["kind"] == "case"]
    asked = bool(decided) or any(case["asked"] or case["failed"] for case in cases)
    others = [_other(entry) for entry in entries if entry["failed"] and entry["kind"] != "case"]
    conditions = [
        *decided,
        *(_cases(cases) if asked else ()),
        *(other for other in others if other.condition not in names),
    ]
    judged = result.replaced(verdict=together(conditions))
    write_verdict(judged)
    return judged


def write_verdict(result: EvaluationResult) -> None:
    """Keep the verdict of *result* in its files and with its run."""
    write_result(result)
    plan = result.facts.plan
    if result.run_id is None or plan.store is None:
        return
    with contextlib.suppress(EvalkitError), using_store(plan.store) as store:
        store.runs.set_tags(
            result.run_id,
            {
                "evalkit.verdict": str(result.verdict.status),
                "evalkit.conditions": str(len(result.verdict.conditions)),
            },
        )


def _cases(cases: Sequence[Entry]) -> Iterator[ConditionVerdict]:
    """Yield the verdict on the cases, unless none was looked at."""
    others = kinds_of(cases)
    if len(others.get("skipped", ())) == len(cases):
        return
    failed = [case for case in cases if case["failed"]]
    passed = [c for c in cases if not c["failed"] and c["status"] == Verdict.PASS]
    words = [f"{len(passed):,} of {len(cases):,} passed"]
    words += [f"{len(some):,} {word}{_named(some)}" for word, some in others.items()]
    yield ConditionVerdict(
        condition=CASES, status=_status(failed, passed), why=f"{CASES}: {', '.join(words)}"
    )


def kinds_of(cases: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return what there is to say of cases that did not simply pass -> these cases."""
    kinds: dict[str, list[Entry]] = {word: [] for word in _KINDS}
    for case in cases:
        kinds[_kind(case)].append(case)
    return {word: some for word, some in kinds.items() if word and some}


def _kind(case: Entry) -> str:
    """Return in which of `_KINDS` a case belongs; empty where it simply passed."""
    status = case["status"]
    if case["failed"]:
        lost = {"INFRA": "lost to infrastructure", "BUDGET": "not run: budget spent"}
        return lost.get(status, "failed")
    if status in {"FAIL", "BUDGET"}:
        return "in quarantine"
    return (
        "flaky"
        if case["flaky"]
        else {"EXPECTED": "expected to fail", "SKIPPED": "skipped"}.get(status, "")
    )


def _status(failed: Sequence[Entry], passed: Sequence[Entry]) -> Verdict:
    if not failed:
        return Verdict.PASS if passed else Verdict.INCONCLUSIVE
    reasons = {case["status"] for case in failed}
    for verdict in (Verdict.BUDGET, Verdict.INFRA):
        if reasons <= {str(verdict)}:
            return verdict
    return Verdict.INFRA if reasons <= {"INFRA", "BUDGET"} else Verdict.FAIL


def _named(cases: Iterable[Entry]) -> str:
    names = [case["name"] for case in cases]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f" ({', '.join(names[:_NAMED])}{more})"


def _other(entry: Entry) -> ConditionVerdict:
    """Return the verdict on a test that is neither a case nor a decided gate."""
    why = next(iter(entry["lines"]), "") or "failed"
    status = Verdict.INFRA if entry["status"] == "INFRA" else Verdict.FAIL
    return ConditionVerdict(condition=entry["name"], status=status, why=f"{entry['name']}: {why}")

"""One case of a suite as a test, and one condition of its gate."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pytest

from evalkit.evaluation.result import EvaluationResult
from evalkit.gates.verdict import COVERAGE, ConditionVerdict, Verdict
from evalkit.report.junit import gate_facts
from evalkit.suites.case import CaseOutcome, CaseOutcomes, CaseStatus, short
from evalkit.suites.gates import health_item
from evalkit.suites.quarantine import Quarantine
from evalkit.suites.run import SuiteRun


@dataclass(kw_only=True)
class CaseItem:
    """What came of one case."""

    run: SuiteRun
    case_id: str
    outcomes: CaseOutcomes
    quarantine: Quarantine | None = None

    @cached_property
    def outcome(self) -> CaseOutcome:
        """How the case ended."""
        return self.outcomes.outcome(self.case_id)

    @property
    def seconds(self) -> float:
        """How long the case took, all its repeats together."""
        return self.outcomes.seconds(self.case_id)

    def properties(self) -> list[tuple[str, object]]:
        """Return scores and verdict, for JUnit files."""
        cost = self.outcomes.cost(self.case_id)
        costs = [] if cost is None else [("cost", f"{cost:.6g}")]
        verdict = ("verdict", str(self.outcome.status))
        return [*self.outcomes.scores(self.case_id), *costs, verdict]

    def check_measured(self) -> None:
        """Fail where infrastructure alone kept the case from being decided."""
        if self.outcome.status is CaseStatus.INFRA:
            pytest.fail(self._why("INFRA: "), pytrace=False)

    def check_passed(self) -> None:
        """Fail, skip or pass, as the case did; what its body raised is raised here."""
        outcome = self.outcome
        if outcome.status is CaseStatus.SKIPPED:
            pytest.skip(outcome.lines[0])
        if outcome.status is CaseStatus.EXPECTED:
            pytest.xfail(outcome.lines[0])
        if outcome.status is CaseStatus.PASS:
            if outcome.flaky and self.run.options.flaky == "fail":
                pytest.fail(f"FLAKY: {self._flake()}", pytrace=False)
            return
        if self.quarantine is not None and self._is_excused:
            why = f": {self.quarantine.reason}" if self.quarantine.reason else ""
            pytest.xfail(f"quarantined until {self.quarantine.until}{why}")
        target = self.run.target
        if outcome.raised is not None and target is not None:
            error = target.errors.get((self.case_id, outcome.raised))
            if error is not None:
                if not getattr(error, "__notes__", None):
                    error.add_note("\n".join(self._details))
                raise error
        prefix = "BUDGET: " if outcome.status is CaseStatus.BUDGET else ""
        pytest.fail(self._why(prefix), pytrace=False)

    def entry(self) -> dict[str, Any]:
        """Return what the summary needs, as plain values."""
        outcome = self.outcome
        file, line = self.run.places[self.case_id]
        return {
            "suite": self.run.key,
            "kind": "case",
            "name": self.case_id,
            "status": str(outcome.status),
            "asked": outcome.asked,
            "lines": list(outcome.lines),
            "details": self._details,
            "flaky": self._flake() if outcome.flaky and outcome.status is CaseStatus.PASS else None,
            "expired": self._expired(),
            "file": file,
            "line": line,
            "level": "notice" if self._is_excused else "error",
        }

    @cached_property
    def _details(self) -> list[str]:
        """What was asked, answered and expected, and what scorers say, where the case failed."""
        if self.outcome.status in {CaseStatus.PASS, CaseStatus.SKIPPED}:
            return []
        return self.outcomes.details(self.case_id, self.outcome.repeat)

    @property
    def _is_excused(self) -> bool:
        """Whether quarantine keeps the case from failing; it does not excuse infrastructure."""
        holds = self.quarantine is not None and not self.quarantine.is_over
        return holds and self.outcome.status is not CaseStatus.INFRA

    def _why(self, prefix: str) -> str:
        """Return why the case does not pass; pytest's summary shows the first line alone."""
        head = f"{prefix}{short(self.outcome.lines[0])}"
        rest = self.outcome.lines
        rest = rest[head.endswith(rest[0]) :]  # the head has the first line, if it has all of it
        expired = self._expired()
        more = [] if expired is None else [f"its quarantine ended on {expired}"]
        return "\n".join([head, *rest, *more, *self._details])

    def _expired(self) -> str | None:
        quarantine = self.quarantine
        return str(quarantine.until) if quarantine and quarantine.is_over else None

    def _flake(self) -> str:
        outcome = self.outcome
        why = "the target's answers differ"
        if outcome.flaky == "scorer":
            why = "the scorer gave equal outputs different scores"
        return f"{self.case_id} passes in {outcome.passed} of {outcome.repeats} repeats; {why}"


BODY: Final = "body"
"""Name of the item that runs a gate's body."""
_COVERED: Final = f"coverage >= {COVERAGE}"


@dataclass(kw_only=True)
class GateItem:
    """What came of one condition."""

    run: SuiteRun
    result: EvaluationResult
    condition: str

    @cached_property
    def verdict(self) -> ConditionVerdict | None:
        """The verdict; ``None`` for the body, and where nothing was decided."""
        verdicts = self.result.verdict.conditions
        return next((each for each in verdicts if each.condition == self.condition), None)

    def properties(self) -> list[tuple[str, object]]:
        """Return verdict, scores, what was asked and cost, for JUnit files."""
        if self.verdict is None:
            return []
        facts = gate_facts(self.result, self.verdict, "{:.6g}".format)
        if self.result.cost is not None:
            facts["cost"] = f"{self.result.cost:.6g}"
        if self.result.facts.notes:
            facts["notes"] = "\n".join(self.result.facts.notes)
        return list(facts.items())

    def check_measured(self) -> None:
        """Fail where the condition makes no sense, or infrastructure kept it from being decided.

        A body is not run where infrastructure has lost what it is about.

        Raises:
            Skipped: If it compares with a baseline that is being written.
        """
        if self.condition == BODY:
            if self._lost is not None:
                pytest.fail(f"INFRA  {self._lost}", pytrace=False)
            return
        if self.verdict is None:
            pytest.skip("the baseline is being updated")
        if self._is_gate and self.condition not in self.result.facts.plan.gates:  # makes no sense
            pytest.fail(self.verdict.why, pytrace=False)
        if self.verdict.status is Verdict.INFRA:
            pytest.fail(self._line, pytrace=False)

    def check_passed(self) -> None:
        """Fail unless the condition passes, or is undecided where that only warns."""
        if self.verdict is None or self.verdict.status is Verdict.PASS:
            return
        if not self._is_tolerated:
            pytest.fail(self._line, pytrace=False)

    @cached_property
    def _lost(self) -> str | None:
        """Why a body is not run; without conditions, the least coverage decides."""
        verdict = self.result.verdict
        conditions = verdict.conditions or self.result.check(_COVERED).conditions
        lost = (each.condition for each in conditions if each.status is Verdict.INFRA)
        return next((f"not run: {condition} is INFRA" for condition in lost), None)

    @property
    def _is_gate(self) -> bool:
        """Whether this is a condition of the suite's own, not the health of a judge."""
        return all(self.condition != health_item(judge) for judge in self.run.judges)

    @property
    def _is_tolerated(self) -> bool:
        # What could not be judged at all is not undecided.
        straddles = self.verdict is not None and self.verdict.straddles
        return straddles and self.run.options.inconclusive == "warn"

    @property
    def _line(self) -> str:
        """The verdict and the numbers that decided it; the name of the test has the condition."""
        if self.verdict is None:
            return ""
        return f"{self.verdict.status}  {self.verdict.why.removeprefix(f'{self.condition}: ')}"

    def run_body(self, item: pytest.Function) -> None:
        """Call the body once, with the evaluation and its own fixtures."""
        function = item.obj
        fixtures = {
            name: item.funcargs[name]
            for name in inspect.signature(function).parameters
            if name in item.funcargs
        }
        outcome = function(**{**fixtures, "evaluation": self.result})
        if inspect.iscoroutine(outcome):  # pytest-asyncio is there, and was not asked to run it
            outcome.close()
            pytest.fail(f"{item.originalname}: the body of a gate cannot be async.", pytrace=False)

    def entry(self) -> dict[str, Any]:
        """Return what the summary needs, as plain values."""
        lost = self._lost if self.condition == BODY else None
        status = Verdict.INFRA if lost else self.verdict and self.verdict.status
        why = lost if self.verdict is None else self.verdict.why
        return {
            "suite": self.run.key,
            "kind": "gate",
            "name": self.condition,
            "status": status and str(status),
            "lines": [why] if why else [],
            "flaky": None,
            "level": "warning" if self._is_tolerated else "error",
        }

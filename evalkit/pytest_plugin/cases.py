"""One case of a suite as a test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from evalkit.suites.case import CaseOutcome, CaseOutcomes, CaseStatus, short
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
                raise error
        prefix = "BUDGET: " if outcome.status is CaseStatus.BUDGET else ""
        pytest.fail(self._why(prefix), pytrace=False)

    def entry(self) -> dict[str, Any]:
        """Return what the summary needs, as plain values."""
        outcome = self.outcome
        file, line = self.run.place(self.case_id)
        return {
            "suite": self.run.key,
            "kind": "case",
            "name": self.case_id,
            "status": str(outcome.status),
            "lines": list(outcome.lines),
            "flaky": self._flake() if outcome.flaky else None,
            "expired": self._expired(),
            "file": file,
            "line": line,
            "level": "notice" if self._is_excused else "error",
        }

    @property
    def _is_excused(self) -> bool:
        """Whether quarantine keeps the case from failing; it does not excuse infrastructure."""
        holds = self.quarantine is not None and not self.quarantine.is_over()
        return holds and self.outcome.status is not CaseStatus.INFRA

    def _why(self, prefix: str) -> str:
        """Return why the case does not pass; pytest's summary shows the first line alone."""
        head = f"{prefix}case {self.case_id}: {short(self.outcome.lines[0])}"
        rest = self.outcome.lines
        rest = rest[head.endswith(rest[0]) :]  # the head has the first line, if it has all of it
        expired = self._expired()
        more = [] if expired is None else [f"its quarantine ended on {expired}"]
        return "\n".join([head, *rest, *more])

    def _expired(self) -> str | None:
        quarantine = self.quarantine
        return str(quarantine.until) if quarantine and quarantine.is_over() else None

    def _flake(self) -> str:
        outcome = self.outcome
        why = "the target's answers differ"
        if outcome.flaky == "scorer":
            why = "the scorer gave equal outputs different scores"
        return f"{self.case_id} passes in {outcome.passed} of {outcome.repeats} repeats; {why}"

"""From a suite's evaluation to the outcome of each of its cases."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.entities.score import Status
from evalkit.errors import EvalkitError, UnknownMetricError, UsageError
from evalkit.evaluation.deciding.gates import condition_holds
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.running.retry import stored_calls
from evalkit.gates.condition import Condition, parse_gates
from evalkit.gates.verdict import INFRASTRUCTURE
from evalkit.scoring.column import ScoreColumn
from evalkit.suites.target import EXPECTED, SKIPPED


class CaseStatus(enum.StrEnum):
    """How one case of a suite ended."""

    PASS = "PASS"  # noqa: S105  a verdict
    FAIL = "FAIL"
    SKIPPED = "SKIPPED"
    EXPECTED = "EXPECTED"
    """The body said that it is known to fail."""

    INFRA = "INFRA"
    BUDGET = "BUDGET"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcome:
    """How one case ended, and why."""

    status: CaseStatus
    lines: tuple[str, ...] = ()
    """Why it did not pass."""

    raised: int | None = None
    """Repeat whose exception tells why, if one does."""

    passed: int = 0
    repeats: int = 1
    flaky: Literal["target", "scorer"] | None = None
    """What gave different answers where some repeats passed and others did not."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What matters of one call."""

    reason: str | None
    explanation: str
    digest: str
    """Of the output."""

    cost: float | None


@dataclass(frozen=True, slots=True)
class _Repeat:
    """One repeat of a case: ``pass``, ``fail``, ``infra``, ``budget`` or ``skip``."""

    state: str
    reason: str | None = None
    explanation: str = ""


class CaseJudge:
    """Tells how the cases of one evaluation ended."""

    def __init__(self, result: EvaluationResult, must: Sequence[str], min_pass: int) -> None:
        """Judge the cases of *result* by *must*, and by what each row asks for itself."""
        self._result = result
        self._must = tuple(must)
        self._min_pass = min_pass
        self._parsed: dict[str, list[Condition]] = {}

    def check(self, case_id: str) -> None:
        """Check that every condition of a case is about a metric that the suite has.

        Raises:
            UsageError: If one is not, or does not parse; its text names the condition.
        """
        row = self._rows[case_id]
        for text in (*self._must, *self._own_must[row]):
            try:
                for condition in self._parse(text):
                    condition_holds(self._result, row, 0, condition)
            except EvalkitError as error:
                raise UsageError(f"must {text!r}: {error}") from error

    def outcome(self, case_id: str) -> CaseOutcome:
        """Return how a case ended.

        Raises:
            UnknownMetricError: If a condition names a metric that no scorer gives.
        """
        row, repeats = self._rows[case_id], self._result.repeats
        conditions = self._conditions(row)
        states = [self._repeat(row, repeat, conditions) for repeat in range(repeats)]
        counts = {state: sum(one.state == state for one in states) for state in _STATES}
        if counts["skip"]:
            why = next(one.explanation for one in states if one.state == "skip")
            return CaseOutcome(status=CaseStatus.SKIPPED, lines=(why,))
        expected = next((one for one in states if one.reason == EXPECTED), None)
        if expected is not None:
            return CaseOutcome(status=CaseStatus.EXPECTED, lines=(expected.explanation,))
        problems = self._problems(row, states, conditions)
        flaky = self._flaky(row, states) if counts["pass"] and counts["fail"] else None
        if not problems:
            return CaseOutcome(
                status=CaseStatus.PASS, passed=counts["pass"], repeats=repeats, flaky=flaky
            )
        return CaseOutcome(
            status=self._status(counts),
            lines=tuple(problems),
            raised=next((n for n, one in enumerate(states) if one.reason is not None), None),
            passed=counts["pass"],
            repeats=repeats,
            flaky=flaky,
        )

    def scores(self, case_id: str) -> list[tuple[str, str]]:
        """Return the scores of a case's first repeat."""
        cell = self._rows[case_id] * self._result.repeats
        return [
            (metric.key, f"{metric.column.values[cell]:.6g}")
            for metric in self._result.metrics
            if metric.column.status[cell] == Status.OK
        ]

    def cost(self, case_id: str) -> float | None:
        """Return what the calls of a case have cost, in US dollars; ``None`` where unknown."""
        row, repeats = self._rows[case_id], self._result.repeats
        calls = [(self._calls or {}).get(row * repeats + repeat) for repeat in range(repeats)]
        costs = [None if call is None else call.cost for call in calls]
        return None if None in costs else math.fsum(cost for cost in costs if cost)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {str(case_id): row for row, case_id in enumerate(self._result.case_ids.tolist())}

    @cached_property
    def _calls(self) -> Mapping[int, _Made] | None:
        """The calls that were made, by cell; ``None`` without a target."""
        outputs = self._result.folder.outputs
        if not outputs.is_file():
            return None
        return {
            cell: _Made(
                call.reason,
                call.explanation or "",
                content_hash(canonical_json(call.output), size=8),
                call.cost,
            )
            for cell, call in stored_calls(outputs)
        }

    @cached_property
    def _own_must(self) -> Sequence[Sequence[str]]:
        found = self._result.spool.values("must")
        return [(one,) if isinstance(one, str) else tuple(one or ()) for one in found]

    def _conditions(self, row: int) -> list[Condition]:
        found: list[Condition] = []
        for text in (*self._must, *self._own_must[row]):
            found += self._parse(text)
        return found

    def _parse(self, text: str) -> list[Condition]:
        if text not in self._parsed:
            self._parsed[text] = parse_gates(text)
        return self._parsed[text]

    def _repeat(self, row: int, repeat: int, conditions: Sequence[Condition]) -> _Repeat:
        cell = row * self._result.repeats + repeat
        if self._calls is not None:
            if cell not in self._calls:
                spent = self._result.facts.status == "budget"
                why = "the case was not run" + ": the budget is spent" * spent
                return _Repeat("budget" if spent else "fail", None, why)
            made = self._calls[cell]
            reason, explanation = made.reason, made.explanation
            if reason == SKIPPED:
                return _Repeat("skip", None, explanation)
            if reason is not None:
                return _Repeat("infra" if reason in INFRASTRUCTURE else "fail", reason, explanation)
        missed = [one for one in conditions if not condition_holds(self._result, row, repeat, one)]
        if not missed:
            return _Repeat("pass")
        infra = all(self._lost(cell, one) for one in missed)
        return _Repeat("infra" if infra else "fail")

    def _lost(self, cell: int, condition: Condition) -> bool:
        """Say whether infrastructure alone keeps a condition from being decided."""
        reason = self._column_of(condition).reasons.get(cell)
        return reason in INFRASTRUCTURE

    def _column_of(self, condition: Condition) -> ScoreColumn:
        key = condition.key.metric if condition.key else ""
        for metric in self._result.metrics:
            if metric.key in {key, key.partition("=")[0]}:
                return metric.column
        raise UnknownMetricError(key, [metric.key for metric in self._result.metrics])

    def _problems(
        self, row: int, states: Sequence[_Repeat], conditions: Sequence[Condition]
    ) -> list[str]:
        """Return a line for each thing that holds in too few repeats."""
        repeats = len(states)
        ran = [n for n, one in enumerate(states) if not one.explanation and one.reason is None]
        found: list[str] = []
        if len(ran) < self._min_pass:
            told = [one for one in states if one.explanation or one.reason is not None]
            lines = dict.fromkeys(_worded(one) for one in told)
            found += [f"{line}{self._share(len(ran), repeats)}" for line in lines]
        for condition in conditions:
            held = [n for n in ran if condition_holds(self._result, row, n, condition)]
            if len(held) < self._min_pass and (ran or not found):
                shown = ", ".join(self._shown(row, n, condition) for n in ran)
                found.append(f"{condition.text}: got {shown}{self._share(len(held), repeats)}")
        return found

    def _share(self, held: int, repeats: int) -> str:
        return f" ({held} of {repeats}, {self._min_pass} needed)" if repeats > 1 else ""

    def _shown(self, row: int, repeat: int, condition: Condition) -> str:
        cell = self._column_of(condition).cell(row * self._result.repeats + repeat)
        if cell.status is Status.OK:
            return f"{cell.value:g}" if cell.label is None else str(cell.label)
        return f"{cell.status.word}: {cell.reason or cell.explanation or ''}".strip(": ")

    def _status(self, counts: Mapping[str, int]) -> CaseStatus:
        """Return whose fault it is: what was lost might have passed."""
        if counts["pass"] + counts["infra"] + counts["budget"] < self._min_pass:
            return CaseStatus.FAIL
        return CaseStatus.BUDGET if counts["budget"] else CaseStatus.INFRA

    def _flaky(self, row: int, states: Sequence[_Repeat]) -> Literal["target", "scorer"]:
        """Return what was not steady: equal outputs that fare differently blame the scorer."""
        digests: dict[str, set[str]] = {"pass": set(), "fail": set()}
        for repeat, one in enumerate(states):
            call = (self._calls or {}).get(row * len(states) + repeat)
            if call is not None and one.state in digests and one.reason is None:
                digests[one.state].add(call.digest)
        return "scorer" if digests["pass"] & digests["fail"] else "target"


_STATES = ("pass", "fail", "infra", "budget", "skip")


def _worded(repeat: _Repeat) -> str:
    return f"{repeat.reason}: {repeat.explanation}" if repeat.reason else repeat.explanation


def short(line: str) -> str:
    r"""Return the first line of why a case did not pass; of a traceback, what was raised.

    Examples:
        >>> trace = 'Traceback (most recent call last):\n  File "a.py"\nOSError: no\nmore'
        >>> short(f"target_error: {trace}")
        'target_error: OSError: no'
    """
    before, found, trace = line.rpartition("Traceback (most recent call last):\n")
    if not found:
        return line.partition("\n")[0]
    raised = next((one for one in trace.split("\n") if not one.startswith(" ")), "")
    return before.partition("\n")[0].partition("Traceback")[0] + raised

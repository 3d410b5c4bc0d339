"""From a suite's evaluation to the outcome of each of its cases."""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from evalkit._internal.canonical import canonical_json
from evalkit.engine.call import Call
from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.entities.score import Status
from evalkit.errors import EvalkitError, UsageError
from evalkit.evaluation.deciding.gates import condition_holds
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.results.facts import OUTAGE
from evalkit.evaluation.running.earlier import stored_calls
from evalkit.gates.condition import Condition
from evalkit.gates.grammar import parse_gates
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

    repeat: int = 0
    """The first repeat that did not pass."""

    asked: bool = False
    """Whether there are conditions that it must meet."""

    passed: int = 0
    repeats: int = 1
    flaky: Literal["target", "scorer"] | None = None
    """What gave different answers where some repeats passed and others did not."""


@dataclass(frozen=True, slots=True)
class _Repeat:
    """One repeat of a case."""

    state: Literal["pass", "fail", "infra", "budget"]
    reason: str | None = None
    explanation: str = ""

    @property
    def line(self) -> str:
        """Why there is no answer; empty where there is one."""
        return f"{self.reason}: {self.explanation}" if self.reason else self.explanation


class CaseOutcomes:
    """How the cases of one evaluation ended."""

    def __init__(self, result: EvaluationResult, must: Sequence[str], min_pass: int) -> None:
        """Judge the cases of *result* by *must*, and by what each row asks for itself."""
        self._result = result
        self._must = tuple(must)
        self._min_pass = min_pass

    def outcome(self, case_id: str) -> CaseOutcome:
        """Return how a case ended.

        Raises:
            UsageError: If a condition does not parse, or is about a metric that the suite does not
                have; its text names the condition.
        """
        row = self._rows[case_id]
        conditions = self._conditions(row)
        repeats = [self._repeat(row, n, conditions) for n in range(self._result.repeats)]
        for reason, status in _BY_REQUEST.items():
            for repeat in repeats:
                if repeat.reason == reason:
                    return CaseOutcome(status=status, lines=(repeat.explanation,))
        problems = self._problems(row, repeats, conditions)
        counts = Counter(repeat.state for repeat in repeats)
        if not problems:
            status = CaseStatus.PASS
        elif counts["pass"] + counts["infra"] + counts["budget"] < self._min_pass:
            status = CaseStatus.FAIL
        else:  # what was lost might have passed
            status = CaseStatus.BUDGET if counts["budget"] else CaseStatus.INFRA
        return CaseOutcome(
            status=status,
            lines=tuple(problems),
            raised=next((n for n, repeat in enumerate(repeats) if repeat.reason), None),
            repeat=next((n for n, repeat in enumerate(repeats) if repeat.state != "pass"), 0),
            asked=bool(conditions),
            passed=counts["pass"],
            repeats=len(repeats),
            flaky=self._flaky(row, repeats) if counts["pass"] and counts["fail"] else None,
        )

    def scores(self, case_id: str) -> list[tuple[str, str]]:
        """Return the scores of a case's first repeat."""
        cell = self._rows[case_id] * self._result.repeats
        return [
            (metric.key, f"{metric.column.values[cell]:.6g}")
            for metric in self._result.metrics
            if metric.column.status[cell] == Status.OK
        ]

    def details(self, case_id: str, repeat: int) -> list[str]:
        """Return a line each for what was asked, expected and answered, and what scorers say."""
        row = self._rows[case_id]
        cell = row * self._result.repeats + repeat
        case = self._result.spool.batch(row, row + 1).case(0)
        call = (self._calls or {}).get(cell)
        answer = case.outputs if self._calls is None else None if call is None else call.output
        shown = {"inputs": case.inputs, "expectations": case.expectations, "outputs": answer}
        lines = [f"{name}: {_written(value)}" for name, value in shown.items() if value]
        for metric in self._result.metrics if cell not in self._result.facts.failures else ():
            score = metric.column.cell(cell)
            if score.explanation and metric.key not in {"", None}:
                value = score.label if score.value is None else f"{score.value:g}"
                lines.append(f"{metric.key}: {value or score.reason} – {_cut(score.explanation)}")
        return lines

    def cost(self, case_id: str) -> float | None:
        """Return what the calls of a case have cost, in US dollars; ``None`` where unknown."""
        costs = [None if call is None else call.cost for call in self._calls_of(case_id)]
        return None if None in costs else math.fsum(cost for cost in costs if cost)

    def seconds(self, case_id: str) -> float:
        """Return how long the calls of a case took, as far as it was measured."""
        return math.fsum(call.latency_seconds or 0.0 for call in self._calls_of(case_id) if call)

    def _calls_of(self, case_id: str) -> list[Call | None]:
        row, repeats = self._rows[case_id], self._result.repeats
        return [(self._calls or {}).get(row * repeats + n) for n in range(repeats)]

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {str(case_id): row for row, case_id in enumerate(self._result.case_ids.tolist())}

    @cached_property
    def _calls(self) -> Mapping[int, Call] | None:
        """The calls that were made, by cell; ``None`` without a target."""
        outputs = self._result.folder.outputs
        return dict(stored_calls(outputs)) if outputs.is_file() else None

    @cached_property
    def _own_must(self) -> Sequence[Sequence[str]]:
        return [tuple(musts) for musts in self._result.spool.values("must")]

    def _conditions(self, row: int) -> list[Condition]:
        conditions: list[Condition] = []
        for text in (*self._must, *self._own_must[row]):
            try:
                for condition in parse_gates(text):
                    condition_holds(self._result, row, 0, condition)  # raises for another metric
                    conditions.append(condition)
            except EvalkitError as error:
                raise UsageError(f"must {text!r}: {error}") from error
        return conditions

    def _repeat(self, row: int, repeat: int, conditions: Sequence[Condition]) -> _Repeat:
        cell = row * self._result.repeats + repeat
        if self._calls is not None:
            call = self._calls.get(cell)
            if call is None:
                status, why = self._result.facts.status, "the case was not run"
                if status == "budget":
                    return _Repeat("budget", None, f"{why}: the budget is spent")
                return _Repeat("infra" if status == OUTAGE else "fail", None, why)
            if call.reason is not None:
                lost = call.reason in INFRASTRUCTURE
                return _Repeat("infra" if lost else "fail", call.reason, call.explanation or "")
        unmet = [c for c in conditions if not condition_holds(self._result, row, repeat, c)]
        if not unmet:
            return _Repeat("pass")
        lost = all(self._column(c).reasons.get(cell) in INFRASTRUCTURE for c in unmet)
        return _Repeat("infra" if lost else "fail")

    def _column(self, condition: Condition) -> ScoreColumn:
        key = condition.key.metric if condition.key else ""
        keys = {key, key.partition("=")[0]}
        return next(metric.column for metric in self._result.metrics if metric.key in keys)

    def _problems(
        self, row: int, repeats: Sequence[_Repeat], conditions: Sequence[Condition]
    ) -> list[str]:
        """Return a line for each thing that holds in too few repeats."""
        answers = [n for n, repeat in enumerate(repeats) if not repeat.line]
        problems: list[str] = []
        if len(answers) < self._min_pass:
            lines = dict.fromkeys(repeat.line for repeat in repeats if repeat.line)
            problems += [f"{line}{self._share(len(answers))}" for line in lines]
        for condition in conditions:
            held = sum(condition_holds(self._result, row, n, condition) for n in answers)
            if held < self._min_pass and (answers or not problems):
                values = ", ".join(self._value(row, n, condition) for n in answers)
                problems.append(f"{condition.text}: got {values}{self._share(held)}")
        return problems

    def _share(self, held: int) -> str:
        repeats = self._result.repeats
        return f" ({held} of {repeats}, {self._min_pass} needed)" if repeats > 1 else ""

    def _value(self, row: int, repeat: int, condition: Condition) -> str:
        cell = self._column(condition).cell(row * self._result.repeats + repeat)
        if cell.status is Status.OK:
            return f"{cell.value:g}" if cell.label is None else str(cell.label)
        return f"{cell.status.word}: {cell.reason or cell.explanation or ''}".strip(": ")

    def _flaky(self, row: int, repeats: Sequence[_Repeat]) -> Literal["target", "scorer"]:
        """Return what was not steady: equal outputs that fare differently blame the scorer."""
        outputs: dict[str, set[bytes]] = {"pass": set(), "fail": set()}
        for n, repeat in enumerate(repeats):
            call = (self._calls or {}).get(row * len(repeats) + n)
            if call is not None and repeat.state in outputs and repeat.reason is None:
                outputs[repeat.state].add(canonical_json(call.output))
        return "scorer" if outputs["pass"] & outputs["fail"] else "target"


_LONGEST: Final = 500
"""Characters that a failure shows of one field."""

_BY_REQUEST: Final = {SKIPPED: CaseStatus.SKIPPED, EXPECTED: CaseStatus.EXPECTED}
"""What a body may ask for, whatever its other repeats came to."""


def _written(value: Any) -> str:
    return _cut(value if isinstance(value, str) else canonical_json(value).decode("utf-8"))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def short(line: str) -> str:
    r"""Return the first line of why a case did not pass; of a traceback, what was raised.

    Examples:
        >>> trace = 'Traceback (most recent call last):\n  File "a.py"\nOSError: no\nmore'
        >>> short(f"target_error: {trace}")
        'target_error: OSError: no'
    """
    before, head, trace = line.rpartition("Traceback (most recent call last):\n")
    if not head:
        return line.partition("\n")[0]
    raised = next((text for text in trace.split("\n") if not text.startswith(" ")), "")
    return before.partition("\n")[0].partition("Traceback")[0] + raised

"""Running a suite once, however many tests and processes ask for it."""

from __future__ import annotations

import contextlib
import fcntl
import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.data.spool import Spool, spool
from evalkit.entities.case import Case
from evalkit.entities.score import Status
from evalkit.errors import TargetError, UsageError
from evalkit.evaluation.again import stored_calls
from evalkit.evaluation.evaluate import evaluate
from evalkit.evaluation.gating import condition_holds
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.runtime import Runtime
from evalkit.evaluation.suite import CasesMark, Suite
from evalkit.gates.condition import parse_gates

SKIPPED = "skipped"
"""Reason of a case whose body asked to be skipped."""


@dataclass(slots=True, kw_only=True)
class SuiteRun:
    """One suite in one test session."""

    suite: Suite
    folder: Path
    """Folder that all processes of the session share."""

    body: Callable[..., Any] | None = None
    """The test function that answers cases; ``None`` where the data holds outputs."""

    selected: list[str] | None = None
    """Case ids that are to run; ``None`` means all."""

    errors: dict[tuple[str, int], BaseException] = field(
        default_factory=dict[tuple[str, int], BaseException]
    )
    """What bodies raised, by case id and repeat, in the process that ran them."""

    skip_types: tuple[type[BaseException], ...] = ()
    _cases: Spool | None = None
    _result: EvaluationResult | None = None
    _skips: frozenset[int] | None = None

    @property
    def cases(self) -> Spool:
        """The suite's cases, read once in each process.

        Raises:
            DataError: If the data is wrong.
        """
        if self._cases is None:
            options = {
                name: value
                for name, value in self.suite.options.items()
                if name in {"columns", "limit", "sample", "split", "seed"}
            }
            place = self.folder / f"cases-{content_hash(repr(self.suite.name).encode(), size=4)}"
            with _locked(self.folder / "cases.lock"):
                path = place / "cases.parquet"
                if path.is_file():
                    self._cases = Spool.open(path)
                else:
                    has_model = self.suite.cases_mark is not None
                    self._cases = spool(self.suite.data, place, has_model=has_model, **options)
        return self._cases

    @property
    def ids(self) -> list[str]:
        """Case ids, in the order of the data."""
        return [str(case_id) for case_id in self.cases.strings("id")]

    @property
    def is_partial(self) -> bool:
        """Whether some cases are not going to run."""
        return self.selected is not None and len(self.selected) < len(self.ids)

    def result(self, fixtures: Mapping[str, Any]) -> EvaluationResult:
        """Return the suite's evaluation, run by whichever process needs it first."""
        if self._result is None:
            uri = f"sqlite:///{self.folder}/suites.db"
            mark = self.folder / f"done-{self._digest()}"
            with _locked(self.folder / f"{mark.name}.lock"):
                if mark.is_file():
                    self._result = EvaluationResult.load(mark.read_text(), store=uri)
                else:
                    self._result = self._evaluate(fixtures, uri)
                    mark.write_text(str(self._result.folder.path))
        return self._result

    def _digest(self) -> str:
        return content_hash(canonical_json([self.suite.name, self.selected]), size=8)

    def _evaluate(self, fixtures: Mapping[str, Any], uri: str) -> EvaluationResult:
        runtime: Runtime = self.suite.options.get("runtime") or Runtime()
        chosen = set(self.ids if self.selected is None else self.selected)
        rows = [case for batch in self.cases.batches() for case in batch if case.id in chosen]
        mark = self.suite.cases_mark
        settings = {
            name: getattr(runtime, name)
            for name in ("concurrency", "timeout_seconds", "requests_per_minute", "budget")
        }
        store = runtime.store if isinstance(runtime.store, str) else uri
        return evaluate(
            None if self.body is None else self._target(self.body, fixtures),
            rows,
            self.suite.scorers,
            name=self.suite.name,
            repeats=1 if mark is None else mark.repeats,
            seed=self.suite.options.get("seed", 0),
            level=self.suite.options.get("level", 0.95),
            runtime=Runtime(**settings, store=store, progress=False),
        )

    def _target(self, body: Callable[..., Any], fixtures: Mapping[str, Any]) -> Callable[..., Any]:
        """Return the body as a target; what it raises is kept for the test's own report."""

        def note(error: BaseException, case: Case, repeat: int) -> TargetError:
            if isinstance(error, self.skip_types):
                return TargetError(SKIPPED, str(error))
            self.errors[case.id, repeat] = error
            told = "".join(traceback.format_exception(error)).strip()
            return TargetError("target_error", told)

        caught: tuple[type[BaseException], ...] = (Exception, *self.skip_types)
        if inspect.iscoroutinefunction(body):

            async def answer(case: Case, repeat: int) -> Any:
                try:
                    return _given(await body(case=case, **fixtures))
                except caught as error:
                    raise note(error, case, repeat) from error

            return answer

        def answer_in_thread(case: Case, repeat: int) -> Any:
            try:
                return _given(body(case=case, **fixtures))
            except caught as error:
                raise note(error, case, repeat) from error

        return answer_in_thread

    def problems(self, case_id: str, mark: CasesMark, result: EvaluationResult) -> list[str]:
        """Return why a case does not pass: a line for each condition, none where it passes."""
        row = self._row(case_id, result)
        found: list[str] = []
        for text in (*mark.must, *self._own_must(case_id)):
            for condition in parse_gates(text):
                held = sum(
                    condition_holds(result, row, repeat, condition)
                    for repeat in range(mark.repeats)
                )
                if held < mark.min_pass:
                    values = ", ".join(
                        _shown(result, row, repeat, condition.key.metric if condition.key else "")
                        for repeat in range(mark.repeats)
                    )
                    share = f" ({held} of {mark.repeats}, {mark.min_pass} needed)"
                    found.append(f"{condition.text}: got {values}" + share * (mark.repeats > 1))
        return found

    def failures(self, case_id: str, mark: CasesMark, result: EvaluationResult) -> list[int]:
        """Return the repeats whose body raised, where too many did; else none."""
        row = self._row(case_id, result)
        failed = [
            repeat
            for repeat in range(mark.repeats)
            if row * mark.repeats + repeat in result.facts.failures
        ]
        return failed if mark.repeats - len(failed) < mark.min_pass else []

    def skip_reason(self, case_id: str, result: EvaluationResult) -> str | None:
        """Return why the body skipped a case, or ``None`` where it did not."""
        cell = self._row(case_id, result) * result.repeats
        for metric in result.metrics:
            if metric.column.status[cell] == Status.SKIPPED and cell in self.skips(result):
                return metric.column.explanations.get(cell, "skipped")
        return None

    def skips(self, result: EvaluationResult) -> frozenset[int]:
        """Return the cells whose body asked to be skipped."""
        if self._skips is None:
            calls = stored_calls(result.folder.outputs) if self.body is not None else ()
            self._skips = frozenset(cell for cell, call in calls if call.reason == SKIPPED)
        return self._skips

    def scores(self, case_id: str) -> list[tuple[str, str]]:
        """Return the scores of a case, for the test report."""
        if self._result is None:
            return []
        cell = self._row(case_id, self._result) * self._result.repeats
        return [
            (metric.key, f"{metric.column.values[cell]:.6g}")
            for metric in self._result.metrics
            if metric.column.status[cell] == Status.OK
        ]

    def explanation(self, case_id: str, repeat: int, result: EvaluationResult) -> tuple[str, str]:
        """Return reason and explanation of a failed repeat."""
        row = self._row(case_id, result)
        return result.facts.failures[row * result.repeats + repeat]

    def _row(self, case_id: str, result: EvaluationResult) -> int:
        return list(result.spool.strings("id")).index(case_id)

    def _own_must(self, case_id: str) -> Sequence[str]:
        row = self.ids.index(case_id)
        found = self.cases.batch(row, row + 1).column("must")[0]
        return (found,) if isinstance(found, str) else tuple(found or ())


def _given(output: Any) -> Any:
    # A body that only asserts returns nothing; its case has an (empty) answer all the same.
    return "" if output is None else output


def _shown(result: EvaluationResult, row: int, repeat: int, key: str) -> str:
    for metric in result.metrics:
        if metric.key == key:
            cell = metric.column.cell(row * result.repeats + repeat)
            if cell.status is Status.OK:
                return f"{cell.value:g}" if cell.label is None else str(cell.label)
            return f"{cell.status.word}: {cell.reason or cell.explanation or ''}".strip(": ")
    raise UsageError(f"No metric is called {key!r}; the suite has: {', '.join(result.estimates)}.")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on *path*, waiting for whoever holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

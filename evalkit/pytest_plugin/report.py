"""The end of a session with suites: what is written, and what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from evalkit.errors import EvalkitError, UsageError
from evalkit.evaluation.result import EvaluationResult
from evalkit.gates.verdict import Verdict, describe, gravest
from evalkit.pytest_plugin.options import session_options
from evalkit.report.github import annotation, step_summary
from evalkit.report.markdown import text
from evalkit.settings import github_actions
from evalkit.suites.ledger import SessionLedger, SuiteRecord

_LONGEST: Final = 8
"""Metrics, and cases of one kind, that the terminal shows of a suite."""
_ANNOTATIONS: Final = 50
"""GitHub shows far fewer; more would only lengthen the log."""
_WORDS: Final = {
    "FAIL": "failed",
    "INFRA": "lost to infrastructure",
    "BUDGET": "not run: budget spent",
    "SKIPPED": "skipped",
}

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOutcome:
    """What came of one suite."""

    record: SuiteRecord
    result: EvaluationResult
    cases: Sequence[Entry]
    gates: Sequence[Entry]
    files: list[str] = field(default_factory=list[str])
    """A line on each file that was written."""

    def lines(self) -> Iterator[str]:
        """Yield what the terminal shows."""
        yield self._head()
        estimates = list(self.result.estimates.values())
        width = max((len(estimate.key) for estimate in estimates[:_LONGEST]), default=0)
        for estimate in estimates[:_LONGEST]:
            yield f"  {estimate.key:<{width}}  {describe(estimate)}"
        if len(estimates) > _LONGEST:
            yield f"  and {len(estimates) - _LONGEST} more metrics"
        for gate in self.gates:
            if gate["status"] not in {None, "PASS"}:
                yield f"  {gate['status']}  {gate['lines'][0]}"
        flaky = [case["flaky"] for case in self.cases if case["flaky"]]
        yield from (f"  FLAKY  {line}" for line in flaky[:_LONGEST])
        if len(flaky) > _LONGEST:
            yield f"  and {len(flaky) - _LONGEST} more flaky cases"
        for case in [case for case in self.cases if case["expired"]][:_LONGEST]:
            yield f"  the quarantine of {case['name']} ended on {case['expired']}"
        yield from (f"  {line}" for line in self.files)

    def _head(self) -> str:
        verdicts = [Verdict(gate["status"]) for gate in self.gates if gate["status"]]
        counts = {status: sum(c["status"] == status for c in self.cases) for status in _WORDS}
        words = [f"{count} {_WORDS[status]}" for status, count in counts.items() if count]
        n = len(self.result)
        counted = f" ({', '.join(words)})" if words else ""
        parts = [
            str(gravest(verdicts)) if verdicts else "no gate",
            f"{n} {'case' if n == 1 else 'cases'}{counted}",
        ]
        if self.result.usage:
            cost = self.result.cost
            parts.append("cost unknown" if cost is None else f"${cost:.4f}")
        if self.record.partial:
            parts.append("only the selected cases")
        return f"{self.record.name}: {' · '.join(parts)}"

    def write_baseline(self) -> str:
        """Write what later sessions compare with.

        Raises:
            UsageError: If the suite is partial, or its baseline is no file.
        """
        if self.record.partial:
            raise UsageError("the baseline is not written: only some of the cases were selected.")
        file = self.record.baseline
        if file is None or Path(file).suffix != ".json":
            raise UsageError(
                "the baseline is not written: name its file, such as "
                "--evalkit-baseline=tests/{suite}.baseline.json."
            )
        return f"baseline: {self.result.write_baseline(file)}"


class SessionReport:
    """Writes and shows what came of the suites of one session."""

    def __init__(self, folder: Path, entries: Sequence[Entry], config: pytest.Config) -> None:
        """Load the results in *folder*, which every process of the session has written to.

        Raises:
            EvalkitError: If an option is wrong or a result cannot be read.
        """
        self._options = session_options(config)
        self._suites: list[SuiteOutcome] = []
        for record in SessionLedger(folder).suites():
            own = [entry for entry in entries if entry["suite"] == record.key]
            self._suites.append(
                SuiteOutcome(
                    record=record,
                    result=EvaluationResult.load(record.folder),
                    cases=[entry for entry in own if entry["kind"] == "case"],
                    gates=[entry for entry in own if entry["kind"] == "gate"],
                )
            )

    def write(self) -> list[str]:
        """Write reports, baselines and the job's summary; return what went wrong."""
        problems: list[str] = []
        for place, suite in enumerate(self._suites):
            acts: list[Callable[[], str | None]] = [
                partial(self._report, suite, Path(path)) for path in self._options.report
            ]
            acts += [suite.write_baseline] * self._options.update_baseline
            acts += [partial(_step_summary, suite, first=place == 0)]
            for act in acts:
                try:
                    line = act()
                except EvalkitError as error:
                    line = None
                    problems.append(f"{suite.record.name}: {error}")
                if line is not None:
                    suite.files.append(line)
        return problems

    def _report(self, suite: SuiteOutcome, path: Path) -> str:
        if len(self._suites) > 1:
            name = re.sub(r"[^\w-]", "-", suite.record.name).strip("-")
            path = path.with_name(f"{path.stem}-{name or 'suite'}{path.suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        return f"report: {suite.result.report(path)}"

    def lines(self) -> Iterator[str]:
        """Yield what the terminal shows: a few lines for each suite."""
        for suite in self._suites:
            yield from suite.lines()

    def commands(self) -> Iterator[str]:
        """Yield workflow commands that annotate what failed, where GitHub Actions runs this."""
        github = github_actions()
        if github is None:
            return
        troubles = [
            (suite.record.name, entry)
            for suite in self._suites
            for entry in (*suite.gates, *suite.cases)
            if entry["status"] not in {None, "PASS", "SKIPPED", "EXPECTED"}
        ]
        for name, entry in troubles[:_ANNOTATIONS]:
            file = entry.get("file")
            yield annotation(
                f"{name}: {entry['name']} {entry['status']}",
                "\n".join(entry["lines"]),
                file=None if file is None else _below(Path(file), github.workspace),
                line=entry.get("line"),
                level=entry["level"],
            )


def _step_summary(suite: SuiteOutcome, *, first: bool) -> None:
    github = github_actions()
    if github is not None and github.summary is not None:
        step_summary(github.summary, text(suite.result), first=first)


def _below(file: Path, workspace: Path | None) -> str:
    whole = file.resolve()
    if workspace is not None and whole.is_relative_to(workspace.resolve()):
        return whole.relative_to(workspace.resolve()).as_posix()
    return file.as_posix()

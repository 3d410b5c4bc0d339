"""The end of a session with suites: what is written, and what is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from evalkit.errors import EvalkitError, UsageError
from evalkit.evaluation.result import EvaluationResult
from evalkit.gates.verdict import describe
from evalkit.pytest_plugin.options import session_options
from evalkit.report.github import annotation, step_summary
from evalkit.report.markdown import text
from evalkit.settings import github_actions
from evalkit.suites.ledger import SessionLedger, SuiteRecord
from evalkit.suites.options import SuiteOptions

_SHOWN: Final = 8
"""Metrics, and cases of one kind, that the terminal shows of a suite."""
_ANNOTATED: Final = 50
"""GitHub shows far fewer; more would only lengthen the log."""

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOutcome:
    """One suite that ran."""

    name: str
    result: EvaluationResult
    partial: bool
    baseline: str | None
    entries: Sequence[Entry]

    def of(self, kind: str) -> list[Entry]:
        """Return the entries of cases or of gates."""
        return [entry for entry in self.entries if entry["kind"] == kind]

    @property
    def status(self) -> str:
        """The gravest verdict on the gates that were asked for."""
        found = {entry["status"] for entry in self.of("gate")}
        order = ("FAIL", "BUDGET", "INFRA", "INCONCLUSIVE", "PASS")
        return next((status for status in order if status in found), "no gate")


class SessionReport:
    """Writes and shows what came of the suites of one session."""

    def __init__(self, folder: Path, entries: Sequence[Entry], config: pytest.Config) -> None:
        """Load the results in *folder*, which every process of the session has written to.

        Raises:
            EvalkitError: If an option is wrong or a result cannot be read.
        """
        self._options: SuiteOptions = session_options(config)
        self._root = config.rootpath
        self._suites = [_outcome(suite, entries) for suite in SessionLedger(folder).suites()]
        self._written: dict[str, list[str]] = {}

    def write(self) -> list[str]:
        """Write reports, baselines and the job's summary; return what went wrong."""
        problems: list[str] = []
        for place, suite in enumerate(self._suites):
            for path in self._options.report:
                problems += self._tried(suite, lambda s=suite, p=path: self._report(s, Path(p)))
            if self._options.update_baseline:
                problems += self._tried(suite, lambda s=suite: self._baseline(s))
            problems += self._tried(suite, lambda s=suite, p=place: _step_summary(s, first=p == 0))
        return problems

    def _tried(self, suite: SuiteOutcome, act: Any) -> list[str]:
        try:
            done = act()
        except EvalkitError as error:
            return [f"{suite.name}: {error}"]
        if done is not None:
            self._written.setdefault(suite.name, []).append(done)
        return []

    def _report(self, suite: SuiteOutcome, path: Path) -> str:
        if len(self._suites) > 1:
            path = path.with_name(f"{path.stem}-{_file_name(suite.name)}{path.suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        return f"report: {suite.result.report(path)}"

    def _baseline(self, suite: SuiteOutcome) -> str:
        if suite.partial:
            raise UsageError("the baseline is not written: only some of the cases were selected.")
        if suite.baseline is None or Path(suite.baseline).suffix != ".json":
            raise UsageError(
                "the baseline is not written: name its file, such as "
                "--evalkit-baseline=tests/{suite}.baseline.json."
            )
        return f"baseline: {suite.result.write_baseline(suite.baseline)}"

    def lines(self) -> Iterator[str]:
        """Yield what the terminal shows: a few lines for each suite."""
        for suite in self._suites:
            yield _head(suite)
            yield from (f"  {line}" for line in _estimates(suite.result))
            yield from (f"  {entry['status']}  {entry['lines'][0]}" for entry in _open(suite))
            yield from (f"  {line}" for line in _remarks(suite))
            yield from (f"  {line}" for line in self._written.get(suite.name, []))

    def commands(self) -> Iterator[str]:
        """Yield workflow commands that annotate what failed, where GitHub Actions runs this."""
        github = github_actions()
        if github is None:
            return
        left = _ANNOTATED
        for suite in self._suites:
            for entry in [*suite.of("gate"), *suite.of("case")]:
                if entry["status"] in {None, "PASS", "SKIPPED", "EXPECTED"} or left == 0:
                    continue
                left -= 1
                file = entry.get("file")
                yield annotation(
                    f"{suite.name}: {entry['name']} {entry['status']}",
                    "\n".join(entry["lines"]),
                    file=None if file is None else _below(Path(file), github.workspace),
                    line=entry.get("line"),
                    level=entry["level"],
                )


def _step_summary(suite: SuiteOutcome, *, first: bool) -> None:
    github = github_actions()
    if github is not None and github.summary is not None:
        step_summary(github.summary, text(suite.result), first=first)


def _outcome(suite: SuiteRecord, entries: Sequence[Entry]) -> SuiteOutcome:
    return SuiteOutcome(
        name=suite.name,
        result=EvaluationResult.load(suite.folder),
        partial=suite.partial,
        baseline=suite.baseline,
        entries=[entry for entry in entries if entry["suite"] == suite.key],
    )


def _head(suite: SuiteOutcome) -> str:
    cases = suite.of("case")
    counts = {status: sum(e["status"] == status for e in cases) for status in _WORDS}
    told = [f"{count} {_WORDS[status]}" for status, count in counts.items() if count]
    n = len(suite.result)
    counted = f" ({', '.join(told)})" if told else ""
    parts = [suite.status, f"{n} {'case' if n == 1 else 'cases'}{counted}"]
    if suite.result.usage:
        cost = suite.result.cost
        parts.append("cost unknown" if cost is None else f"${cost:.4f}")
    if suite.partial:
        parts.append("only the selected cases")
    return f"{suite.name}: {' · '.join(parts)}"


_WORDS: Final = {
    "FAIL": "failed",
    "INFRA": "lost to infrastructure",
    "BUDGET": "not run: budget spent",
    "SKIPPED": "skipped",
}


def _estimates(result: EvaluationResult) -> Iterator[str]:
    found = list(result.estimates.values())
    width = max((len(estimate.key) for estimate in found[:_SHOWN]), default=0)
    for estimate in found[:_SHOWN]:
        yield f"{estimate.key:<{width}}  {describe(estimate)}"
    if len(found) > _SHOWN:
        yield f"and {len(found) - _SHOWN} more metrics"


def _open(suite: SuiteOutcome) -> list[Entry]:
    """Return the gates that did not pass."""
    return [entry for entry in suite.of("gate") if entry["status"] not in {None, "PASS"}]


def _remarks(suite: SuiteOutcome) -> Iterator[str]:
    cases = suite.of("case")
    flaky = [entry["flaky"] for entry in cases if entry["flaky"]]
    expired = [e for e in cases if e["expired"]]
    yield from (f"FLAKY  {line}" for line in flaky[:_SHOWN])
    if len(flaky) > _SHOWN:
        yield f"and {len(flaky) - _SHOWN} more flaky cases"
    for entry in expired[:_SHOWN]:
        yield f"the quarantine of {entry['name']} ended on {entry['expired']}"


def _file_name(name: str) -> str:
    kept = [letter if letter.isalnum() or letter in "-_" else "-" for letter in name]
    return "".join(kept).strip("-") or "suite"


def _below(file: Path, workspace: Path | None) -> str:
    whole = file.resolve()
    if workspace is not None and whole.is_relative_to(workspace.resolve()):
        return whole.relative_to(workspace.resolve()).as_posix()
    return file.as_posix()

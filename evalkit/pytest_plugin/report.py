"""The end of a session with suites: what is written, and what is shown."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from evalkit._internal.words import plural
from evalkit.errors import EvalkitError, UsageError
from evalkit.evaluation.result import EvaluationResult
from evalkit.gates.verdict import Verdict, describe
from evalkit.pytest_plugin.options import session_options
from evalkit.report.github import annotation, step_summary
from evalkit.report.markdown import text
from evalkit.report.markdown_text import escaped, marked
from evalkit.report.writing import write_text
from evalkit.settings import github_actions
from evalkit.suites.case import short
from evalkit.suites.ledger import SessionLedger, SuiteFailure, SuiteRecord
from evalkit.suites.verdict import Entry, kinds_of, with_session

_LONGEST: Final = 8
"""Metrics, and cases of one kind, that the terminal shows of a suite."""
_ANNOTATIONS: Final = 50
"""GitHub shows far fewer; more would only lengthen the log."""
_MISSING: Final = 200
"""Cases without a recording that are named."""
_COMMENTED: Final = 20
"""Cases that failed and are shown with what was asked and answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOutcome:
    """What came of one suite."""

    record: SuiteRecord
    result: EvaluationResult
    cases: Sequence[Entry]
    others: Sequence[Entry]
    """Of gates, and of tests that could not be set up or taken down."""

    label: str
    """Name, and the file where two suites of the session have one name."""

    sampled: bool = False
    """Whether the cases were drawn from more."""

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
        for condition in self.result.verdict.conditions:
            if condition.status is not Verdict.PASS:
                yield f"  {condition.status}  {condition.why}"
        flaky = [case["flaky"] for case in self.cases if case["flaky"]]
        yield from (f"  FLAKY  {line}" for line in flaky[:_LONGEST])
        if len(flaky) > _LONGEST:
            yield f"  and {len(flaky) - _LONGEST} more flaky cases"
        for case in [case for case in self.cases if case["expired"]][:_LONGEST]:
            yield f"  the quarantine of {case['name']} ended on {case['expired']}"
        yield from (f"  {note}" for note in self.result.facts.notes[:_LONGEST])
        yield from (f"  {line}" for line in self.files)

    def _head(self) -> str:
        words = [f"{len(some)} {word}" for word, some in kinds_of(self.cases).items()]
        counted = f" ({', '.join(words)})" if words else ""
        verdict = self.result.verdict
        parts = [
            str(verdict.status) if verdict.conditions else "no gate",
            f"{plural(len(self.result), 'case')}{counted}",
        ]
        if self.result.usage:
            cost = self.result.cost
            parts.append("cost unknown" if cost is None else f"${cost:.4f}")
        if self.record.partial:
            parts.append("only the selected cases")
        return f"{self.label}: {' · '.join(parts)}"

    def markdown(self) -> str:
        """Return the comment on the suite: its report, and what was asked in cases that failed."""
        failed = [case for case in self.cases if case["failed"]]
        lines: list[str] = []
        for case in failed[:_COMMENTED]:
            lines.append(f"- **{escaped(case['name'])}** {escaped(case['lines'][0], 400)}")
            lines += [f"  - {escaped(line, 400)}" for line in case["details"]]
        if len(failed) > _COMMENTED:
            lines.append(f"- and {len(failed) - _COMMENTED:,} more")
        cases = ["### Cases that failed", "\n".join(lines)] if lines else []
        named = self.result if self.label == self.record.name else self.result.with_name(self.label)
        return "\n\n".join([text(named).rstrip(), *cases]) + "\n"

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
        estimates = self.result.estimates.values()
        unmeasured = sum(case["status"] in {"INFRA", "BUDGET"} for case in self.cases)
        lost = max((e.n_not_run for e in estimates), default=0)
        lost = max(lost, unmeasured)
        if lost:
            raise UsageError(
                f"the baseline is not written: {lost} of {len(self.result)} cases were lost or not "
                "run; run them again."
            )
        if self.sampled and Path(file).exists():
            raise UsageError(
                f"the baseline is not written: {len(self.result)} cases are a sample, and {file} "
                "is there; leave out --evalkit-sample, or remove the file."
            )
        failed = max((estimate.n_failed for estimate in estimates), default=0)
        words = f" ({failed} of {len(self.result)} cases have no value)" if failed else ""
        return f"baseline: {self.result.write_baseline(file)}{words}"


@dataclass(frozen=True, slots=True)
class FailedSuite:
    """One suite that could not be evaluated, and so has no result to report."""

    failure: SuiteFailure
    label: str

    def lines(self) -> Iterator[str]:
        """Yield what the terminal shows."""
        yield f"{self.label}: ERROR · {self.failure.n} cases were not evaluated"
        yield from (f"  {line}" for line in self.why())

    def why(self) -> Iterator[str]:
        """Yield what is amiss, and the way out."""
        yield self.failure.why
        missing = self.failure.missing
        if missing:
            left = len(missing) - _MISSING
            more = f" and {left:,} more" if left > 0 else ""
            yield (
                f"{len(missing):,} of {self.failure.n:,} cases have no recording: "
                f"{', '.join(missing[:_MISSING])}{more}"
            )
            yield "Record them with --evalkit=auto, and commit the recordings."

    def markdown(self) -> str:
        """Return the comment on it."""
        head = f"## ❌ ERROR · {escaped(self.label)}"
        return "\n\n".join([head, *(escaped(line, 4000) for line in self.why())]) + "\n"


class SessionReport:
    """Writes and shows what came of the suites of one session."""

    def __init__(self, folder: Path, entries: Sequence[Entry], config: pytest.Config) -> None:
        """Load the results in *folder*, which every process of the session has written to.

        Raises:
            EvalkitError: If an option is wrong or a result cannot be read.
        """
        self._options = session_options(config)
        ledger = SessionLedger(folder)
        records, failures = ledger.suites(), ledger.failures()
        labels = _labels([*records, *failures])
        self._remarks = dict.fromkeys(ledger.remarks())
        self._spent = ledger.spent
        self._failed = [FailedSuite(failure, labels[failure.key]) for failure in failures]
        self._suites: list[SuiteOutcome] = []
        for record in records:
            own = [entry for entry in entries if entry["suite"] == record.key]
            self._suites.append(
                SuiteOutcome(
                    record=record,
                    label=labels[record.key],
                    sampled=self._options.sample is not None,
                    result=with_session(EvaluationResult.load(record.folder), own),
                    cases=[entry for entry in own if entry["kind"] == "case"],
                    others=[entry for entry in own if entry["kind"] != "case"],
                )
            )

    def write(self) -> list[str]:
        """Write reports, baselines and the job's summary; return what went wrong."""
        problems: list[str] = []
        parts: list[SuiteOutcome | FailedSuite] = [*self._suites, *self._failed]
        for place, part in enumerate(parts):
            acts: list[Callable[[], str | None]] = [
                partial(self._report, part, Path(path)) for path in self._options.report
            ]
            if isinstance(part, SuiteOutcome):
                acts += [part.write_baseline] * self._options.update_baseline
            acts += [partial(_step_summary, part, first=place == 0)]
            for act in acts:
                try:
                    line = act()
                except EvalkitError as error:
                    line = None
                    problems.append(f"{part.label}: {error}")
                if line is not None and isinstance(part, SuiteOutcome):
                    part.files.append(line)
        return problems

    def _report(self, part: SuiteOutcome | FailedSuite, path: Path) -> str | None:
        if len(self._suites) + len(self._failed) > 1:
            name = re.sub(r"[^\w-]+", "-", part.label).strip("-")
            path = path.with_name(f"{path.stem}-{name or 'suite'}{path.suffix}")
        if path.suffix in {".md", ".markdown"}:
            try:
                write_text(path, marked(part.label, part.markdown()))
            except OSError as error:
                raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from error
            return f"report: {path}"
        if isinstance(part, FailedSuite):  # there is nothing that the other formats could hold
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        return f"report: {part.result.report(path)}"

    def lines(self) -> Iterator[str]:
        """Yield what the terminal shows: a few lines for each suite."""
        parts: list[SuiteOutcome | FailedSuite] = [*self._suites, *self._failed]
        for part in parts:
            yield from part.lines()
        yield from self._remarks
        if self._spent > math.fsum(suite.result.cost or 0.0 for suite in self._suites) + 1e-9:
            yield f"${self._spent:.4f} were spent in all, reruns included"

    def commands(self) -> Iterator[str]:
        """Yield workflow commands that annotate what failed, where GitHub Actions runs this."""
        github = github_actions()
        if github is None:
            return
        for failed in self._failed:
            yield annotation(f"{failed.label} ERROR", "\n".join(failed.why()))
        troubles = [
            (suite.label, entry)
            for suite in self._suites
            for entry in (*suite.others, *suite.cases)
            if entry["failed"] or entry["status"] not in {None, "PASS", "SKIPPED", "EXPECTED"}
        ]
        for name, entry in troubles[:_ANNOTATIONS]:
            file = entry.get("file")
            yield annotation(
                f"{name}: {entry['name']} {entry['status'] or 'FAIL'}",
                "\n".join([*map(short, entry["lines"]), *entry.get("details", ())]),
                file=None if file is None else _below(Path(file), github.workspace),
                line=entry.get("line"),
                level=entry["level"],
            )


def _labels(parts: Sequence[SuiteRecord | SuiteFailure]) -> dict[str, str]:
    """Return what each suite, by key, is called: its name, with its file where two have one."""
    keys = {part.key: part for part in parts}
    names = Counter(part.name for part in keys.values())
    return {
        key: part.name if names[part.name] == 1 else f"{part.name} ({key})"
        for key, part in keys.items()
    }


def _step_summary(part: SuiteOutcome | FailedSuite, *, first: bool) -> None:
    github = github_actions()
    if github is not None and github.summary is not None:
        step_summary(github.summary, part.markdown(), first=first)


def _below(file: Path, workspace: Path | None) -> str:
    whole = file.resolve()
    if workspace is not None and whole.is_relative_to(workspace.resolve()):
        return whole.relative_to(workspace.resolve()).as_posix()
    return file.as_posix()

"""What came of the suites, told once at the end, in the process that shows the session."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from evalkit._internal.ids import new_run_id


class Summary:
    """Collects the reports of suites' items; does nothing where there is none."""

    def __init__(self, config: pytest.Config) -> None:
        """Choose the folder that all processes of the session share."""
        self.folder = Path(tempfile.gettempdir()) / f"evalkit-suites-{new_run_id()}"
        self._config = config
        self._entries: dict[str, dict[str, Any]] = {}
        self._lines: list[str] = []
        self._commands: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a suite's item left in its report; the last attempt counts."""
        entry: dict[str, Any] | None = getattr(report, "evalkit", None)
        if entry is not None:
            key = report.nodeid + "::teardown" * (report.when == "teardown")
            self._entries[key] = {**entry, "node": report.nodeid}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write reports and baselines; what goes wrong there fails the session."""
        if not self.folder.is_dir():
            return
        # start-up: a session without suites needs none of it
        from evalkit.errors import EvalkitError
        from evalkit.pytest_plugin.report import SessionReport

        try:
            report = SessionReport(self.folder, list(self._entries.values()), self._config)
            problems = report.write()
        except EvalkitError as error:
            problems = [str(error)]
        else:
            self._lines = [*report.lines()]
            self._commands = [*report.commands()]
        self._lines += problems
        if problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show a few lines for each suite that ran."""
        if self._lines:
            terminalreporter.section("evalkit")
            for line in self._lines:
                terminalreporter.line(line)
        for command in self._commands:
            terminalreporter.line(command)

    def pytest_unconfigure(self) -> None:
        """Remove what the processes of the session shared."""
        shutil.rmtree(self.folder, ignore_errors=True)

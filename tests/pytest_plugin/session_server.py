"""Runs pytest sessions in one process, so that a test does not pay for the imports each time.

Reads one JSON object a line, ``{"folder", "arguments", "environment"}``, and answers with one:
what was printed, the exit code, and every report's outcome, phase and properties.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest


class Recorder:
    """Keeps what each item came to."""

    def __init__(self) -> None:
        self.reports: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.partition("::")[2]
        if report.when == "call" or report.outcome != "passed":
            expected = hasattr(report, "wasxfail")
            word = "error" if report.failed and report.when != "call" else report.outcome
            self.reports[name] = {
                "outcome": "xfailed" if expected and report.skipped else word,
                "text": str(report.longrepr or getattr(report, "wasxfail", "")),
                "properties": {key: str(value) for key, value in report.user_properties},
            }


def serve(request: dict[str, Any]) -> dict[str, Any]:
    folder, recorder, printed = Path(request["folder"]), Recorder(), io.StringIO()
    os.chdir(folder)
    before = dict(os.environ)
    loaded = set(sys.modules)
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # the session's own, not what an earlier one has been told
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = pytest.main(["--capture=sys", *request["arguments"]], plugins=[recorder])
    finally:
        os.environ.clear()
        os.environ.update(before)
        for name in set(sys.modules) - loaded:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[name]
    return {"code": int(code), "output": printed.getvalue(), "reports": recorder.reports}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(serve(json.loads(line))) + "\n")
        sys.stdout.flush()

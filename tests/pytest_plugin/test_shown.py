"""What is shown and written for others: JUnit, GitHub, and nothing at all without a suite."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

Runner = Callable[..., Any]


def test_junit_has_scores_and_what_decided_a_gate(run: Runner, suite_files: dict[str, str]) -> None:
    ran = run("--junitxml=out.xml", files=suite_files)
    cases = {
        str(case.get("name")): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in ET.parse(ran.folder / "out.xml").getroot().iter("testcase")  # noqa: S314
    }

    assert cases["test_bot[case0]"]["text.exact_match"] == "1"
    assert cases["test_bot[case7]"]["verdict"] == "FAIL"
    gate = cases["test_quality[text.exact_match >= 0.99]"]
    assert gate["verdict"] == "FAIL"
    assert gate["threshold"] == ">= 0.99"
    assert float(str(gate["score"])) < 0.99
    assert str(gate["interval"]).startswith("[0.")
    assert gate["n"] == "9/12"


def test_github_gets_a_summary_and_annotations_of_lines(
    run: Runner, suite_files: dict[str, str], tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    ran = run(
        files=suite_files,
        environment={
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(tmp_path),
            "GITHUB_STEP_SUMMARY": str(summary),
        },
    )
    commands = [line for line in ran.output.splitlines() if line.startswith("::error ")]

    assert commands[0].startswith("::error title=qa%3A text.exact_match >= 0.99 FAIL::")
    assert any("file=qa.jsonl,line=8,title=qa%3A case7 FAIL::" in line for line in commands)
    assert len(commands) == 3
    assert "FAIL · qa" in summary.read_text()


def test_what_does_not_fail_the_job_is_no_error_in_github(
    run: Runner, suite_files: dict[str, str]
) -> None:
    suite = """
import evalkit
qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match"], name="qa")

@qa.cases(must=["text.exact_match >= 1"])
def test_bot(case):
    return "a" + (case.id[4:] if case.id != "case7" else "?")

@qa.gates("text.exact_match >= 0.9")
def test_quality(evaluation):
    pass
"""
    project = '[tool.evalkit]\ninconclusive = "warn"\nquarantine = "quarantine.toml"\n'
    ran = run(
        files={
            **suite_files,
            "test_qa.py": suite,
            "pyproject.toml": project,
            "quarantine.toml": "[qa]\ncase7 = 2999-12-31\n",
        },
        environment={"GITHUB_ACTIONS": "true"},
    )
    commands = [line for line in ran.output.splitlines() if line.startswith("::")]

    assert ran.code == 0
    assert [command.split()[0] for command in commands] == ["::warning", "::notice"]
    assert "text.exact_match >= 0.9 INCONCLUSIVE" in commands[0]
    assert "case7 FAIL" in commands[1]


def test_the_terminal_shows_no_workflow_commands_elsewhere(
    run: Runner, suite_files: dict[str, str]
) -> None:
    ran = run(files=suite_files)

    assert "::error" not in ran.output
    assert "qa: FAIL · 12 cases (2 failed, 1 expected to fail, 1 skipped)" in ran.output
    assert "text.exact_match  0.8" in ran.output or "text.exact_match  0.9" in ran.output


def test_the_short_summary_says_why_a_case_failed(run: Runner, suite_files: dict[str, str]) -> None:
    failing = run(files=suite_files, environment={"COLUMNS": "200"})
    summary = [line for line in failing.output.splitlines() if line.startswith("FAILED ")]

    assert any("- Failed: text.exact_match >= 1: got 0" in line for line in summary)
    assert any("AssertionError: three is not four" in line for line in summary)
    assert failing.text("test_bot[case7]").count("text.exact_match >= 1: got 0") == 1


def test_junit_has_the_time_of_each_case(run: Runner) -> None:
    suite = """
import time
import evalkit
rows = [{"id": f"q{i}", "question": "?", "expected": "a"} for i in range(3)]
qa = evalkit.suite(rows, ["text.exact_match"])

@qa.cases(repeats=2)
def test_bot(case):
    time.sleep(0.02 * int(case.id[1:]))
    return "a"
"""
    ran = run("--junitxml=j.xml", files={"test_qa.py": suite})
    root = ET.parse(ran.folder / "j.xml").getroot()  # noqa: S314  our own file
    first, *others = (float(case.attrib["time"]) for case in root.iter("testcase"))

    assert first < 0.03
    assert all(n * 0.04 <= seconds < n * 0.04 + 0.5 for n, seconds in enumerate(others, 1))


def test_the_short_summary_of_a_worker_says_what_was_raised(run: Runner) -> None:
    broken = """
import evalkit
rows = [{"id": f"q{i}", "question": "?", "expected": "a"} for i in range(8)]
qa = evalkit.suite(rows, scorers=["text.exact_match"], name="qa")

@qa.cases()
def test_bot(case):
    raise RuntimeError("out of order")
"""
    ran = run(
        "-n2", files={"test_broken.py": broken}, plugins=("xdist",), environment={"COLUMNS": "200"}
    )
    summary = [line for line in ran.output.splitlines() if line.startswith("FAILED ")]

    assert len(summary) == 8
    assert all("RuntimeError: out of order" in line for line in summary)


def test_nothing_is_imported_printed_or_left_without_a_suite(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text("""
import sys

def test_nothing():
    loaded = [name for name in sys.modules if name.partition(".")[0] == "evalkit"]
    assert sorted(loaded) == [
        "evalkit",
        "evalkit.pytest_plugin",
        "evalkit.pytest_plugin.hooks",
        "evalkit.pytest_plugin.marks",
        "evalkit.pytest_plugin.options",
        "evalkit.suites",
        "evalkit.suites.options",
    ]
""")
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-pno:cacheprovider",
            "-pno:asyncio",
            "-pno:randomly",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 passed" in finished.stdout
    assert "evalkit" not in finished.stdout + finished.stderr


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "worker"])
def test_a_secret_of_the_environment_is_shown_nowhere(
    run: Runner, workers: tuple[str, ...]
) -> None:
    suite = """
import os
import evalkit
rows = [{"id": f"x{i}", "question": "?", "expected": "a"} for i in range(2)]
qa = evalkit.suite(rows, ["text.exact_match"], name="qa",
                   runtime=evalkit.Runtime(recordings="recordings"))

@qa.cases(version="1", must="text.exact_match >= 1")
def test_bot(case):
    key = os.environ["OPENAI_API_KEY"]
    if case.id == "x1":
        raise RuntimeError(f"refused: {key}")
    return key

@qa.gates("text.exact_match >= 0.5")
def test_gate(evaluation):
    assert os.environ["OPENAI_API_KEY"] == evaluation.name
"""
    key = "sk-0123456789abcdef0123456789"
    reports = [f"--evalkit-report=r.{end}" for end in ("md", "json", "html", "csv")]
    ran = run(
        "--evalkit=live", "--junitxml=j.xml", "-l", "-rA", *reports, *workers,
        files={"test_qa.py": suite},
        environment={"OPENAI_API_KEY": key},
        plugins=("xdist",),
    )  # fmt: skip

    assert "RuntimeError: refused: [secret]" in ran.output
    assert key not in ran.output
    texts = [path for path in ran.folder.rglob("*") if path.is_file()]
    assert [path.name for path in texts if key.encode() in path.read_bytes()] == []

"""Options of the command line and of the project."""

from collections.abc import Callable
from typing import Any

import pytest

Runner = Callable[..., Any]


def test_an_unknown_key_of_the_project_is_a_collection_error(
    run: Runner, suite_files: dict[str, str]
) -> None:
    ran = run(files={**suite_files, "pyproject.toml": "[tool.evalkit]\nrepeat = 2"})

    assert "[tool.evalkit] has no key 'repeat'. Did you mean 'repeats'?" in ran.output
    assert ran.reports == {}


def test_skipped_suites_read_no_data(run: Runner, suite_files: dict[str, str]) -> None:
    ran = run("--evalkit-skip", files={"test_qa.py": suite_files["test_qa.py"]})

    assert ran.outcomes == {"test_bot[skipped]": "skipped", "test_quality[skipped]": "skipped"}


def test_a_sample_is_drawn_by_the_seed_and_repeats_are_run(
    run: Runner, suite_files: dict[str, str]
) -> None:
    drawn = ("--evalkit-sample=0.25", "--evalkit-repeats=2", "--evalkit-seed=5")
    first = run(*drawn, files=suite_files)
    (first.folder / "calls.log").unlink()
    second = run(*drawn)

    assert len(first.calls) == 6
    assert len(set(first.calls)) == 3
    assert second.calls == first.calls
    assert first.outcomes["test_quality[coverage >= 0.5]"] != "skipped"


BUDGET = """
import evalkit
rows = [{"id": f"x{i}", "question": str(i), "expected": "a"} for i in range(4)]
quick = evalkit.Runtime(concurrency=1)
first = evalkit.suite(rows, ["text.exact_match"], name="first", runtime=quick)
second = evalkit.suite(rows, ["text.exact_match"], name="second", runtime=quick)

@first.cases()
def test_first(case):
    return evalkit.Output("a", cost=1.0)

@second.cases()
def test_second(case):
    return evalkit.Output("a", cost=1.0)
"""


def test_a_budget_is_shared_by_the_suites_of_a_session(run: Runner) -> None:
    ran = run("--evalkit-budget=6", files={"test_two.py": BUDGET})

    assert list(ran.outcomes.values()).count("passed") == 6
    assert {ran.outcomes[f"test_first[x{i}]"] for i in range(4)} == {"passed"}
    assert "BUDGET" in ran.output


def test_reruns_are_counted_against_the_budget(run: Runner) -> None:
    suite = """
import evalkit
rows = [{"id": f"x{i}", "question": str(i), "expected": "a"} for i in range(4)]
quick = evalkit.Runtime(concurrency=1, store=False)
wrong = evalkit.suite(rows, ["text.exact_match"], name="wrong", runtime=quick)

@wrong.cases(must=["text.exact_match >= 0.5"])
def test_wrong(case):
    with open("calls.log", "a") as log:
        log.write(case.id + "\\n")
    return evalkit.Output("wrong", cost=1.0)
"""
    ran = run(
        "--evalkit-budget=6",
        "--reruns=3",
        files={"test_wrong.py": suite},
        plugins=("rerunfailures",),
    )

    assert len(ran.calls) == 6
    assert set(ran.outcomes.values()) == {"failed"}
    assert "BUDGET" in ran.text("test_wrong[x3]")


def test_reports_of_several_suites_have_their_names(run: Runner) -> None:
    ran = run("--evalkit-report=out/r.md", "--evalkit-report=r.json", files={"test_two.py": BUDGET})

    assert sorted(path.name for path in (ran.folder / "out").iterdir()) == [
        "r-first.md",
        "r-second.md",
    ]
    assert (ran.folder / "r-first.json").is_file()
    assert "report: out/r-first.md" in ran.output
    assert "first: no gate · 4 cases · $4.0000" in ran.output


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ("r.docx", "No report is written as '.docx'"),
        ("results.sarif", "No report is written as '.sarif'"),
        ("test_two.py/r.md", "Cannot write test_two.py/r.md"),
    ],
)
def test_a_report_that_cannot_be_written_is_an_error_before_anything_is_called(
    run: Runner, report: str, why: str
) -> None:
    ran = run(f"--evalkit-report={report}", files={"test_two.py": BUDGET})

    assert why in ran.output
    assert ran.code != 0
    assert "passed" not in ran.output
    assert "$" not in ran.output  # what every call costs


def test_replay_needs_a_version_of_what_answers(run: Runner, suite_files: dict[str, str]) -> None:
    suite = """
import evalkit, pathlib
qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match"],
                   runtime=evalkit.Runtime(recordings="recordings"))

@qa.cases(VERSION)
def test_bot(case):
    with pathlib.Path("calls.log").open("a") as log:
        log.write(case.id + "\\n")
    return "a"
"""
    refused = run(
        "--evalkit=replay", files={**suite_files, "test_qa.py": suite.replace("VERSION", "")}
    )
    versioned = suite.replace("VERSION", "version='1'")
    recorded = run("--evalkit=live", files={"test_qa.py": versioned})
    (recorded.folder / "calls.log").unlink()
    replayed = run("--evalkit=replay")

    first, *others = refused.outcomes.values()
    assert (first, set(others)) == ("error", {"skipped"})
    assert "version" in refused.text("test_bot[case0]")
    assert set(recorded.outcomes.values()) == {"passed"}
    assert set(replayed.outcomes.values()) == {"passed"}
    assert not (recorded.folder / "calls.log").exists()

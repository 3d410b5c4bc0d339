"""Options of the command line and of the project."""

from collections.abc import Callable
from pathlib import Path
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


def test_reruns_are_counted_against_the_budget_and_leave_the_first_answer(run: Runner) -> None:
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
    assert "was not run" not in ran.output
    assert "outputs: wrong" in ran.text("test_wrong[x3]")
    assert "wrong: FAIL · 4 cases (4 failed) · $4.0000" in ran.output
    assert "$6.0000 were spent in all, reruns included" in ran.output


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


SVC = """
import evalkit
qa = evalkit.suite(DATA, scorers=["text.exact_match"], name="NAME",
                   runtime=evalkit.Runtime(recordings="tests/recordings"))

@qa.cases(version="1")
def test_NAME(case):
    return "a"

@qa.gates("no_regression(text.exact_match, margin=0.5)")
def test_NAME_gate(evaluation):
    assert len(evaluation) == NUMBER
"""


@pytest.mark.parametrize(
    ("arguments", "data"),
    [((), '"tests/qa.jsonl"'), (("a",), '"tests/*.jsonl"'), (("a", "b"), '["tests/qa.jsonl"]')],
    ids=["all", "one", "both"],
)
def test_paths_of_a_suite_start_from_the_project_of_its_file(
    run: Runner, arguments: tuple[str, ...], data: str, tmp_path: Path
) -> None:
    for name, number in (("a", 12), ("b", 14)):
        (tmp_path / name / "tests").mkdir(parents=True)
        (tmp_path / name / "pyproject.toml").write_text("[tool.evalkit]\n")
        rows = "".join(
            f'{{"id": "c{i}", "question": "{i}", "expected": "a"}}\n' for i in range(number)
        )
        (tmp_path / name / "tests" / "qa.jsonl").write_text(rows)
        suite = SVC.replace("NAME", name).replace("NUMBER", str(number)).replace("DATA", data)
        (tmp_path / name / "tests" / f"test_{name}.py").write_text(suite)
    ran = run(*arguments, files={"pyproject.toml": ""})

    errors = {name for name, outcome in ran.outcomes.items() if outcome == "failed"}
    assert "test_a[c11]" in ran.outcomes
    assert all("no_regression" in name for name in errors)
    assert (tmp_path / "a" / "tests" / "recordings").is_dir()
    assert not (tmp_path / "tests").exists()


def test_a_path_that_the_current_folder_alone_has_is_taken(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "pyproject.toml").write_text("")
    suite = SVC.replace("DATA", '"qa.jsonl"').replace("NAME", "a").replace("NUMBER", "1")
    (tmp_path / "a" / "test_a.py").write_text(suite)
    row = '{"id": "c0", "question": "0", "expected": "a"}'

    assert run("a", files={"qa.jsonl": row}).outcomes["test_a[c0]"] == "passed"


QUARANTINE = """
[qa]
"case3" = 2099-01-01
"case77" = 2099-01-01
[qas]
"x" = 2099-01-01
[elsewhere]
"x" = 2099-01-01
"""


@pytest.mark.parametrize(
    ("arguments", "is_said"), [((), True), (("test_qa.py",), False)], ids=["whole", "one-file"]
)
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_what_the_quarantine_names_in_vain_is_said(
    run: Runner,
    suite_files: dict[str, str],
    arguments: tuple[str, ...],
    workers: tuple[str, ...],
    *,
    is_said: bool,
) -> None:
    project = '[tool.evalkit]\nquarantine = "q.toml"'
    ran = run(
        *arguments,
        *workers,
        files={**suite_files, "pyproject.toml": project, "q.toml": QUARANTINE},
        plugins=("xdist",),
    )

    assert ran.outcomes["test_bot[case3]"] == "xfailed"
    assert (
        ran.output.count("quarantine: suite 'qa' has no case 'case77'. Did you mean 'case7'?") == 1
    )
    assert "quarantine: there is no suite 'qas'. Did you mean 'qa'?" in ran.output
    assert ("there is no suite 'elsewhere'" in ran.output) is is_said


def test_a_suite_without_its_data_is_one_line(run: Runner, suite_files: dict[str, str]) -> None:
    files = {name: text for name, text in suite_files.items() if not name.endswith(".jsonl")}
    project = '[tool.evalkit]\nquarantine = "q.toml"'

    ran = run(files={**files, "pyproject.toml": project, "q.toml": QUARANTINE})

    assert "there is no such file" in ran.output
    assert "INTERNALERROR" not in ran.output


@pytest.mark.parametrize(
    ("project", "why"),
    [
        ("modee = 3", "[tool.evalkit] has no key 'modee'"),
        ("quarantine = 'q.toml'", "Cannot read"),
        ("budget = 'much'", "[tool.evalkit] budget = 'much'"),
    ],
)
def test_a_wrong_option_is_one_clear_line(
    run: Runner, suite_files: dict[str, str], project: str, why: str
) -> None:
    files = {**suite_files, "pyproject.toml": f"[tool.evalkit]\n{project}"}
    ran = run(files=files, environment={"COLUMNS": "250"})

    (line,) = [line for line in ran.output.splitlines() if line.startswith("ERROR test_qa.py")]
    assert why in line
    assert "Traceback" not in ran.output


def test_a_summary_that_cannot_be_written_is_an_error_before_anything_is_called(
    run: Runner,
) -> None:
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "/proc/nowhere/summary.md"}
    ran = run(files={"test_two.py": BUDGET}, environment=github)

    assert "Cannot write /proc/nowhere/summary.md" in ran.output
    assert "passed" not in ran.output


def test_the_options_stand_under_a_heading_of_their_own(run: Runner) -> None:
    assert "evalkit (evaluation suites):" in run("--help").output


def test_an_async_body_of_a_gate_is_refused_before_anything_is_called(
    run: Runner, suite_files: dict[str, str]
) -> None:
    suite = suite_files["test_qa.py"].replace("def test_quality", "async def test_quality")
    ran = run(files={**suite_files, "test_qa.py": suite})

    assert "the body of a gate cannot be async" in ran.output
    assert not (ran.folder / "calls.log").exists()

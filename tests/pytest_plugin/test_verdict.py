"""One verdict for terminal, summary, comment and stored run: never greener than pytest."""

from collections.abc import Callable
from typing import Any

import pytest

import evalkit
from evalkit.evaluation.result import EvaluationResult

Runner = Callable[..., Any]

CASES = """
import evalkit
rows = [{"id": f"q{i}", "question": f"{i}?", "expected": "a"} for i in range(30)]
qa = evalkit.suite(rows, ["text.exact_match"], name="qa")

@qa.cases(must="text.exact_match >= 1")
def test_bot(case):
    return "a" if case.id not in WRONG else "the wrong answer"

@qa.gates(GATE)
def test_quality(evaluation):
    BODY
"""


def suite(*, wrong: str = "()", gate: str = "'text.exact_match >= 0.1'", body: str = "pass") -> str:
    return CASES.replace("WRONG", wrong).replace("GATE", gate).replace("BODY", body)


def shown(run: Runner, source: str, *arguments: str, **files: str) -> tuple[Any, str, str]:
    ran = run(
        "--evalkit-report=comment.md",
        "--evalkit-report=report.json",
        *arguments,
        files={"test_qa.py": source, **{k.replace("_", "."): v for k, v in files.items()}},
        environment={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary.md"},
    )
    comment = (ran.folder / "comment.md").read_text()
    return ran, comment, (ran.folder / "summary.md").read_text()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        pytest.param(suite(wrong="{'q3', 'q7'}"), "28 of 30 passed", id="cases"),
        pytest.param(suite(gate="'text.rouge >= 0.5'"), "text.rouge", id="misspelt metric"),
        pytest.param(suite(gate="'worst(text.exact_match, by=x) >= 0'"), "x", id="no such tag"),
        pytest.param(suite(body="assert 1 == 2, 'no'"), "body of test_quality", id="body"),
    ],
)
def test_what_fails_in_pytest_fails_in_summary_and_comment(
    run: Runner, source: str, why: str
) -> None:
    ran, comment, summary = shown(run, source)

    assert ran.code == 1
    assert "✅ PASS" not in (comment + summary).splitlines()[1]
    assert "## ❌ FAIL · qa" in comment
    assert "## ❌ FAIL · qa" in summary
    assert why in comment.replace("\\", "")
    assert "qa: FAIL" in ran.output
    assert "::error " in ran.output
    assert '"FAIL"' in (ran.folder / "report.json").read_text()


def test_what_passes_in_pytest_passes_in_the_comment(run: Runner) -> None:
    ran, comment, _ = shown(run, suite())

    assert ran.code == 0
    assert comment.startswith("<!-- evalkit: qa -->\n## ✅ PASS · qa")
    assert "30 of 30 passed" in comment


def test_an_error_of_a_fixture_is_no_pass(run: Runner) -> None:
    broken = (
        suite()
        + """
import pytest

@pytest.fixture(scope="session", autouse=True)
def server():
    yield
    raise OSError("did not stop")
"""
    )
    ran, comment, _ = shown(run, broken)

    assert ran.code == 1
    assert "did not stop" in comment
    assert "PASS · qa" not in comment


def test_quarantine_and_flakes_are_in_the_comment(run: Runner) -> None:
    project = '[tool.evalkit]\nquarantine = "q.toml"\n'
    ran, comment, _ = shown(
        run, suite(wrong="{'q3'}"), pyproject_toml=project, q_toml="[qa]\nq3 = 2999-01-01\n"
    )

    assert ran.code == 0
    assert "1 in quarantine (q3)" in comment.replace("\\", "")
    assert "## ✅ PASS" in comment


def test_a_rerun_that_passes_passes(run: Runner) -> None:
    pytest.importorskip("pytest_rerunfailures")
    flaky = suite().replace(
        'return "a" if',
        "import pathlib\n    seen = pathlib.Path(case.id)\n    first = not seen.exists()\n"
        '    seen.touch()\n    return "b" if first and case.id == "q3" else "a" if',
    )
    ran = run(
        "--reruns=1",
        "--evalkit-report=comment.md",
        files={"test_qa.py": flaky},
        plugins=("rerunfailures",),
    )

    assert ran.code == 0
    assert "30 of 30 passed" in (ran.folder / "comment.md").read_text()


def test_the_stored_run_has_the_verdict_of_the_session(run: Runner) -> None:
    ran = run(files={"test_qa.py": suite(wrong="{'q3'}")})
    with evalkit.tracking.use_place(  # the store of the session
        evalkit.tracking.Place(f"sqlite:///{ran.folder}/evalkit.db")
    ):
        result = EvaluationResult.load("latest")

    assert str(result.verdict.status) == "FAIL"
    assert result.verdict.conditions[-1].condition == "cases"


def test_two_suites_of_one_name_are_told_apart(run: Runner) -> None:
    ran = run(
        "--evalkit-report=out.md", files={"test_a.py": suite(wrong="{'q1'}"), "test_b.py": suite()}
    )
    comments = {path.name: path.read_text() for path in ran.folder.glob("out*.md")}

    assert len(comments) == 2
    assert sum("❌ FAIL" in text for text in comments.values()) == 1
    assert sum("✅ PASS" in text for text in comments.values()) == 1
    assert sorted("test_a" in name for name in comments) == [False, True]
    assert "qa (test_a.py" in ran.output
    assert "qa (test_b.py" in ran.output


def test_a_failure_shows_question_answer_expectation_and_reason(run: Runner) -> None:
    judged = """
import evalkit
rows = [{"id": "q1", "question": "Which capital?", "expected": "Paris"}]

@evalkit.scorer
def right(outputs, expectations):
    return evalkit.Score(0.0, explanation="It names another city.")

qa = evalkit.suite(rows, [right], name="qa")

@qa.cases(must="right >= 1")
def test_bot(case):
    return "Rome, surely"
"""
    ran, comment, _ = shown(run, judged, "--junitxml=junit.xml")
    junit = (ran.folder / "junit.xml").read_text()
    for text in (ran.text("test_bot[q1]"), comment, junit, ran.output.partition("::error ")[2]):
        for words in ("Which capital?", "Paris", "Rome, surely", "It names another city"):
            assert words in text.replace("\\", "")

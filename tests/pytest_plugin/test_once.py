"""A suite runs once, whatever ends it, and what cannot run is one error with a list."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from evalkit.evaluation.running.execute import execute

Runner = Callable[..., Any]

ROWS = 'rows = [{"id": f"q{i}", "question": f"{i}?", "expected": "a"} for i in range(40)]\n'
ODD = f"""
import evalkit, time
{ROWS}
class Odd(BaseException):
    pass

@evalkit.scorer
def odd(outputs):
    raise RAISED

qa = evalkit.suite(rows, [odd], name="qa", runtime=evalkit.Runtime(store=False))

@qa.cases()
def test_bot(case):
    with open("calls.log", "a") as log:
        log.write(case.id + "\\n")
    return "a"

@qa.gates("coverage >= 0.5")
def test_quality(evaluation):
    pass
"""


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("raised", ["Odd()", "GeneratorExit()", "MemoryError()", "SystemExit(3)"])
def test_whatever_a_scorer_raises_no_case_is_called_twice(
    run: Runner, raised: str, workers: int
) -> None:
    ran = run(
        *([f"-n{workers}"] if workers else []),
        files={"test_qa.py": ODD.replace("RAISED", raised)},
        plugins=("xdist",) if workers else (),
    )

    assert len(ran.calls) == 40
    assert ran.code == 1
    assert "qa: PASS" not in ran.output


def test_what_was_spent_before_the_end_counts_against_the_budget(run: Runner) -> None:
    body = 'return evalkit.Output("a", cost=0.5)'
    paid = ODD.replace("RAISED", "Odd()").replace('return "a"', body)
    second = paid.replace('name="qa"', 'name="second"')
    ran = run(
        "--evalkit-budget=20",
        files={"test_a.py": paid, "test_b.py": second.replace("[odd]", '["text.exact_match"]')},
    )

    assert len(ran.calls) == 40
    assert "second: " in ran.output
    assert "BUDGET" in ran.output


SLOW = f"""
import evalkit, time
{ROWS}
qa = evalkit.suite(rows, ["text.exact_match"], name="qa", runtime=evalkit.Runtime(store=False))

@qa.cases(must="text.exact_match >= 1")
def test_bot(case):
    with open("calls.log", "a") as log:
        log.write(case.id + "\\n")
    time.sleep(5 if case.id == "q3" else 0.15)
    return "a"
"""


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_the_time_limit_of_a_test_is_that_of_each_case(run: Runner, method: str) -> None:
    pytest.importorskip("pytest_timeout")
    ran = run(
        "--timeout=0.6",
        f"--timeout-method={method}",
        files={"test_qa.py": SLOW},
        plugins=("timeout",),
    )

    assert len(ran.calls) == 40
    assert [name for name, outcome in ran.outcomes.items() if outcome != "passed"] == [
        "test_bot[q3]"
    ]
    assert "No answer within 0.6 s" in ran.text("test_bot[q3]")


RECORDED = """
import evalkit
rows = [{"id": f"q{i}", "question": f"{i}?", "expected": "a"} for i in range(120)]
qa = evalkit.suite(rows, ["text.exact_match"], name="qa",
                   runtime=evalkit.Runtime(recordings="recordings", store=False))

@qa.cases(version="v1")
def test_bot(case):
    with open("calls.log", "a") as log:
        log.write(case.id + "\\n")
    return "a"

@qa.gates("text.exact_match >= 0.5")
def test_quality(evaluation):
    pass
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_missing_recordings_are_one_error_with_a_count_and_a_list(
    run: Runner, workers: int
) -> None:
    ran = run(
        *([f"-n{workers}"] if workers else []),
        "--evalkit=replay",
        "--evalkit-report=comment.md",
        "--junitxml=junit.xml",
        files={"test_qa.py": RECORDED},
        environment={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary.md"},
        plugins=("xdist",) if workers else (),
    )
    outcomes = list(ran.outcomes.values())
    comment = (ran.folder / "comment.md").read_text()
    cases = list(ET.parse(ran.folder / "junit.xml").getroot().iter("testcase"))  # noqa: S314

    assert ran.code == 1
    assert (outcomes.count("error"), outcomes.count("skipped")) == (1, 121)
    assert len(ran.output.splitlines()) <= 200
    assert "120 of 120 cases have no recording" in ran.output
    assert ran.output.count("::error ") == 1
    assert "q77" in comment
    assert "ERROR" in comment
    assert "120 of 120" in (ran.folder / "summary.md").read_text()
    assert sum(case.find("error") is not None for case in cases) == 1
    assert (ran.folder / "junit.xml").stat().st_size < 100_000


def test_only_the_cases_without_a_recording_are_named(run: Runner) -> None:
    run(files={"test_qa.py": RECORDED})
    ran = run(
        "--evalkit=replay",
        "--evalkit-report=comment.md",
        files={"test_qa.py": RECORDED.replace('f"{i}?"', 'f"{i}?" if i % 50 else f"{i} new?"')},
    )
    bad = [name for name, outcome in ran.outcomes.items() if outcome != "passed"]
    comment = (ran.folder / "comment.md").read_text().replace("\\", "")

    assert ran.code == 1
    assert bad == [f"test_bot[q{i}]" for i in (0, 50, 100)] + [
        "test_quality[text.exact_match >= 0.5]",  # less than 98 % were answered
        "test_quality[body]",
    ]
    for text in (ran.output, comment):
        assert "3 calls are not recorded (q0, q50, q100). Case q0: " in text
        assert "no recording in recordings has these inputs" in text
    assert len(ran.output.splitlines()) <= 60


TALK = RECORDED.replace('"id"', '"session": i // 3, "turn": i % 3, "id"')


@pytest.mark.parametrize("missing", ["q3", "q4", "q5"])
def test_turns_after_a_missing_recording_are_missing_too(run: Runner, missing: str) -> None:
    run(files={"test_qa.py": TALK})
    changed = TALK.replace('f"{i}?"', f'f"{{i}}?" if i != {missing[1:]} else "new?"')
    ran = run("--evalkit=replay", files={"test_qa.py": changed})
    errors = [name for name, outcome in ran.outcomes.items() if outcome == "error"]

    assert errors[: 6 - int(missing[1:])] == [f"test_bot[q{i}]" for i in range(int(missing[1:]), 6)]


def test_the_notes_of_a_folder_that_may_only_be_read_are_done_without(
    run: Runner, tmp_path: Path
) -> None:
    run(files={"test_qa.py": RECORDED})
    used = tmp_path / "recordings" / ".used"
    shutil.rmtree(used)
    used.touch()  # where no folder can be made, whoever runs this
    ran = run("--evalkit=replay")

    assert ran.code == 0
    assert "120 of 120 outputs replayed" in ran.output
    assert "be recorded" not in ran.output


def test_a_rerun_does_not_turn_a_suite_that_cannot_run_green(run: Runner) -> None:
    pytest.importorskip("pytest_rerunfailures")
    ran = run(
        "--reruns=2", "--evalkit=replay", files={"test_qa.py": RECORDED}, plugins=("rerunfailures",)
    )

    assert ran.code == 1
    assert "qa: ERROR" in ran.output


def test_sigterm_ends_an_evaluation_as_ctrl_c_does() -> None:
    import os
    import signal

    import evalkit
    from evalkit.errors import InterruptedRunError
    from evalkit.evaluation.evaluate import open_job
    from evalkit.evaluation.running.request import Request

    def answer(question: str) -> str:
        if question == "3":
            os.kill(os.getpid(), signal.SIGTERM)
        return question

    @evalkit.scorer
    def same(outputs: str) -> bool:
        return bool(outputs)

    rows = [{"question": str(n)} for n in range(200)]
    runtime = evalkit.Runtime(store=False, concurrency=1)
    job = open_job(Request(model=answer, data=rows, scorers=[same], runtime=runtime))
    with pytest.raises(InterruptedRunError):
        execute(job)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_an_interrupted_suite_says_how_far_it_came(run: Runner) -> None:
    suite = """
import os, signal, time
import evalkit
rows = [{"id": f"x{i}", "question": str(i), "expected": "a"} for i in range(40)]
long = evalkit.suite(rows, ["text.exact_match"], name="long",
                     runtime=evalkit.Runtime(concurrency=1, store=False))

@long.cases()
def test_long(case):
    if case.id == "x3":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
    return "a"

@long.gates("text.exact_match >= 0.5")
def test_gate(evaluation):
    pass
"""
    ran = run(files={"t_test.py": suite})

    assert ran.code == pytest.ExitCode.INTERRUPTED
    assert re.search(r"long: interrupted after \d+ of 40 cases; run it again", ran.output)
    assert "PASS" not in ran.output

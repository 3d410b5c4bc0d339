"""The pytest plug-in, in real pytest processes: native items, gates, xdist, and silence."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

QA = "\n".join(
    f'{{"id": "case{i}", "question": "q{i}", "expected": "a{i}"}}' for i in range(12)
)
SUITE = """
import os, time
import evalkit
import pytest

qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match", "text.token_f1"], name="qa")

@pytest.fixture(scope="session")
def prefix():
    return "a"

@qa.cases(must=["text.exact_match >= 1"])
def test_bot(case, prefix):
    with open("calls.log", "a") as log:
        log.write(case.id + "\\n")
    number = int(case.inputs["question"][1:])
    if number == 3:
        assert number == 4, "three is not four"
    if number == 5:
        pytest.skip("no fives")
    return prefix + str(number if number != 7 else 0)

@qa.gates("text.exact_match >= 0.99", "coverage >= 0.5", "text.token_f1 >= 0.1 @ point")
def test_quality(evaluation):
    assert evaluation["text.exact_match"].n_total == 12
"""


def run(folder: Path, *arguments: str, **files: str) -> str:
    """Run pytest in *folder* on *files* and return what it printed."""
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-q", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.stdout + finished.stderr


def outcomes(output: str) -> dict[str, str]:
    """Return the outcome of each item that pytest's summary names."""
    found = re.findall(r"^(PASSED|FAILED|SKIPPED|ERROR) (?:\[\d+\] )?(\S+::[^\n]*?\]|\S+)", output, re.M)
    return {name.partition("::")[2] or name: word for word, name in found}


def calls(folder: Path) -> Sequence[str]:
    """Return the cases whose body ran, in any order."""
    return sorted((folder / "calls.log").read_text().split())


@pytest.mark.parametrize("processes", ["0", "2"])
def test_cases_and_gates_are_native_items(tmp_path: Path, processes: str) -> None:
    output = run(tmp_path, "-n", processes, qa__jsonl=QA, test_qa__py=SUITE)
    found = outcomes(output)

    assert found["test_bot[case0]"] == "PASSED"
    assert found["test_bot[case3]"] == "FAILED"
    assert found["test_bot[case7]"] == "FAILED"
    assert found["test_quality[text.exact_match >= 0.99]"] == "FAILED"
    assert found["test_quality[coverage >= 0.5]"] == "PASSED"
    assert found["test_quality[text.token_f1 >= 0.1 @ point]"] == "PASSED"
    assert found["test_quality[body]"] == "PASSED"
    assert "three is not four" in output
    assert "text.exact_match >= 1: got 0" in output
    assert "no fives" in output
    assert calls(tmp_path) == sorted(f"case{i}" for i in range(12))


def test_both_ways_of_running_give_equal_outcomes(tmp_path: Path) -> None:
    found: list[dict[str, str]] = []
    for processes in ("0", "2"):
        folder = tmp_path / processes
        folder.mkdir()
        found.append(outcomes(run(folder, "-n", processes, qa__jsonl=QA, test_qa__py=SUITE)))

    assert found[0] == found[1]
    assert len(found[0]) >= 15


def test_a_selection_runs_only_its_cases_and_skips_the_gates(tmp_path: Path) -> None:
    output = run(
        tmp_path, "-k", "case1 or quality", qa__jsonl=QA, test_qa__py=SUITE
    )

    assert calls(tmp_path) == ["case1", "case10", "case11"]
    assert "only 3 of 12 cases of the suite were selected" in output
    assert "3 passed" in output


def test_bodies_run_concurrently(tmp_path: Path) -> None:
    suite = """
import threading, evalkit
barrier = threading.Barrier(6, timeout=60)
qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match"],
                   runtime=evalkit.Runtime(concurrency=6))

@qa.cases()
def test_bot(case):
    barrier.wait()
    return "x"
"""
    assert "12 passed" in run(tmp_path, qa__jsonl=QA, test_qa__py=suite)


def test_async_bodies_repeats_and_min_pass(tmp_path: Path) -> None:
    suite = """
import asyncio, evalkit
seen = {}
qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match"])

@qa.cases(must="text.exact_match >= 1", repeats=3, min_pass=2)
async def test_bot(case):
    await asyncio.sleep(0)
    seen[case.id] = seen.get(case.id, 0) + 1
    right = case.expectations["target"] if "target" in case.expectations else None
    wrong_often = case.id == "case2" and seen[case.id] < 3
    wrong_once = case.id == "case4" and seen[case.id] == 1
    return "no" if wrong_often or wrong_once else case.target
"""
    output = run(tmp_path, qa__jsonl=QA, test_qa__py=suite)

    assert outcomes(output)["test_bot[case2]"] == "FAILED"
    assert outcomes(output)["test_bot[case4]"] == "PASSED"
    assert "(1 of 3, 2 needed)" in output


def test_stored_outputs_can_be_gated_without_a_function_of_cases(tmp_path: Path) -> None:
    rows = '{"question": "q", "expected": "a", "output": "a"}\n' * 40
    suite = """
import evalkit
qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match"])

@qa.gates("text.exact_match >= 0.9")
def test_quality(evaluation):
    assert len(evaluation) == 40
"""
    assert "2 passed" in run(tmp_path, qa__jsonl=rows, test_qa__py=suite)


@pytest.mark.parametrize(
    ("suite", "text"),
    [
        pytest.param(
            "@qa.cases()\ndef test_a(case, tmp_path): return 'x'",
            "fixture 'tmp_path' has function scope",
            id="function-scoped-fixture",
        ),
        pytest.param(
            "@qa.gates('text.exact_match > 0')\ndef test_a(evaluation): pass",
            "nothing to gate",
            id="no-outputs",
        ),
        pytest.param(
            "@qa.gates('text.exact_match >')\ndef test_a(evaluation): pass",
            "expected a number",
            id="gate-syntax",
        ),
    ],
)
def test_mistakes_are_collection_errors(tmp_path: Path, suite: str, text: str) -> None:
    head = "import evalkit\nqa = evalkit.suite('qa.jsonl', scorers=['text.exact_match'])\n"
    output = run(tmp_path, qa__jsonl=QA, test_qa__py=head + suite)

    assert text in output
    assert "1 error" in output


def test_missing_data_is_a_collection_error(tmp_path: Path) -> None:
    suite = """
import evalkit
qa = evalkit.suite("gone.jsonl", scorers=["text.exact_match"])

@qa.cases()
def test_a(case):
    return "x"
"""
    output = run(tmp_path, test_qa__py=suite)

    assert "gone.jsonl" in output
    assert "1 error" in output


def test_junit_has_the_scores(tmp_path: Path) -> None:
    run(tmp_path, "--junitxml=out.xml", qa__jsonl=QA, test_qa__py=SUITE)

    assert 'name="text.exact_match" value="1"' in (tmp_path / "out.xml").read_text()


def test_nothing_is_imported_printed_or_left_without_a_suite(tmp_path: Path) -> None:
    test = """
import sys

def test_nothing():
    loaded = [name for name in sys.modules if name.partition(".")[0] == "evalkit"]
    assert sorted(loaded) == ["evalkit", "evalkit.pytest_plugin", "evalkit.pytest_plugin.door"]
"""
    output = run(tmp_path, test_plain__py=test)

    assert "1 passed" in output
    assert "evalkit" not in output


def test_a_session_leaves_no_folder_behind(tmp_path: Path) -> None:
    def folders() -> set[Path]:
        return set(Path(tempfile.gettempdir()).glob("evalkit-suites-*"))

    before = folders()
    run(tmp_path, "-n", "2", qa__jsonl=QA, test_qa__py=SUITE)

    assert folders() <= before

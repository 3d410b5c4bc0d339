"""A run killed at any moment is finished by `resume`: equal scores, hardly a call repeated."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import evalkit
from evalkit.engine.journal import RunLock
from evalkit.errors import UsageError
from evalkit.evaluation.results.loading import find_folder

NOTHING = evalkit.Runtime(budget={"target": {"calls": 0}})
CASES = 60
CONCURRENCY = 8
PROGRAM = Path(__file__).with_name("killable.py")
MOMENTS = 50 if os.environ.get("EVALKIT_TEST_FULL") else 8


def _start(folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROGRAM, folder / "killable.py")
    return subprocess.Popen(
        [sys.executable, "killable.py", str(CASES), str(CONCURRENCY)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _resume(folder: Path, name: str = "killed") -> subprocess.CompletedProcess[str]:
    shutil.copy(PROGRAM, folder / "killable.py")
    code = f"import evalkit; print(evalkit.resume({name!r}).run_id)"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def _calls(folder: Path) -> Counter[str]:
    log = folder / "calls.log"
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


def _scores(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[object]]:
    monkeypatch.chdir(folder)
    evalkit.tracking.set_tracking_uri(None)
    table = pq.read_table(find_folder("killed").scores).to_pydict()
    return {name: [repr(value) for value in values] for name, values in table.items()}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A folder where the program ran to its end, and the seconds that it took."""
    folder = tmp_path_factory.mktemp("whole")
    started = time.monotonic()
    program = _start(folder)
    _, errors = program.communicate()
    assert program.returncode == 0, errors.decode()
    return folder, time.monotonic() - started


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_killed_run_resumes_to_equal_scores(
    moment: int, uninterrupted: tuple[Path, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, seconds = uninterrupted
    folder = tmp_path / "run"
    generator = random.Random(moment)  # noqa: S311  no secret
    # Half of the moments lie between two calls, half anywhere from start-up to the last file.
    after_calls = generator.randint(1, 2 * CASES) if moment % 2 else 3 * CASES
    program = _start(folder)
    kills = 0
    deadline = time.monotonic() + seconds * (3.0 if moment % 2 else generator.uniform(0.3, 1.0))
    while time.monotonic() < deadline and program.poll() is None:
        if _calls(folder).total() >= after_calls:
            break
        time.sleep(0.0005)
    if program.poll() is None:
        program.send_signal(signal.SIGKILL)
        kills += 1
    program.communicate()
    began = (folder / "calls.log").exists()

    finished = _resume(folder)
    if finished.returncode and not began:
        # Killed before the run was in the store: there is nothing to resume, and nothing broken.
        assert "killed" in finished.stderr
        program = _start(folder)
        program.communicate()
    elif finished.returncode:
        assert "is complete" in finished.stderr, finished.stderr

    assert _scores(folder, monkeypatch) == _scores(whole, monkeypatch)
    calls = _calls(folder)
    assert set(calls) == set(_calls(whole))
    assert calls.total() <= 2 * CASES + CONCURRENCY * kills
    assert max(calls.values()) <= 1 + kills


def test_a_complete_run_is_not_resumed(uninterrupted: tuple[Path, float]) -> None:
    finished = _resume(uninterrupted[0])

    assert finished.returncode != 0
    assert "is complete; there is nothing to resume" in finished.stderr


def test_a_living_run_is_not_resumed_by_another_process(folder: Path) -> None:
    rows = [{"question": "q", "expected": "yes"}]
    shutil.copy(PROGRAM, folder / "killable.py")
    stopped = evalkit.evaluate(
        "killable:bot", rows, "text.exact_match", name="note", runtime=NOTHING
    )
    assert stopped.run_id is not None
    status = evalkit.tracking.get_run(stopped.run_id).info.status
    lock = RunLock(stopped.folder.path, "note")
    try:
        finished = _resume(folder, "note")
    finally:
        lock.release()

    assert finished.returncode != 0
    assert f"is being written by process {os.getpid()}" in finished.stderr
    assert evalkit.tracking.get_run(stopped.run_id).info.status is status
    assert _resume(folder, "note").returncode == 0


def test_a_notebook_function_resumes_in_its_own_program() -> None:
    rows = [{"question": f"q{i}", "expected": "yes"} for i in range(20)]
    seen: list[str] = []

    def bot(question: str) -> str:
        seen.append(question)
        return "yes"

    budget = evalkit.Runtime(concurrency=2, budget={"target": {"calls": 7}})
    first = evalkit.evaluate(bot, rows, "text.exact_match", name="note", runtime=budget)
    assert first.verdict.status == "BUDGET"
    assert first["text.exact_match"].n_not_run > 0

    raised = evalkit.Runtime(resume="note", budget={"target": {"calls": 100}})
    result = evalkit.evaluate(bot, rows, "text.exact_match", runtime=raised)

    assert result.verdict.status == "NONE"
    assert result["text.exact_match"].n_scored == 20
    assert Counter(seen) == Counter(row["question"] for row in rows)
    RunLock(result.folder.path, "note").release()  # it is free


def test_a_resume_with_another_scorer_is_refused() -> None:
    rows = [{"question": "q", "expected": "yes"}]

    def bot(question: str) -> str:
        return question

    evalkit.evaluate(bot, rows, "text.exact_match", name="note", runtime=NOTHING)

    with pytest.raises(UsageError, match=r"'text\.exact_match' is not what the run was started"):
        evalkit.evaluate(bot, rows, "text.token_f1", runtime=evalkit.Runtime(resume="note"))

"""Full disks, read-only folders, Ctrl-C, two processes at once: clear errors and nothing lost."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import evalkit
from evalkit import tracking
from evalkit.errors import EvalkitError
from evalkit.evaluation.results.loading import find_folder

ROWS = [{"question": f"q{i}", "expected": f"a{i}"} for i in range(40)]

SLOW = """
import sys, time
import evalkit

def bot(question):
    with open("calls.log", "a") as log:
        log.write(question + "\\n")
    time.sleep(0.02)
    return question.replace("q", "a")

if __name__ == "__main__":
    import slow
    rows = [{"question": f"q{i}", "expected": f"a{i}"} for i in range(int(sys.argv[1]))]
    try:
        result = evalkit.evaluate("slow:bot", rows, "text.exact_match", name=sys.argv[2],
                                  runtime=evalkit.Runtime(concurrency=4))
    except evalkit.EvalkitError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(result["text.exact_match"])
"""


def _start(folder: Path, cases: int, name: str) -> "subprocess.Popen[str]":
    (folder / "slow.py").write_text(SLOW)
    return subprocess.Popen(
        [sys.executable, "slow.py", str(cases), name],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _calls(folder: Path) -> int:
    log = folder / "calls.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_ctrl_c_keeps_what_is_done_and_prints_how_to_go_on(folder: Path) -> None:
    program = _start(folder, 400, "stopped")
    while _calls(folder) < 20:
        assert program.poll() is None, program.communicate()
        time.sleep(0.002)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate()
    made = _calls(folder)

    assert "InterruptedRunError: Interrupted after" in errors
    assert "Finish it with: evalkit resume" in errors
    assert 20 <= made < 400
    stopped = evalkit.EvaluationResult.load("stopped")
    assert stopped["text.exact_match"].n_scored == made
    assert stopped["text.exact_match"].n_not_run == 400 - made
    assert tracking.get_run("stopped").status == "KILLED"

    code = "import evalkit; print(evalkit.resume('stopped')['text.exact_match'].n_scored)"
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "400"
    assert _calls(folder) == 400
    assert tracking.get_run("stopped").status == "FINISHED"


def test_two_processes_evaluate_into_one_store(folder: Path) -> None:
    programs = [_start(folder, 60, name) for name in ("left", "right")]
    errors = [program.communicate()[1] for program in programs]

    assert [program.returncode for program in programs] == [0, 0], errors
    for name in ("left", "right"):
        assert evalkit.EvaluationResult.load(name)["text.exact_match"].n_scored == 60


def _small_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))


def test_a_full_disk_is_one_clear_error_and_a_resume_finishes(folder: Path) -> None:
    (folder / "wordy.py").write_text(
        "import sys, evalkit\n"
        "def bot(question): return question + ' ' + 'x' * 3000\n"
        "rows = [{'question': f'q{i}', 'expected': 'a'} for i in range(200)]\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        evalkit.evaluate('wordy:bot', rows, 'text.exact_match', name='full')\n"
        "    except evalkit.EvalkitError as error: sys.exit(f'{type(error).__name__}: {error}')\n"
    )
    finished = subprocess.run(
        [sys.executable, "wordy.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_small_files,
    )
    assert finished.returncode == 1
    assert finished.stderr.startswith("JournalError: Cannot write")
    assert finished.stderr.strip().endswith("then resume.")
    assert finished.stderr.count("\n") == 1

    code = "import evalkit; print(evalkit.resume('full')['text.exact_match'].n_scored)"
    resumed = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert resumed.stdout.strip() == "200"


def test_a_place_that_cannot_be_written_is_one_clear_error(folder: Path) -> None:
    (folder / "file").write_text("not a folder")

    with pytest.raises(EvalkitError, match="file") as caught:
        evalkit.evaluate(
            data=[{"question": "q", "expected": "a", "output": "a"}],
            scorers="text.exact_match",
            runtime=evalkit.Runtime(store=f"sqlite:///{folder}/file/evalkit.db"),
        )
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_folder_is_one_clear_error(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(EvalkitError):
            evalkit.evaluate(
                data=[{"question": "q", "expected": "a", "output": "a"}], scorers="text.exact_match"
            )
    finally:
        folder.chmod(0o700)


def test_an_evaluation_joins_the_active_run_and_does_not_end_it() -> None:
    with tracking.start_run(run_name="outer") as run:
        result = evalkit.evaluate(
            lambda question: question.replace("q", "a"), ROWS, "text.exact_match"
        )
        tracking.log_metric("mine", 1.0)

    assert result.run_id == run.run_id
    kept = tracking.get_run("outer")
    assert kept.data.metrics == {"mine": 1.0, "text.exact_match": 1.0}
    assert kept.status == "FINISHED"
    assert find_folder("outer").result.is_file()


def test_a_process_lane_spreads_work_and_survives_a_dying_worker(folder: Path) -> None:
    (folder / "heavy.py").write_text(
        "import os, time\n"
        "from evalkit import scorer\n"
        "@scorer(lane='process')\n"
        "def heavy(outputs):\n"
        "    if outputs == 'a3': os._exit(1)\n"
        "    if outputs == 'a5': time.sleep(600)\n"
        "    return float(os.getpid())\n"
        "def bot(question): return question.replace('q', 'a')\n"
    )
    code = (
        "import os, evalkit, heavy\n"
        "if __name__ == '__main__':\n"
        "    rows = [{'question': f'q{i}'} for i in range(8)]\n"
        "    r = evalkit.evaluate(heavy.bot, rows, [heavy.heavy],\n"
        "        runtime=evalkit.Runtime(store=False, timeout_seconds=2))\n"
        "    e = r['heavy']\n"
        "    print(e.n_scored, e.n_failed, sorted(r.failures().reason),\n"
        "          float(os.getpid()) in set(r.table().heavy))\n"
    )
    (folder / "main.py").write_text(code)
    finished = subprocess.run(
        [sys.executable, "main.py"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert finished.stdout.strip() == "6 2 ['scorer_error', 'timeout'] False", finished.stderr


def test_progress_is_silent_unless_it_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    def bot(question: str) -> str:
        return question

    evalkit.evaluate(bot, ROWS, "text.exact_match")
    assert capfd.readouterr().err == ""
    evalkit.evaluate(bot, ROWS, "text.exact_match", runtime=evalkit.Runtime(progress=True))
    assert "calling" in capfd.readouterr().err


def test_a_store_sees_few_commits_however_many_rows(folder: Path) -> None:
    from sqlalchemy import event

    from evalkit.store import open_store

    counts: list[int] = []
    for n in (10, 1000):
        with open_store(f"sqlite:///{folder}/n{n}.db") as store:
            commits: list[object] = []
            event.listen(store.engine, "commit", commits.append)  # type: ignore[attr-defined]
            tracking.set_tracking_uri(store.uri)
            tracking.current_store()
            engine = tracking.current_store().engine  # type: ignore[attr-defined]
            event.listen(engine, "commit", commits.append)
            rows = [{"question": f"q{i}", "expected": "a", "output": "a"} for i in range(n)]
            evalkit.evaluate(data=rows, scorers="text.exact_match")
            counts.append(len(commits))
    assert counts[0] == counts[1]
    assert counts[0] <= 12

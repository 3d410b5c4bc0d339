"""What the shell is told, by real processes where the process matters."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from evalkit.cli.guard import guarded
from evalkit.cli.main import cli
from evalkit.errors import JournalError, UsageError

Type = Callable[..., Any]
STORED = ("evaluate", "--data", "answers.jsonl", "--scorer", "text.exact_match")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param([*STORED, "--gate", "text.exact_match >= 0.1"], 0, id="pass"),
        pytest.param([*STORED, "--gate", "text.exact_match >= 0.99 @ point"], 1, id="fail"),
        pytest.param([*STORED, "--limit", "0"], 2, id="usage"),
        pytest.param([*STORED, "--gate", "text.exact_match >= 0.7"], 3, id="inconclusive"),
        pytest.param(
            ["evaluate", "--data", "unscored.jsonl", "--scorer", "app:is_short"],
            4,
            id="nothing-scored",
        ),
        pytest.param(
            ["evaluate", "--data", "questions.jsonl", "--model", "app:bot", "--scorer",
             "text.exact_match", "--budget", "target.calls=1", "--concurrency", "1"],
            5,
            id="budget",
        ),
    ],
)  # fmt: skip
def test_the_exit_code_tells_the_outcome(
    words: list[str], code: int, type_in: Type, folder: Path
) -> None:
    (folder / "unscored.jsonl").write_text(
        '{"question": "a", "output": 3}\n', encoding="utf-8"
    )  # a number has no length, so the scorer fails on every case

    assert type_in(*words).code == code


def test_where_nothing_is_scored_a_failed_gate_still_fails(type_in: Type, folder: Path) -> None:
    (folder / "unscored.jsonl").write_text('{"question": "a", "output": 3}\n', encoding="utf-8")
    words = ("evaluate", "--data", "unscored.jsonl", "--scorer", "app:is_short")

    assert type_in(*words, "--gate", "is_short >= 0.5").code == 1


def test_an_error_of_ours_is_one_line_and_its_class_has_the_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full() -> None:
        raise JournalError("The disk is full.")

    assert guarded(full) == 4
    assert capsys.readouterr().err.splitlines() == ["Error: The disk is full."]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(UsageError("no"), 2, id="ours"),
        pytest.param(click.UsageError("no"), 2, id="click"),
        pytest.param(click.ClickException("no"), 2, id="click-general"),
        pytest.param(KeyboardInterrupt(), 130, id="interrupt"),
        pytest.param(click.Abort(), 130, id="abort"),
        pytest.param(ZeroDivisionError("no"), 70, id="bug"),
    ],
)
def test_each_kind_of_error_has_its_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    assert guarded(fail) == code
    told = capsys.readouterr().err
    assert ("Traceback" in told) == (code == 70)


def test_standalone_the_group_exits_with_the_code() -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["scorers", "show", "nope"], prog_name="evalkit")

    assert stopped.value.code == 2


def test_a_store_that_cannot_be_written_is_infrastructure(shell: Type, folder: Path) -> None:
    (folder / "file").write_text("", encoding="utf-8")
    done = shell(*STORED, "--store", "sqlite:///file/x.db")

    assert done.code == 4
    assert done.err.count("\n") <= 2
    assert "Traceback" not in done.err


def test_the_process_ends_with_the_code_of_the_verdict(shell: Type) -> None:
    done = shell(*STORED, "--gate", "text.exact_match >= 0.99 @ point", "--json")

    assert done.code == 1
    assert done.json["verdict"] == "FAIL"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["scorers", "list", "--json"], 0, id="list"),
        pytest.param(["--help"], 0, id="help"),
        pytest.param(["scorers", "list", "--help"], 0, id="help-of-a-command"),
        pytest.param(
            [*STORED, "--gate", "text.exact_match >= 0.99 @ point"], 1, id="verdict-is-kept"
        ),
    ],
)
def test_a_reader_that_goes_away_is_no_error(
    words: list[str], code: int, folder: Path, command_line: Callable[..., list[str]]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run(
            command_line(*words),
            cwd=folder,
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == code
    assert "Broken" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_that_knows_no_arrows_shows_question_marks(shell: Type) -> None:
    done = shell(*STORED, environment={"PYTHONIOENCODING": "latin-1"})

    assert done.code == 0
    assert "text.exact_match ?  0.750" in done.out


INTERRUPTED_BOT = '''
import os, signal, threading
from pathlib import Path

CALLS = Path("calls.log")
ONCE = threading.Lock()


def bot(question):
    """Answer slowly; the tenth call of the first process is answered by Ctrl-C."""
    with CALLS.open("a") as log:
        log.write(question + "\\n")
    if not Path("resumed").exists():
        # Another call may have been written meanwhile: the tenth is not always seen as the tenth.
        if len(CALLS.read_text().splitlines()) >= 10 and ONCE.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.05)
    return question
'''


def test_ctrl_c_keeps_what_is_done_and_prints_the_command_that_finishes_it(
    shell: Type, folder: Path, write: Callable[..., None]
) -> None:
    write(folder / "many.jsonl", [{"question": f"q{n}", "expected": f"q{n}"} for n in range(60)])
    (folder / "slow.py").write_text(INTERRUPTED_BOT, encoding="utf-8")
    uri = "sqlite:///team runs.db"
    done = shell(
        "evaluate", "--data", "many.jsonl", "--model", "slow:bot", "--scorer", "text.exact_match",
        "--concurrency", "2", "--store", uri,
    )  # fmt: skip

    assert done.code == 130
    assert "Traceback" not in done.err
    command = done.err.partition("Finish it with: evalkit ")[2].strip()
    assert command.startswith("resume ")
    assert command.endswith(f"--store '{uri}'")
    run = command.split()[1]
    assert shell("runs", "list", "--store", uri, "--json").json[0]["status"] == "KILLED"

    (folder / "resumed").touch()
    resumed = shell("resume", run, "--store", uri, "--json")

    assert resumed.code == 0
    estimate = resumed.json["estimates"]["text.exact_match"]
    assert (resumed.json["run_id"], resumed.json["status"]) == (run, "complete")
    assert (estimate["n_scored"], estimate["value"]) == (60, 1.0)
    calls = (folder / "calls.log").read_text("utf-8").splitlines()
    assert sorted(calls) == sorted(f"q{n}" for n in range(60))


def test_a_python_of_ones_own_may_call_the_command_line(folder: Path) -> None:
    code = "from evalkit.cli.main import main; import sys; sys.argv[1:] = ['--version']; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("evalkit ")

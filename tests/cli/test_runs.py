"""What is done with runs that are there: list, show, delete, judge, report, score, retry."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli.output import ago

Type = Callable[..., Any]
STORED = ("evaluate", "--data", "answers.jsonl", "--scorer", "text.exact_match")
RETRIED_BOT = '''
from pathlib import Path


def bot(question):
    """Fail at one question until the network is there."""
    if "Chad" in question and not Path("network").exists():
        raise ConnectionError("no route")
    return "answer"
'''


@pytest.fixture
def run(type_in: Type) -> str:
    """The id of a finished run called *first*."""
    done = type_in(*STORED, "--name", "first", "--gate", "text.exact_match >= 0.1", "--json")
    found: str = done.json["run_id"]
    return found


def test_runs_are_listed_newest_first(type_in: Type, run: str) -> None:
    newer = type_in(*STORED, "--name", "second", "--json").json["run_id"]
    listed = type_in("runs", "list", "--json").json

    assert [facts["run_id"] for facts in listed] == [newer, run]
    assert listed[1]["verdict"] == "PASS"
    assert listed[1]["data"] == "answers.jsonl"
    assert listed[1]["n_cases"] == 4
    assert listed[1]["estimates"]["text.exact_match"]["value"] == 0.75


def test_the_list_shows_id_name_data_metrics_and_verdict(type_in: Type, run: str) -> None:
    shown = type_in("runs", "list").out

    for part in (run[:8], "first", "answers.jsonl (4)", "text.exact_match\u00a00.750", "PASS"):
        assert part in shown


def test_an_empty_store_is_told_on_stderr(type_in: Type) -> None:
    done = type_in("runs", "list")

    assert (done.code, done.out) == (0, "")
    assert "no runs" in done.err


@pytest.mark.parametrize("name", ["latest", "first", "prefix", "folder"])
def test_a_run_is_found_by_any_of_its_names(name: str, type_in: Type, run: str) -> None:
    folder = type_in("runs", "show", run, "--json").json["artifacts"]
    reference = {"prefix": run[:8], "folder": f"{folder}/evaluation"}.get(name, name)

    assert type_in("report", reference, "--json").json["run_id"] == run


def test_a_run_is_shown_with_params_tags_and_files(type_in: Type, run: str) -> None:
    found = type_in("runs", "show", "first", "--json").json

    assert found["params"]["model"] == "stored outputs"
    assert "evaluation" in found["files"]
    shown = type_in("runs", "show", run).out
    assert run in shown
    assert "text.exact_match = 0.750 [" in shown


def test_a_deleted_run_is_gone_until_it_is_restored(type_in: Type, run: str) -> None:
    assert type_in("runs", "delete", "first").code == 0
    assert type_in("runs", "list", "--json").json == []
    assert [f["run_id"] for f in type_in("runs", "list", "--deleted", "--json").json] == [run]
    assert type_in("runs", "restore", run[:8]).code == 0
    assert [f["run_id"] for f in type_in("runs", "list", "--json").json] == [run]


def test_restoring_what_is_not_deleted_is_an_error(type_in: Type, run: str) -> None:
    done = type_in("runs", "restore", run)

    assert done.code == 2
    assert run in done.err


def test_several_runs_are_found_before_any_is_deleted(type_in: Type, run: str) -> None:
    newer = type_in(*STORED, "--json").json["run_id"]
    type_in("runs", "delete", "latest", "latest~1")

    deleted = type_in("runs", "list", "--deleted", "--json").json
    assert {facts["run_id"] for facts in deleted} == {run, newer}


def test_an_unknown_run_is_an_error_with_a_close_name(type_in: Type, run: str) -> None:
    done = type_in("report", "frist")

    assert run
    assert done.code == 2
    assert "first" in done.err


@pytest.mark.parametrize(
    ("gates", "code", "verdict"),
    [
        pytest.param([], 0, "PASS", id="its-own"),
        pytest.param(["text.exact_match >= 0.1", "coverage >= 1"], 0, "PASS", id="others"),
        pytest.param(["text.exact_match >= 0.9 @ point"], 1, "FAIL", id="fails"),
        pytest.param(["text.exact_match >= 0.7"], 3, "INCONCLUSIVE", id="inconclusive"),
        pytest.param(["text.exact_match[region=eu] >= 0.9 @ point"], 0, "PASS", id="slice"),
    ],
)
def test_a_finished_run_is_judged_by_other_gates(
    gates: list[str], code: int, verdict: str, type_in: Type, run: str
) -> None:
    words = [word for gate in gates for word in ("--gate", gate)]
    done = type_in("gate", run, *words, "--json")

    assert (done.code, done.json["verdict"]) == (code, verdict)
    assert done.json["run_id"] == run
    assert len(done.json["conditions"]) == max(len(gates), 1)
    assert done.json["estimates"]["text.exact_match"]["value"] == 0.75
    assert verdict in type_in("gate", run, *words).out


def test_a_run_without_gates_cannot_be_judged_without_one(type_in: Type) -> None:
    type_in(*STORED)

    assert type_in("gate", "latest").code == 2


def test_a_report_is_shown_or_written(type_in: Type, run: str, folder: Path) -> None:
    assert "text.exact_match ↑" in type_in("report", run).out
    done = type_in("report", run, "-o", "r.html", "-o", "r.xml")

    assert done.out == ""
    assert (folder / "r.html").read_text("utf-8").startswith("<!doctype html>")
    assert (folder / "r.xml").exists()


def test_an_unknown_format_is_an_error_that_lists_the_known_ones(type_in: Type, run: str) -> None:
    done = type_in("report", run, "-o", "r.docx")

    assert done.code == 2
    assert ".html" in done.err


def test_a_scorer_is_added_to_the_same_run(type_in: Type, run: str) -> None:
    done = type_in("score", run, "--scorer", "app:is_short", "--scorer", "text.bleu", "--json")

    assert done.json["run_id"] == run
    assert list(done.json["estimates"]) == ["text.exact_match", "is_short", "text.bleu"]
    assert list(type_in("report", run, "--json").json["estimates"]) == list(done.json["estimates"])


def test_what_failed_is_run_again_as_a_new_run(type_in: Type, folder: Path) -> None:
    (folder / "net.py").write_text(RETRIED_BOT, encoding="utf-8")
    first = type_in(
        "evaluate", "--data", "questions.jsonl", "--model", "net:bot", "--scorer",
        "text.exact_match", "--json",
    ).json  # fmt: skip
    (folder / "network").touch()
    again = type_in("retry", "latest", "--json").json

    assert first["estimates"]["text.exact_match"]["n_failed"] == 1
    assert again["estimates"]["text.exact_match"]["n_failed"] == 0
    assert again["run_id"] != first["run_id"]


def test_a_run_that_is_complete_has_nothing_to_resume(type_in: Type, run: str) -> None:
    done = type_in("resume", run)

    assert done.code == 2
    assert "nothing to resume" in done.err


def test_a_run_out_of_budget_is_finished_with_a_higher_one(type_in: Type) -> None:
    words = ("evaluate", "--data", "questions.jsonl", "--model", "app:bot")
    spent = type_in(
        *words, "--scorer", "text.exact_match", "--budget", "target.calls=1", "--concurrency", "1"
    )
    assert "status   budget, verdict BUDGET" in type_in("runs", "show", "latest").out
    done = type_in("resume", "latest", "--budget", "calls=100", "--json")

    assert spent.code == 5
    assert done.json["status"] == "complete"
    assert done.json["estimates"]["text.exact_match"]["n_scored"] == 3


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(0, "now"), (1000, "1 s ago"), (3_600_000, "1 h ago"), (10 * 86_400_000, "10 d ago")],
)
def test_a_time_span_is_told_in_its_largest_unit(milliseconds: int, told: str) -> None:
    assert ago(0, now=milliseconds) == told


KILLED_BOT = '''
import os, signal, sys, time
from pathlib import Path


def bot(question):
    """Answer, until this process is to be killed, or to wait."""
    if "Chad" in question and Path("deadly").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if "Chad" in question and Path("slow").exists():
        Path("begun").touch()
        while Path("slow").exists():
            time.sleep(0.01)
    return "Lima"
'''
LIVE = ("evaluate", "--data", "questions.jsonl", "--model", "dying:bot", "--scorer",
        "text.exact_match", "--concurrency", "1")  # fmt: skip


def _statuses(shell: Type) -> list[str]:
    return [facts["status"] for facts in shell("runs", "list", "--json").json]


def test_a_killed_run_is_told_from_a_running_one(
    shell: Type, folder: Path, command_line: Callable[..., list[str]]
) -> None:
    (folder / "dying.py").write_text(KILLED_BOT, encoding="utf-8")
    (folder / "deadly").touch()
    assert shell(*LIVE).code == -signal.SIGKILL
    (folder / "deadly").unlink()
    (folder / "slow").touch()
    running = subprocess.Popen(command_line(*LIVE), cwd=folder)
    try:
        while not (folder / "begun").exists():
            assert running.poll() is None
        both = _statuses(shell)
        shown = shell("runs", "list").out
    finally:
        (folder / "slow").unlink()
        running.wait()

    assert both == ["RUNNING", "KILLED"]
    assert "running" in shown
    assert "killed" in shown
    assert shell("resume", "latest~1").code == 0
    assert _statuses(shell) == ["FINISHED", "FINISHED"]


def test_a_retried_run_keeps_the_name_of_its_data(type_in: Type, folder: Path) -> None:
    (folder / "retried.py").write_text(RETRIED_BOT, encoding="utf-8")
    words = ("--data", "questions.jsonl", "--scorer", "text.exact_match", "--model", "retried:bot")
    type_in("evaluate", *words)
    (folder / "network").touch()
    type_in("retry", "latest")

    listed = type_in("runs", "list", "--json").json
    assert [facts["data"] for facts in listed] == ["questions.jsonl"] * 2


def test_an_interrupted_run_is_registered_with_a_remark(type_in: Type) -> None:
    words = ("--data", "questions.jsonl", "--scorer", "text.exact_match", "--model", "app:bot")
    type_in("evaluate", *words, "--budget", "target.calls=2", "--concurrency", "1")
    partly = type_in("models", "register", "bot", "latest", "--alias", "champion")
    type_in("resume", "latest", "--budget", "calls=20")
    whole = type_in("models", "register", "bot", "latest")

    assert partly.code == whole.code == 0
    assert "models:/bot/1 rests on a part of the cases" in partly.err
    assert "budget" in partly.err
    assert whole.err == ""

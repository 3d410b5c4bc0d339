"""Batches outlive the process that sent them: killed at any moment, nothing is paid twice."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.testing import ScriptedBatches, ScriptedEndpoint, SeenRequest

PROGRAM = Path(__file__).with_name("batched.py")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-batched")
    monkeypatch.delenv("EVALKIT_HOME", raising=False)


def answer(request: SeenRequest) -> Any:
    """Answer a question wrongly now and then; judge an answer by its number."""
    asked = request.prompt
    if "fine?" not in asked:
        number = int(asked[1:])
        return f"a{number}" if number % 5 else "no idea"
    return json.dumps({"rationale": "so it is", "verdict": "yes" if "1" in asked else "no"})


def _start(folder: Path, base_url: str, cases: int, *resume: str) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROGRAM, folder / "batched.py")
    return subprocess.Popen(
        [sys.executable, "batched.py", base_url, str(cases), *resume],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    )


def _until(happened: Callable[[], bool], program: subprocess.Popen[bytes]) -> None:
    while not happened() and program.poll() is None:
        time.sleep(0.001)


def _finished(program: subprocess.Popen[bytes]) -> dict[str, Any]:
    out, errors = program.communicate()
    assert program.returncode == 0, errors.decode()
    found: dict[str, Any] = json.loads(out)
    return found


def _paid(batches: ScriptedBatches) -> Counter[str]:
    return Counter(request.prompt for request in batches.answered)


@pytest.mark.parametrize(
    "seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 15))]
)
def test_killed_while_batches_are_pending_nothing_is_paid_twice(seed: int, tmp_path: Path) -> None:
    drawn = random.Random(seed)  # noqa: S311  no secret
    cases = 90
    with ScriptedEndpoint(answer, batches=ScriptedBatches(polls=2)) as endpoint:
        whole = _finished(_start(tmp_path / "whole", endpoint.base_url, cases))
    batches = ScriptedBatches(polls=4)
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        resume: list[str] = []
        for _ in range(3):
            before = endpoint.calls
            program = _start(tmp_path / "killed", endpoint.base_url, cases, *resume)
            wanted = before + drawn.randint(2, 12)
            _until(lambda wanted=wanted: endpoint.calls >= wanted, program)  # type: ignore[misc]
            program.send_signal(signal.SIGKILL)
            program.communicate()
            resume = ["batched"]
        found = _finished(_start(tmp_path / "killed", endpoint.base_url, cases, *resume))

    assert found["scores"] == whole["scores"]
    assert set(_paid(batches).values()) == {1}
    assert found["usage"]["target"][0] == whole["usage"]["target"][0] == cases


def test_interrupted_while_a_batch_is_pending_the_message_says_how_to_go_on(tmp_path: Path) -> None:
    batches = ScriptedBatches(polls=10_000)
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        program = _start(tmp_path, endpoint.base_url, 30)
        _until(lambda: bool(batches.created) and endpoint.calls > 5, program)
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=300)
        told = errors.decode()
        batches.polls = 1
        found = _finished(_start(tmp_path, endpoint.base_url, 30, "batched"))

    assert program.returncode != 0
    assert "30 requests in 1 batch stay with the provider" in told
    assert "Finish it with: evalkit resume" in told
    assert set(_paid(batches).values()) == {1}
    assert len(found["scores"]) == 30


def test_another_run_of_the_same_calls_takes_over_what_is_pending(tmp_path: Path) -> None:
    """Who types the same command again, instead of resuming, pays once too."""
    batches = ScriptedBatches(polls=10)
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        program = _start(tmp_path, endpoint.base_url, 30)
        _until(lambda: bool(batches.created) and endpoint.calls > 5, program)
        program.send_signal(signal.SIGKILL)
        program.communicate()
        _finished(_start(tmp_path, endpoint.base_url, 30))

    assert set(_paid(batches).values()) == {1}
    assert not list((tmp_path / "evalkit-cache/batches").glob("*.json"))

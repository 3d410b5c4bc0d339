"""Ctrl-C, spent budgets and timeouts in the midst of the work: what is left alone, what resumes."""

import asyncio
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit import Runtime, scorer
from evalkit.errors import InterruptedRunError

QUIET = Runtime(progress=False)


def stored(n: int) -> list[dict[str, Any]]:
    """Return rows with outputs."""
    return [{"id": f"q{i}", "question": f"q{i}", "output": "y"} for i in range(n)]


def live(n: int) -> list[dict[str, Any]]:
    """Return rows without outputs."""
    return [{"id": f"q{i}", "question": f"q{i}", "expected": "y"} for i in range(n)]


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class _Log:
    """Counts calls, and presses Ctrl-C at one of them."""

    def __init__(self, interrupt_at: int | None) -> None:
        self.count = 0
        self._at = interrupt_at

    def note(self) -> None:
        self.count += 1
        if self.count == self._at:
            _interrupt()


def _threaded(log: _Log) -> Any:
    @scorer(name="slow")
    def slow(outputs: str) -> bool:
        log.note()
        time.sleep(0.002)
        return bool(outputs)

    return slow


def _awaited(log: _Log) -> Any:
    @scorer(name="slow")
    async def slow(outputs: str) -> bool:
        log.note()
        await asyncio.sleep(0.002)
        return bool(outputs)

    return slow


@pytest.mark.parametrize(
    "make", [pytest.param(_threaded, id="thread"), pytest.param(_awaited, id="async")]
)
def test_ctrl_c_ends_scoring_and_a_resume_scores_the_rest(make: Callable[[_Log], Any]) -> None:
    first = _Log(interrupt_at=20)
    with pytest.raises(InterruptedRunError):
        evalkit.evaluate(data=stored(600), scorers=[make(first)], name="one", runtime=QUIET)
    assert 20 <= first.count < 500

    partial = evalkit.EvaluationResult.load("one")
    assert partial["slow"].n_not_run >= 600 - first.count

    second = _Log(interrupt_at=None)
    again = Runtime(progress=False, resume="one")
    whole = evalkit.evaluate(data=stored(600), scorers=[make(second)], runtime=again)
    assert whole["slow"].n_scored == 600


def test_ctrl_c_while_calls_wait_for_their_turn_makes_no_more_calls() -> None:
    calls: list[str] = []

    def target(question: str) -> str:
        calls.append(question)
        _interrupt()
        return "y"

    started = time.monotonic()
    with pytest.raises(InterruptedRunError):
        evalkit.evaluate(
            target,
            live(20),
            scorers=["text.exact_match"],
            runtime=Runtime(progress=False, requests_per_minute=1),
        )
    assert len(calls) == 1
    assert time.monotonic() - started < 55  # not the minute to the next call


def test_a_budget_of_calls_counts_those_on_their_way() -> None:
    calls: list[str] = []

    def target(question: str) -> str:
        calls.append(question)
        time.sleep(0.01)
        return "y"

    result = evalkit.evaluate(
        target,
        live(60),
        scorers=["text.exact_match"],
        runtime=Runtime(
            progress=False, store=False, budget={"target": {"calls": 10}}, concurrency=8
        ),
    )
    assert len(calls) == 10
    assert result["text.exact_match"].n_scored == 10
    assert result.facts.status == "budget"


def test_a_case_that_overruns_is_the_last_that_its_thread_scores() -> None:
    seen: list[str] = []
    release = threading.Event()
    ended = threading.Event()

    @scorer
    def sticky(inputs: dict[str, Any], outputs: str) -> bool:
        seen.append(inputs["question"])
        if inputs["question"] == "q2":
            release.wait(60)
            ended.set()
        return bool(outputs)

    result = evalkit.evaluate(
        data=stored(30),
        scorers=[sticky],
        runtime=Runtime(progress=False, store=False, timeout_seconds=1.0),
    )
    release.set()
    assert ended.wait(60)
    time.sleep(0.05)
    assert (result["sticky"].n_scored, result["sticky"].n_failed) == (29, 1)
    assert len(seen) == 30


def test_a_batch_estimator_that_overruns_has_timed_out() -> None:
    release = threading.Event()

    class Model:
        def fit(self, x: Any, y: Any) -> None:
            """Learn nothing."""

        def predict(self, frame: Any) -> list[int]:
            release.wait(60)
            return [1] * len(frame)

    rows = [{"feature": float(i), "label": 1} for i in range(4)]
    try:
        result = evalkit.evaluate(
            Model(),
            rows,
            scorers=["classification.accuracy"],
            columns={"inputs": ["feature"], "expectations": "label"},
            runtime=Runtime(progress=False, store=False, timeout_seconds=0.02),
        )
    finally:
        release.set()
    assert set(result.failures()["reason"]) == {"timeout"}


LANES = """
from evalkit import scorer

@scorer(lane="process")
def in_a_process(outputs):
    return len(outputs)

@scorer(lane="process")
def in_context(outputs, retrieved_context):
    return len(retrieved_context)

@scorer
async def awaited(outputs):
    return len(outputs)

@scorer
def in_a_thread(outputs):
    return len(outputs)
"""


@pytest.fixture
def lanes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Make a module of scorers, which fail where there is no output; other processes find it."""
    (folder / "scorers_of_lanes.py").write_text(LANES)
    monkeypatch.syspath_prepend(str(folder))
    yield importlib.import_module("scorers_of_lanes")
    sys.modules.pop("scorers_of_lanes")


def test_a_case_without_output_fails_in_every_lane(lanes: Any) -> None:
    rows = stored(4)
    rows[1]["output"] = None
    result = evalkit.evaluate(
        data=rows,
        scorers=[lanes.in_a_process, lanes.awaited, lanes.in_a_thread],
        runtime=Runtime(progress=False, store=False),
    )
    counts = {key: (e.n_scored, e.n_skipped, e.n_failed) for key, e in result.estimates.items()}
    assert counts == dict.fromkeys(("in_a_process", "awaited", "in_a_thread"), (3, 0, 1))
    table = result.table()
    assert table["in_a_process.explanation"][1] == table["in_a_thread.explanation"][1]


def test_where_no_case_has_what_is_needed_every_one_is_skipped(lanes: Any) -> None:
    result = evalkit.evaluate(
        lambda question: question,
        live(3),
        scorers=[lanes.in_context],
        runtime=Runtime(progress=False, store=False),
    )
    found = result["in_context"]
    assert (found.n_scored, found.n_skipped, found.n_failed) == (0, 3, 0)

"""The backend of processes gives what the local one gives, whoever is killed on the way."""

import asyncio
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import evalkit
from evalkit.engine.backend import processes
from evalkit.engine.backend.processes import shares_of
from evalkit.engine.plan import Limits, Plan, cut_shards, workers_of
from evalkit.engine.state import RunState
from evalkit.errors import InterruptedRunError, NotRecordedError, UsageError
from evalkit.testing import ScriptedEndpoint, SeenRequest

PROGRAM = Path(__file__).with_name("working.py")
ROWS = [{"question": f"q{i}", "expected": f"answer to q{i}"} for i in range(60)]


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of targets and scorers, importable here and in workers."""
    shutil.copy(PROGRAM, tmp_path / "working.py")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "working", raising=False)
    import working  # type: ignore[import-not-found]

    return working


def _runtime(**options: Any) -> evalkit.Runtime:
    settings: dict[str, Any] = {"store": False, "backend": "processes:2", **options}
    return evalkit.Runtime(**settings)


def _estimates(result: evalkit.EvaluationResult) -> dict[str, str]:
    return {key: repr(estimate) for key, estimate in result.estimates.items()}


def _same(one: evalkit.EvaluationResult, other: evalkit.EvaluationResult) -> None:
    assert one.folder.scores.read_bytes() == other.folder.scores.read_bytes()
    assert _estimates(one) == _estimates(other)
    assert one.facts.plan.dataset == other.facts.plan.dataset
    assert one.facts.plan.signatures == other.facts.plan.signatures
    assert one.facts.failures == other.facts.failures


def test_columns_estimates_and_digests_are_those_of_the_local_backend(working: Any) -> None:
    scorers = ["text.exact_match", "text.bleu", working.slow_score, working.words]
    results = [
        evalkit.evaluate(working.bot, ROWS, scorers, repeats=2, runtime=_runtime(backend=backend))
        for backend in ("local", "processes:2")
    ]

    _same(*results)
    outputs = [pq.read_table(result.folder.outputs).to_pydict() for result in results]
    for name in ("output", "status", "reason", "explanation"):
        assert outputs[0][name] == outputs[1][name]
    assert {role: usage.calls for role, usage in results[1].usage.items()} == {"target": 120}


def test_sessions_and_stored_outputs_are_those_of_the_local_backend(working: Any) -> None:
    talks = [
        {"question": f"q{i}", "session": f"s{i % 7}", "turn": i // 7, "id": f"c{i}"}
        for i in range(40)
    ]
    stored = [{**row, "output": row["expected"] if i % 3 else "x"} for i, row in enumerate(ROWS)]
    for model, rows in ((working.talker, talks), (None, stored)):
        _same(
            *(
                evalkit.evaluate(
                    model,
                    rows,
                    [working.words, working.slow_score],
                    seed=3,
                    runtime=_runtime(backend=backend),
                )
                for backend in ("local", "processes:3")
            )
        )


def _kill_once(endpoint: ScriptedEndpoint, after: int) -> Callable[[], int]:
    """Kill a worker once *endpoint* has had *after* calls; the function says how many died."""
    killed: list[int] = []

    def kill() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and endpoint.calls < after:
            time.sleep(0.001)
        worker = multiprocessing.active_children()[0]
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        killed.append(worker.pid)

    thread = threading.Thread(target=kill)
    thread.start()

    def count() -> int:
        thread.join()
        return len(killed)

    return count


@pytest.mark.parametrize("after", [1, 40, 110])
def test_a_killed_worker_loses_nothing_and_repeats_no_more_than_was_in_flight(after: int) -> None:
    rows = [{"question": f"q{i}", "expected": f"q{i}"} for i in range(120)]

    def answer(request: SeenRequest) -> Any:
        return {"output": request.json["question"]}

    with ScriptedEndpoint(answer, latency_seconds=0.02) as endpoint:
        target = evalkit.endpoint(endpoint.url)
        count = _kill_once(endpoint, after)
        result = evalkit.evaluate(target, rows, "text.exact_match", runtime=_runtime(concurrency=6))
        assert count() == 1

    asked = Counter(request.json["question"] for request in endpoint.requests)
    assert result["text.exact_match"].value == 1.0
    assert result["text.exact_match"].n_scored == 120
    assert set(asked) == {row["question"] for row in rows}
    assert asked.total() <= 120 + 3  # half of what may be in flight is the dead worker's
    assert max(asked.values()) <= 2
    assert result.usage["target"].calls == 120


def test_a_case_that_kills_its_worker_fails_with_a_reason_and_no_other_does(working: Any) -> None:
    rows = [{"question": f"q{i}", "expected": f"q{i}"} for i in range(20)]

    result = evalkit.evaluate(
        working.deadly, rows, "text.exact_match", runtime=_runtime(concurrency=2)
    )

    failures = result.failures()
    assert list(failures.id) == [result.case_ids[7]]
    assert failures.reason[0] == "target_error"
    assert "died 3 times" in failures.explanation[0]
    assert result["text.exact_match"].n_scored == 19


def test_a_scorer_that_kills_its_worker_fails_the_cells_and_ends(working: Any) -> None:
    result = evalkit.evaluate(
        data=[{"question": "q", "output": "a"}], scorers=[working.deadly_score], runtime=_runtime()
    )

    assert result["deadly_score"].n_failed == 1
    assert result.failures().reason[0] == "scorer_error"


def test_a_budget_of_calls_is_kept_to_the_call() -> None:
    rows = [{"question": f"q{i}", "expected": "ok"} for i in range(100)]
    with ScriptedEndpoint({"*": "ok"}, latency_seconds=0.005) as endpoint:
        result = evalkit.evaluate(
            evalkit.chat("m", base_url=endpoint.base_url, auth_environment=None),
            rows,
            "text.exact_match",
            runtime=_runtime(concurrency=8, budget={"calls": 37}),
        )

    assert endpoint.calls == 37
    assert result.verdict.status == "BUDGET"
    assert result["text.exact_match"].n_scored == 37
    assert result.usage["target"].calls == 37


@pytest.mark.usefixtures("working")
def test_a_run_is_cancelled_from_another_thread_and_resumed() -> None:
    from evalkit.evaluation.running.execute import execute
    from evalkit.evaluation.running.request import Request
    from evalkit.evaluation.running.start import start

    rows = [{"question": f"q{i}", "expected": f"q{i}"} for i in range(200)]
    request = Request(
        model="working:logged",
        data=rows,
        scorers="text.exact_match",
        name="cancelled",
        runtime=evalkit.Runtime(concurrency=4, backend="processes:2"),
    )
    job = start(request, evalkit.EvaluationResult)
    log = Path("calls.log")

    def cancel() -> None:
        while not log.exists() or log.stat().st_size < 100:
            time.sleep(0.002)
        job.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(InterruptedRunError):
        execute(job)
    thread.join()
    assert 0 < len(log.read_text().splitlines()) < 200

    result = evalkit.resume("cancelled")

    assert result["text.exact_match"].value == 1.0
    assert Counter(log.read_text().splitlines()) == Counter(row["question"] for row in rows)


@pytest.mark.usefixtures("working")
def test_a_worker_that_takes_the_place_of_a_dead_one_is_told_of_the_stop_before_it() -> None:
    from evalkit.evaluation.running.execute import execute
    from evalkit.evaluation.running.request import Request
    from evalkit.evaluation.running.start import start

    rows = [{"question": f"q{i}", "expected": f"q{i}"} for i in range(80)]
    request = Request(
        model="working:doomed",
        data=rows,
        scorers="text.exact_match",
        runtime=_runtime(concurrency=1, backend="processes:1"),
    )
    job = start(request, evalkit.EvaluationResult)
    log = Path("calls.log")

    def cancel() -> None:
        while not log.exists() or "q5" not in log.read_text():
            time.sleep(0.002)
        job.cancel()
        Path("cancelled").touch()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(InterruptedRunError):
        execute(job)
    thread.join()

    assert Path("died").exists()
    assert log.read_text().split() == [f"q{i}" for i in range(6)]


@pytest.mark.usefixtures("working")
def test_nothing_is_kept_once_a_cancelled_evaluation_has_let_go_of_its_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late: list[bool] = []
    several = threading.Event()
    record = RunState.record

    def slow(state: RunState, *arguments: Any) -> None:
        time.sleep(0.1)
        late.append(state.journal is None)
        if len(late) > 2:
            several.set()
        record(state, *arguments)

    monkeypatch.setattr(RunState, "record", slow)

    async def give_up() -> None:
        task = asyncio.create_task(
            evalkit.aevaluate("working:logged", ROWS, "text.exact_match", runtime=_runtime())
        )
        await asyncio.to_thread(several.wait)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.3)

    asyncio.run(give_up())

    assert len(late) < len(ROWS)
    assert not any(late)


@pytest.mark.usefixtures("working")
def test_a_thread_that_a_target_leaves_behind_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "_LEAVE_SECONDS", 0.2)
    started = time.monotonic()

    result = evalkit.evaluate("working:stubborn", ROWS[:4], "text.exact_match", runtime=_runtime())

    assert result.facts.status == "complete"
    assert time.monotonic() - started < 120


def test_processes_that_score_end_with_the_one_that_started_them(working: Any) -> None:
    program = (
        "import evalkit, working\n"
        "if __name__ == '__main__':\n"
        "    evalkit.evaluate(data=[{'output': 'a'}], scorers=working.lasting,\n"
        "                     runtime=evalkit.Runtime(store=False))\n"
    )
    Path("program.py").write_text(program, encoding="utf-8")
    started = subprocess.Popen([sys.executable, "program.py"])
    log = Path("scoring.log")
    deadline = time.monotonic() + 60
    while not (log.exists() and log.read_text().endswith("\n")) and time.monotonic() < deadline:
        time.sleep(0.01)
    started.kill()
    started.wait()

    child = int(log.read_text())
    while _is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert working.lasting
    assert not _is_alive(child)


def _is_alive(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.usefixtures("working")
def test_workers_end_with_a_killed_driver_and_the_run_is_resumed() -> None:
    program = subprocess.Popen(
        [sys.executable, "working.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    log = Path("calls.log")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and program.poll() is None:
        if log.exists() and len(log.read_text().splitlines()) >= 50:
            break
        time.sleep(0.001)
    program.send_signal(signal.SIGKILL)
    # Its workers hold the same pipes: this comes back once they are gone too.
    program.communicate(timeout=60)

    result = evalkit.resume("killed")

    calls = Counter(log.read_text().splitlines())
    assert result["text.exact_match"].value == 1.0
    assert len(calls) == 200
    assert calls.total() <= 200 + 4
    assert max(calls.values()) <= 2


def test_gates_that_are_decided_stop_the_workers(working: Any) -> None:
    rows = [{"question": f"q{i}", "expected": f"q{i}"} for i in range(600)]

    result = evalkit.evaluate(
        working.logged,
        rows,
        "text.exact_match",
        gates="text.exact_match >= 0.5",
        stop="when decided",
        runtime=_runtime(concurrency=4),
    )

    assert result.verdict.status == "PASS"
    assert result.facts.status == "decided"
    assert 0 < result["text.exact_match"].n_scored < 300


def test_what_only_a_program_can_have_is_refused_before_a_run_is_made(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'evalkit.db'}"

    with pytest.raises(UsageError, match=r"'lambda' cannot be sent .* backend='local'"):
        evalkit.evaluate(
            lambda question: question, ROWS, "text.exact_match", runtime=_runtime(store=store)
        )

    assert not list(tmp_path.glob("**/cases.parquet"))


def test_a_script_without_a_guard_is_told_to_have_one(tmp_path: Path) -> None:
    shutil.copy(PROGRAM, tmp_path / "working.py")
    (tmp_path / "script.py").write_text("import working\nworking.main()\n")

    program = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert program.returncode == 1
    assert "call evaluate under if __name__ == '__main__'" in program.stderr
    assert "Worker processes end before they begin" in program.stderr.splitlines()[-1]


@pytest.mark.usefixtures("working")
def test_a_resume_of_what_only_a_program_can_have_is_refused_before_it_begins() -> None:
    def bot(question: str) -> str:
        return question

    stopped = evalkit.evaluate(
        bot,
        ROWS,
        "text.exact_match",
        name="note",
        runtime=evalkit.Runtime(budget={"target": {"calls": 3}}),
    )
    assert stopped.run_id is not None
    status = evalkit.tracking.get_run(stopped.run_id).info.status

    with pytest.raises(UsageError, match="'bot' cannot be sent"):
        evalkit.evaluate(
            bot,
            ROWS,
            "text.exact_match",
            runtime=evalkit.Runtime(resume="note", backend="processes:2"),
        )

    assert evalkit.tracking.get_run(stopped.run_id).info.status is status


def test_an_error_of_a_worker_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(NotRecordedError, match="is not recorded"):
        evalkit.evaluate(
            evalkit.chat("m", base_url="http://127.0.0.1:9/v1", auth_environment=None),
            ROWS,
            "text.exact_match",
            runtime=_runtime(mode="replay", recordings=str(tmp_path)),
        )


def test_places_in_flight_and_the_pace_are_shared_out() -> None:
    plan = Plan(
        spool=None,  # type: ignore[arg-type]
        target=None,
        scorers=(),
        limits=Limits(concurrency=8, requests_per_minute=90, workers=3),
        shards=cut_shards(9, 1),
    )

    shares = [share.limits for share in shares_of(plan)]

    assert sorted(limits.concurrency for limits in shares) == [2, 3, 3]
    assert [limits.requests_per_minute for limits in shares] == [30, 30, 30]


@pytest.mark.parametrize("backend", ["ray", "processes:0", "processes:x", "processes:-1", ""])
def test_a_backend_that_there_is_not_is_refused(backend: str) -> None:
    with pytest.raises(UsageError, match="none of 'local', 'processes'"):
        workers_of(backend)


def test_batches_of_a_provider_stay_in_one_process() -> None:
    with pytest.raises(UsageError, match="leave out backend="):
        evalkit.Runtime(backend="processes:2", batch=True)

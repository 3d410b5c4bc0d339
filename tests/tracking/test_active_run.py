import asyncio
import contextvars
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from evalkit import tracking
from evalkit.entities.run import RunStatus
from evalkit.errors import ActiveRunError, EvalkitError, RunNotFoundError


def _status(run: tracking.ActiveRun) -> RunStatus:
    return run.store.runs.get(run.run_id).status


def test_a_with_block_begins_and_ends_a_run() -> None:
    tags: dict[str, Any] = {"stage": "dev", "build": 7}
    with tracking.start_run(run_name="bot", tags=tags) as run:
        assert tracking.active_run() is run
        assert _status(run) is RunStatus.RUNNING

    assert tracking.active_run() is None
    assert _status(run) is RunStatus.FINISHED
    stored = tracking.get_run("bot")
    assert (stored.data.tags["stage"], stored.data.tags["build"]) == ("dev", "7")
    assert stored.data.tags["mlflow.source.type"] == "LOCAL"
    assert stored.info.user_id == stored.data.tags["mlflow.user"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError(), RunStatus.FAILED), (KeyboardInterrupt(), RunStatus.KILLED)],
    ids=["exception", "interrupt"],
)
def test_a_block_that_raises_ends_its_run_as_it_ended(
    error: BaseException, status: RunStatus
) -> None:
    run = tracking.start_run()
    with pytest.raises(type(error)), run:
        raise error

    assert _status(run) is status
    assert tracking.active_run() is None


def test_a_run_can_be_begun_and_ended_without_a_block() -> None:
    run = tracking.start_run()
    assert tracking.active_run() is run
    tracking.end_run(RunStatus.KILLED)

    assert _status(run) is RunStatus.KILLED
    tracking.end_run()
    assert _status(run) is RunStatus.KILLED


def test_a_second_run_must_say_that_it_is_nested() -> None:
    with tracking.start_run() as outer:
        with pytest.raises(ActiveRunError, match=r"start_run\(nested=True\)"):
            tracking.start_run()
        with tracking.start_run(nested=True) as inner:
            assert tracking.active_run() is inner
        assert tracking.active_run() is outer

    assert inner.info.parent_run_id == outer.run_id
    assert outer.info.parent_run_id is None


def test_an_earlier_run_goes_on() -> None:
    with tracking.start_run(run_name="bot") as first:
        tracking.log_param("a", 1)
    with tracking.start_run("bot") as again:
        assert again.run_id == first.run_id
        assert _status(again) is RunStatus.RUNNING
        tracking.log_param("b", 2)

    assert tracking.get_run("bot").data.params == {"a": "1", "b": "2"}
    with pytest.raises(RunNotFoundError):
        tracking.start_run("nobody")


def test_each_thread_has_an_active_run_of_its_own() -> None:
    together = threading.Barrier(4, timeout=300)

    def work(number: int) -> str:
        assert tracking.active_run() is None
        with tracking.start_run(run_name=f"thread-{number}") as run:
            together.wait()
            tracking.log_param("number", number)
            together.wait()
            return run.run_id

    with tracking.start_run() as outer, ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(work, range(4)))
        assert tracking.active_run() is outer

    assert len(set(ids)) == 4
    for number in range(4):
        assert tracking.get_run(f"thread-{number}").data.params == {"number": str(number)}


def test_a_thread_that_is_given_the_context_logs_to_its_run() -> None:
    with tracking.start_run(run_name="outer"):
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(tracking.log_param, "a", 1))
        thread.start()
        thread.join()

    assert tracking.get_run("outer").data.params == {"a": "1"}


def test_tasks_of_one_loop_do_not_see_each_others_runs() -> None:
    async def work(number: int) -> None:
        with tracking.start_run(run_name=f"task-{number}", nested=True):
            await asyncio.sleep(0)
            tracking.log_param("number", number)
            await asyncio.sleep(0)

    async def main() -> None:
        with tracking.start_run(run_name="main") as outer:
            await asyncio.gather(*(work(number) for number in range(4)))
            assert tracking.active_run() is outer

    asyncio.run(main())
    parent = tracking.get_run("main").run_id
    for number in range(4):
        run = tracking.get_run(f"task-{number}")
        assert run.data.params == {"number": str(number)}
        assert run.info.parent_run_id == parent


def test_a_run_that_a_task_ended_is_no_longer_active_outside() -> None:
    async def main() -> None:
        tracking.start_run()

        async def end() -> None:
            tracking.end_run()

        await asyncio.create_task(end())
        assert tracking.active_run() is None

    asyncio.run(main())


def test_a_run_stays_in_the_store_in_which_it_began(tmp_path: Path) -> None:
    with tracking.start_run(run_name="here") as run:
        tracking.set_tracking_uri(f"sqlite:///{tmp_path}/other.db")
        tracking.log_param("a", 1)
        assert tracking.search_runs() == []

    assert run.store.runs.get(run.run_id).data.params == {"a": "1"}
    assert _status(run) is RunStatus.FINISHED


@pytest.mark.parametrize(
    ("ending", "status"),
    [("", RunStatus.FINISHED), ("raise SystemExit(3)", RunStatus.FINISHED), ("1 / 0", "FAILED")],
    ids=["ends", "exits", "raises"],
)
def test_a_script_that_never_ends_its_run_has_it_ended(
    tmp_path: Path, ending: str, status: RunStatus
) -> None:
    script = f"from evalkit import tracking\ntracking.start_run(run_name='s')\n{ending}\n"
    subprocess.run(
        [sys.executable, "-c", script],
        env={"EVALKIT_TRACKING_URI": f"sqlite:///{tmp_path}/runs.db", "PYTHONPATH": _root()},
        capture_output=True,
        check=False,
        timeout=300,
    )

    assert tracking.get_run("s").status == status


def _root() -> str:
    return str(Path(tracking.__file__).parents[2])


@pytest.mark.parametrize(
    "log",
    [
        lambda: tracking.log_param("a", 1),
        lambda: tracking.log_metric("a", 1.0),
        lambda: tracking.set_tag("a", 1),
        lambda: tracking.log_text("a", "a.txt"),
    ],
    ids=["param", "metric", "tag", "text"],
)
def test_logging_without_a_run_says_how_to_begin_one(log: object) -> None:
    assert callable(log)
    with pytest.raises(ActiveRunError, match="start_run") as caught:
        log()
    assert isinstance(caught.value, EvalkitError)

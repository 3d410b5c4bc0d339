"""Several threads and processes on one store, with real ones of each."""

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evalkit.entities.run import Metric, RunStatus
from evalkit.errors import StoreUnavailableError
from evalkit.store import open_store
from evalkit.store.sql.database import Database
from evalkit.store.sql.sqlite import SqliteDialect
from evalkit.store.sql.store import SqlStore

_EVALUATE = """
import sys
from evalkit.entities.run import Metric, RunStatus
from evalkit.store import open_store

print("ready", flush=True)
sys.stdin.readline()
with open_store(sys.argv[1]) as store:
    experiment = store.experiments.get_or_create("shared")
    for i in range(int(sys.argv[2])):
        run = store.runs.create(experiment.experiment_id)
        store.runs.log(run.run_id, metrics=[Metric(f"m{i}", i, i)], params={"i": str(i)})
        store.runs.update(run.run_id, status=RunStatus.FINISHED)
print(experiment.experiment_id)
"""


def _start(uri: str, runs: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _EVALUATE, uri, str(runs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run_at_once(uri: str, processes: int, runs: int) -> None:
    """Let processes make one store and experiment at once, and check that nothing is lost."""
    started = [_start(uri, runs) for _ in range(processes)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = []
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        output, errors = process.communicate(timeout=900)
        assert (process.returncode, errors) == (0, "")
        answers.append(output)

    number = answers[0].strip()
    assert set(answers) == {f"{number}\n"}
    with open_store(uri) as store:
        assert [e.name for e in store.experiments.search()] == ["shared", "Default"]
        made = store.runs.search([number], limit=processes * runs + 1)
        assert len(made) == processes * runs
        assert all(run.status is RunStatus.FINISHED for run in made)
        assert all(len(run.data.metrics) == len(run.data.params) == 1 for run in made)


@pytest.mark.parametrize("attempt", range(3))
def test_processes_that_make_one_store_and_experiment_at_once_all_succeed(
    tmp_path: Path, attempt: int
) -> None:
    del attempt
    _run_at_once(f"sqlite:///{tmp_path}/runs.db", processes=4, runs=5)


def test_processes_share_a_store_on_a_server(server_uri: str) -> None:
    _run_at_once(server_uri, processes=4, runs=5)


@pytest.mark.slow
def test_eight_processes_write_a_thousand_runs_each(tmp_path: Path) -> None:
    _run_at_once(f"sqlite:///{tmp_path}/runs.db", processes=8, runs=1000)


@pytest.mark.slow
def test_eight_processes_write_a_thousand_runs_each_on_a_server(server_uri: str) -> None:
    _run_at_once(server_uri, processes=8, runs=1000)


def test_threads_share_a_store(store: SqlStore) -> None:
    run_id = store.runs.create().run_id

    def work(number: int) -> None:
        own = store.runs.create().run_id
        for step in range(5):
            store.runs.log(run_id, metrics=[Metric("m", float(number), step, step)])
            store.runs.log(own, params={f"p{step}": str(number)})
        assert len(store.runs.get(own).data.params) == 5

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    assert len(store.metrics.history(run_id, "m")) == 80


def test_a_reader_is_not_held_up_by_a_writer(tmp_path: Path) -> None:
    with SqlStore(SqliteDialect(tmp_path / "runs.db"), tmp_path) as store:
        run = store.runs.create()
        with Database(SqliteDialect(tmp_path / "runs.db")).write():
            assert store.runs.get(run.run_id) == run


def test_who_waits_too_long_for_the_lock_is_told_and_writes_nothing(tmp_path: Path) -> None:
    with SqlStore(
        SqliteDialect(tmp_path / "runs.db", lock_timeout_seconds=0.05), tmp_path
    ) as store:
        with (
            Database(SqliteDialect(tmp_path / "runs.db")).write(),
            pytest.raises(StoreUnavailableError, match="locked by another process"),
        ):
            store.runs.create()
        assert store.runs.search() == []
        store.runs.create()
        assert len(store.runs.search()) == 1


def test_who_waits_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    with SqlStore(SqliteDialect(tmp_path / "runs.db"), tmp_path) as store:
        held, free = threading.Event(), threading.Event()

        def hold() -> None:
            with Database(SqliteDialect(tmp_path / "runs.db")).write():
                held.set()
                free.wait(300)

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(300)
        threading.Timer(0.05, free.set).start()
        store.runs.create()
        holder.join()
    assert free.is_set()


def _log_in_child(store: SqlStore, run_id: str) -> None:
    store.runs.log(run_id, params={"child": str(os.getpid())})


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
def test_a_forked_child_uses_the_store_and_leaves_the_parents_connections_alone(
    store: SqlStore,
) -> None:
    run_id = store.runs.create().run_id
    child = multiprocessing.get_context("fork").Process(target=_log_in_child, args=(store, run_id))
    child.start()
    child.join(30)
    store.runs.log(run_id, params={"parent": "1"})

    assert child.exitcode == 0
    assert store.runs.get(run_id).data.params == {"child": str(child.pid), "parent": "1"}


_KILLED = """
import os, signal, sys
from evalkit.entities.run import Metric
from evalkit.store import open_store

store = open_store(sys.argv[1])
run = store.runs.create(run_id="killed")
store.runs.log("killed", params={"kept": "1"})
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_what_was_logged_before_a_kill_is_kept(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    subprocess.run([sys.executable, "-c", _KILLED, uri], check=False, timeout=300)

    with open_store(uri) as store:
        run = store.runs.get("killed")
        assert run.data.params == {"kept": "1"}
        assert run.status is RunStatus.RUNNING

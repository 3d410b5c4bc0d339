"""Where an evaluation is made and kept, and what is left when that fails."""

import errno
import importlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import EvalkitError, InterruptedRunError, UsageError
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.running.execute import execute
from evalkit.evaluation.running.request import Request
from evalkit.evaluation.running.resume import reopen
from evalkit.store import open_store
from evalkit.store.sql.store import SqlStore
from evalkit.tracking import set_tracking_uri, start_run

ROWS = [{"question": f"q{i}", "expected": "a", "output": "a"} for i in range(12)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(question: str) -> str:
    return question[0]


def test_a_durable_run_has_its_files_on_the_disk_before_what_rests_on_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync = os.fsync

    def spy(handle: int) -> None:
        steps.append(Path(f"/proc/self/fd/{handle}").resolve().name)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    runtime = evalkit.Runtime(store=f"sqlite:///{folder}/a.db", durable=True)
    result = evalkit.evaluate(answer, ROWS[:3], "text.exact_match", columns={"outputs": None},
                              runtime=runtime)  # fmt: skip

    assert result.run_id is not None
    first = {name: steps.index(name) for name in steps}
    last = {name: len(steps) - 1 - steps[::-1].index(name) for name in steps}
    assert first["plan.json"] < first["journal"] or first["cases.parquet"] < first["journal"]
    for name in ("plan.json", "cases.parquet", "evaluation", "artifacts", result.run_id):
        assert first[name] < last["journal"], name  # the folder can be resumed once a call is kept
    for name in ("scores.parquet", "outputs.parquet", "result.json"):
        assert name in first, name
        assert first[name] > first["journal"], name


@pytest.mark.parametrize("name", ["cases.parquet", "plan.json"])
def test_a_start_that_finds_no_room_leaves_nothing_behind(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if name == "plan.json":
        monkeypatch.setattr(Folder, "write_plan", full)
    else:
        monkeypatch.setattr("evalkit.evaluation.running.start.spool", full)
    uri = f"sqlite:///{folder}/a.db"

    with pytest.raises((EvalkitError, OSError), match="No space"):
        evalkit.evaluate(data=ROWS, scorers="text.exact_match", runtime=evalkit.Runtime(store=uri))

    with open_store(uri) as store:
        assert store.runs.search() == []
    assert not list(folder.rglob("cases.parquet"))
    assert not list(folder.rglob(".unfinished*"))


def test_a_place_that_cannot_be_taken_ends_the_run_as_failed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("evalkit.store.artifacts.work.WorkFolder.take_name", full)
    uri = f"sqlite:///{folder}/a.db"
    with pytest.raises(OSError, match="No space"):
        evalkit.evaluate(data=ROWS, scorers="text.exact_match", runtime=evalkit.Runtime(store=uri))

    with open_store(uri) as store:
        assert [run.info.status for run in store.runs.search()] == ["FAILED"]
    assert not list(folder.rglob("cases.parquet"))


def test_a_folder_is_resumed_in_the_store_of_its_run(folder: Path) -> None:
    there = folder / "there"
    there.mkdir()
    uri = f"sqlite:///{there}/runs.db"
    rows = [{"question": "q", "expected": "q"}] * 4
    budget = evalkit.Runtime(store=uri, budget={"target": {"calls": 2}}, concurrency=1)
    part = evalkit.evaluate(answer, rows, "text.exact_match", runtime=budget)
    assert part.verdict.status == "BUDGET"

    whole = evalkit.evaluate(
        answer,
        scorers="text.exact_match",
        data=rows,
        runtime=evalkit.Runtime(resume=str(part.folder.path)),
    )

    assert whole["text.exact_match"].n_scored == 4
    assert not (folder / "evalkit.db").exists()
    with open_store(uri) as store:
        assert [run.info.status for run in store.runs.search()] == ["FINISHED"]


def test_tags_reach_a_joined_run_and_another_experiment_is_refused(folder: Path) -> None:
    set_tracking_uri(f"sqlite:///{folder}/a.db")
    try:
        with start_run() as run:
            options: dict[str, Any] = {"data": ROWS, "scorers": "text.exact_match"}
            given: dict[str, Any] = {"team": "x", "build": 7}
            with pytest.raises(UsageError, match="another experiment"):
                evalkit.evaluate(**options, experiment="mine")
            result = evalkit.evaluate(**options, tags=given)
            assert result.run_id == run.info.run_id
        with open_store(f"sqlite:///{folder}/a.db") as store:
            tags = store.runs.get(run.info.run_id).data.tags
        assert (tags["team"], tags["build"]) == ("x", "7")
    finally:
        set_tracking_uri(None)


def test_a_run_may_keep_its_artifacts_elsewhere_than_on_this_machine(folder: Path) -> None:
    pytest.importorskip("fsspec")
    set_tracking_uri(f"sqlite:///{folder}/a.db", artifact_root="memory://evaluations")
    try:
        result = evalkit.evaluate(answer, ROWS, "text.exact_match", columns={"outputs": None},
                                  name="far")  # fmt: skip
        more = result.score("text.bleu")
    finally:
        set_tracking_uri(None)
    import fsspec

    names = {Path(name).name for name in fsspec.filesystem("memory").find("/evaluations")}
    assert {
        "cases.parquet",
        "plan.json",
        "scores.parquet",
        "outputs.parquet",
        "result.json",
    } <= names
    with open_store(f"sqlite:///{folder}/a.db", artifact_root="memory://evaluations") as store:
        assert len(store.runs.search()) == 1
    assert more["text.exact_match"] == result["text.exact_match"]


def test_labels_that_no_store_takes_cost_no_finished_work(folder: Path) -> None:
    reason = "because " + "x" * 300

    def long(inputs: dict[str, Any]) -> str:
        return reason if inputs else ""

    def free(outputs: str) -> str:
        return f"label {outputs}"

    rows = [{"question": str(i), "output": str(i % 200)} for i in range(400)]
    uri = f"sqlite:///{folder}/a.db"
    result = evalkit.evaluate(data=rows, scorers=[long, free], runtime=evalkit.Runtime(store=uri))

    assert len([key for key in result.estimates if key.startswith("free=")]) == 50
    assert result["free=label 199"].value == pytest.approx(1 / 200)
    assert any("lists 50 of 200 labels" in note for note in result.facts.notes)
    again = evalkit.EvaluationResult.load(result.folder.path)
    assert again[f"long={reason}"].value == 1.0
    with open_store(uri) as store:
        (run,) = store.runs.search()
        assert run.info.status == "FINISHED"
        assert len(run.data.metrics) <= 60


def test_scorers_that_are_added_judge_no_finished_gate_again(folder: Path) -> None:
    old = evalkit.evaluate(data=ROWS, scorers="text.exact_match", name="old")
    path = old.write_baseline(folder / "old.baseline.json")
    gate = "no_regression(text.exact_match, margin=0.3)"
    result = evalkit.evaluate(data=ROWS, scorers="text.exact_match", gates=gate, baseline=path)
    path.unlink()

    more = result.score("text.token_f1")

    assert more.verdict == result.verdict
    assert more.verdict.status == "PASS"
    assert evalkit.EvaluationResult.load(str(result.run_id)).verdict == result.verdict


def test_a_finished_evaluation_stays_where_adding_to_it_is_interrupted(folder: Path) -> None:
    result = evalkit.evaluate(data=ROWS, scorers="text.exact_match", name="whole")
    assert folder.exists()

    @evalkit.scorer
    def impatient(outputs: str) -> float:
        if outputs:
            signal.raise_signal(signal.SIGINT)
        return 1.0

    with pytest.raises((InterruptedRunError, KeyboardInterrupt)):
        result.score(impatient)

    again = evalkit.EvaluationResult.load("whole")
    assert again.folder.path == result.folder.path
    assert again.estimates == result.estimates


def test_a_run_that_another_process_has_finished_stays_finished(folder: Path) -> None:
    uri = f"sqlite:///{folder}/a.db"
    budget = evalkit.Runtime(store=uri, budget={"target": {"calls": 2}}, concurrency=1)
    rows = [{"question": "q", "expected": "q"}] * 4
    part = evalkit.evaluate(answer, rows, "text.exact_match", runtime=budget)
    request = Request(
        model=answer,
        data=rows,
        scorers="text.exact_match",
        runtime=evalkit.Runtime(store=uri, resume=part.run_id),
    )
    first, second = (reopen(request, evalkit.EvaluationResult) for _ in range(2))
    execute(first)

    with pytest.raises(UsageError, match="complete already"):
        execute(second)

    with open_store(uri) as store:
        assert [run.info.status for run in store.runs.search()] == ["FINISHED"]


def test_parts_are_merged_into_a_new_folder_wherever_it_is(folder: Path) -> None:
    quiet = evalkit.Runtime(store=False)
    options: dict[str, Any] = {"data": ROWS, "scorers": "text.exact_match", "runtime": quiet}
    parts = [evalkit.evaluate(**options, shard=f"{n}/2") for n in (1, 2)]

    whole = evalkit.merge(parts, folder=folder / "new" / "deep" / "merged")

    assert whole.folder.path == folder / "new" / "deep" / "merged"
    assert evalkit.EvaluationResult.load(whole.folder.path).estimates == whole.estimates
    with pytest.raises(UsageError, match="shard"):
        evalkit.sweep({"a": answer, "b": answer}, ROWS, "text.exact_match", shard="1/2")


def test_scorers_whose_adding_was_interrupted_are_added_by_a_resume_of_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "adding.py").write_text(ADDING, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    adding: Any = importlib.import_module("adding")
    runtime = evalkit.Runtime(concurrency=1)
    whole = evalkit.evaluate("adding:answer", ROWS, "text.exact_match", name="whole",
                             columns={"outputs": None}, runtime=runtime)  # fmt: skip
    adding.armed = True
    with pytest.raises((InterruptedRunError, KeyboardInterrupt)):
        whole.score(adding.impatient)
    adding.armed = False

    more = evalkit.resume(str(whole.run_id))

    assert more.facts.status == "complete"
    assert more.estimates["text.exact_match"] == whole.estimates["text.exact_match"]
    assert more["impatient"].value == 1.0
    assert adding.calls == len(ROWS)
    assert more.usage["target"].calls == len(ROWS)
    again = evalkit.EvaluationResult.load("whole")
    assert again.estimates == more.estimates
    with pytest.raises(UsageError, match="complete"):
        evalkit.resume("whole")


ADDING = """
import signal
import evalkit

armed = False
calls = 0


def answer(question: str) -> str:
    global calls
    calls += 1
    return question[0]


@evalkit.scorer
async def impatient(outputs: str) -> float:
    if armed:
        signal.raise_signal(signal.SIGINT)
    return 1.0
"""


def test_a_run_begun_on_one_machine_is_finished_on_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec = pytest.importorskip("fsspec")
    root = "memory://begun-and-finished"
    rows = [{"question": f"q{i}", "expected": "q"} for i in range(12)]
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "first"))
    set_tracking_uri(f"sqlite:///{folder}/a.db", artifact_root=root)
    try:
        budget = evalkit.Runtime(budget={"target": {"calls": 4}}, concurrency=1)
        part = evalkit.evaluate(answer, rows, "text.exact_match", runtime=budget)
        assert part.facts.status == "budget"
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "second"))
        whole = evalkit.evaluate(answer, rows, "text.exact_match",
                                 runtime=evalkit.Runtime(resume=part.run_id))  # fmt: skip
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "third"))
        seen = evalkit.EvaluationResult.load(str(part.run_id))
        with pytest.raises(UsageError, match="complete"):
            evalkit.resume(str(part.run_id))
    finally:
        set_tracking_uri(None)

    assert whole.facts.status == "complete"
    assert whole.usage["target"].calls == 12
    assert seen.estimates == whole.estimates
    names = {Path(name).name for name in fsspec.filesystem("memory").find(root)}
    assert names.isdisjoint({"journal", "lock"})


def test_a_result_in_a_store_of_its_own_keeps_its_files() -> None:
    runtime = evalkit.Runtime(store="sqlite:///:memory:")
    result = evalkit.evaluate(data=ROWS, scorers="text.exact_match", runtime=runtime)

    assert len(result.table()) == len(ROWS)
    assert result.folder.result.is_file()
    assert result.score("text.token_f1")["text.exact_match"] == result["text.exact_match"]


def test_a_store_whose_experiment_cannot_be_made_is_closed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    close = SqlStore.close

    def spy(store: SqlStore) -> None:
        closed.append(store.uri)
        close(store)

    monkeypatch.setattr(SqlStore, "close", spy)
    runtime = evalkit.Runtime(store=f"sqlite:///{folder}/a.db")

    with pytest.raises(EvalkitError):
        evalkit.evaluate(data=ROWS, scorers="text.exact_match", experiment="x" * 5000,
                         runtime=runtime)  # fmt: skip

    assert len(closed) == 1


def test_a_baseline_is_looked_for_in_the_store_of_the_result(folder: Path) -> None:
    runtime = evalkit.Runtime(store=f"sqlite:///{folder}/team.db")
    evalkit.evaluate(data=ROWS, scorers="text.exact_match", name="old", runtime=runtime)
    new = evalkit.evaluate(data=ROWS, scorers="text.exact_match", name="new", runtime=runtime)

    assert new.check("no_regression(text.exact_match, margin=0.3)", baseline="old").status == "PASS"
    assert new.plan(detect=0.1, baseline="old").detect == 0.1
    assert new.compare("old").baseline == "new"
    assert not (folder / "evalkit.db").exists()


def test_a_run_and_a_file_of_one_name_are_told_apart_by_the_ending(folder: Path) -> None:
    old = evalkit.evaluate(data=ROWS, scorers="text.exact_match", name="nightly")
    (folder / "nightly").write_text("notes", encoding="utf-8")
    gate = "no_regression(text.exact_match, margin=0.3)"
    new = evalkit.evaluate(data=ROWS, scorers="text.exact_match", gates=gate, baseline="nightly")

    assert new.facts.plan.baseline is not None
    assert new.facts.plan.baseline.reference == str(old.folder.path)
    assert new.check(gate).status == "PASS"

import re
from collections.abc import Callable

import pytest

from evalkit._internal import clock
from evalkit.entities.run import LifecycleStage, Run, RunStatus, ViewType
from evalkit.errors import (
    AlreadyExistsError,
    AmbiguousRunError,
    DeletedRunError,
    ExperimentNotFoundError,
    RunNotFoundError,
    UsageError,
)
from evalkit.store.sql.store import SqlStore


def test_a_new_run_is_running_and_has_an_id_and_a_readable_name(store: SqlStore) -> None:
    before = clock.now_milliseconds()
    run = store.runs.create(user="ada", tags={"stage": "dev"})

    assert re.fullmatch("[0-9a-f]{32}", run.run_id)
    assert re.fullmatch("[a-z]+-[a-z]+-[0-9]{1,3}", run.run_name)
    assert run.status is RunStatus.RUNNING
    assert before <= run.info.start_time <= clock.now_milliseconds()
    assert run.info.end_time is None
    assert run.info.user_id == "ada"
    assert run.data.tags == {"mlflow.runName": run.run_name, "stage": "dev"}
    assert store.runs.get(run.run_id) == run


def test_what_is_given_is_kept(store: SqlStore) -> None:
    parent = store.runs.create(run_id="sweep_1")
    child = store.runs.create(run_id="A-1", name="bot", parent_run_id=parent.run_id, start_time=42)

    assert (child.run_id, child.run_name, child.info.start_time) == ("A-1", "bot", 42)
    assert child.info.parent_run_id == child.data.tags["mlflow.parentRunId"] == "sweep_1"
    assert store.runs.search(parent_run_id="sweep_1") == [child]


def test_tags_of_mlflow_clients_name_run_and_parent(store: SqlStore) -> None:
    parent = store.runs.create()
    child = store.runs.create(tags={"mlflow.runName": "bot", "mlflow.parentRunId": parent.run_id})
    store.runs.set_tags(parent.run_id, {"mlflow.runName": "sweep"})

    assert (child.run_name, child.info.parent_run_id) == ("bot", parent.run_id)
    assert store.runs.resolve("sweep").run_id == parent.run_id


@pytest.mark.parametrize(
    "run_id", ["", "../up", "a/b", "a b", "x" * 65, "models", "traces", ".", "é", "a\n"]
)
def test_an_id_that_is_no_folder_name_is_refused(store: SqlStore, run_id: str) -> None:
    with pytest.raises(UsageError):
        store.runs.create(run_id=run_id)
    assert store.runs.search() == []


def test_a_taken_id_is_refused(store: SqlStore) -> None:
    store.runs.create(run_id="one")
    with pytest.raises(AlreadyExistsError, match="'one'"):
        store.runs.create(run_id="one")


def test_a_run_needs_an_experiment_and_a_parent_that_exist(store: SqlStore) -> None:
    with pytest.raises(ExperimentNotFoundError):
        store.runs.create("7")
    with pytest.raises(RunNotFoundError):
        store.runs.create(parent_run_id="nobody")


def test_a_final_status_ends_a_run_and_resuming_it_takes_the_end_away(store: SqlStore) -> None:
    run = store.runs.create()

    ended = store.runs.update(run.run_id, status=RunStatus.FAILED)
    assert ended.status is RunStatus.FAILED
    assert ended.info.end_time is not None
    assert ended.info.end_time >= run.info.start_time
    assert store.runs.update(run.run_id, status=RunStatus.RUNNING).info.end_time is None
    assert store.runs.update(run.run_id, end_time=9).info.end_time == 9
    assert store.runs.update(run.run_id, name="renamed").data.tags["mlflow.runName"] == "renamed"
    assert store.runs.get(run.run_id).run_name == "renamed"
    assert store.runs.update(run.run_id, status=RunStatus.KILLED, end_time=7).info.end_time == 7


def test_a_deleted_run_is_hidden_and_cannot_be_written(store: SqlStore) -> None:
    run = store.runs.create(name="bot")
    store.runs.delete(run.run_id)

    assert store.runs.get(run.run_id).info.lifecycle_stage is LifecycleStage.DELETED
    assert store.runs.search() == []
    assert [r.run_id for r in store.runs.search(view=ViewType.DELETED_ONLY)] == [run.run_id]
    with pytest.raises(RunNotFoundError):
        store.runs.resolve("bot")
    writes: list[Callable[[], object]] = [
        lambda: store.runs.set_tags(run.run_id, {"a": "b"}),
        lambda: store.runs.delete_tag(run.run_id, "a"),
        lambda: store.runs.update(run.run_id, status=RunStatus.FINISHED),
        lambda: store.summaries.write(run.run_id, []),
    ]
    for write in writes:
        with pytest.raises(DeletedRunError, match="restore it"):
            write()

    store.runs.restore(run.run_id)
    assert store.runs.resolve("bot").run_id == run.run_id


def test_runs_are_found_newest_first_and_page_by_page(store: SqlStore) -> None:
    other = store.experiments.create("other").experiment_id
    times = [30, 10, 20, 20, 40]
    made = [store.runs.create(start_time=time, run_id=f"r{i}") for i, time in enumerate(times)]
    elsewhere = store.runs.create(other, start_time=25, run_id="else")
    newest_first = ["r4", "r0", "else", "r3", "r2", "r1"]

    def ids(found: list[Run]) -> list[str]:
        return [run.run_id for run in found]

    assert ids(store.runs.search()) == newest_first
    assert ids(store.runs.search(["0"])) == [i for i in newest_first if i != "else"]
    assert store.runs.search([other]) == [elsewhere]
    assert store.runs.search([]) == []
    paged: list[str] = []
    while page := ids(store.runs.search(limit=2, after=paged[-1] if paged else None)):
        paged += page
    assert paged == newest_first
    assert made[0] in store.runs.search(limit=2)


def test_runs_are_found_by_status_name_and_all_of_their_tags(store: SqlStore) -> None:
    plain = store.runs.create(name="bot", tags={"a": "1"})
    both = store.runs.create(name="bot", tags={"a": "1", "b": "%"})
    store.runs.update(plain.run_id, status=RunStatus.FINISHED)

    def ids(**filters: object) -> set[str]:
        return {run.run_id for run in store.runs.search(**filters)}  # type: ignore[arg-type]

    assert ids(statuses=[RunStatus.FINISHED]) == {plain.run_id}
    assert ids(statuses=[]) == set()
    assert ids(name="bot") == {plain.run_id, both.run_id}
    assert ids(tags={"a": "1", "b": "%"}) == {both.run_id}
    assert ids(tags={"a": "%"}) == set()


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(store: SqlStore, limit: int) -> None:
    with pytest.raises(UsageError, match="limit"):
        store.runs.search(limit=limit)


def test_a_person_finds_a_run_by_what_they_call_it(store: SqlStore) -> None:
    old = store.runs.create(run_id="abcd1111", name="bot", start_time=1)
    mid = store.runs.create(run_id="abcd2222", name="bot", start_time=2)
    new = store.runs.create(run_id="eeee3333", name="abcd1111", start_time=3)

    assert store.runs.resolve("latest") == store.runs.resolve("latest~0") == new
    assert store.runs.resolve("latest~2") == old
    assert store.runs.resolve("bot") == mid
    assert store.runs.resolve("abcd1111") == old  # an id goes before a name
    assert store.runs.resolve("abcd2") == mid
    assert store.runs.resolve("eeee") == new
    with pytest.raises(AmbiguousRunError, match="abcd2222, abcd1111"):
        store.runs.resolve("abcd")


@pytest.mark.parametrize(
    "reference",
    ["latest~9", "latest~", "latest~-1", "", "eee", "zzzz", "____", "%%%%", "latest~" + "9" * 40],
)
def test_a_reference_to_nothing_is_not_found(store: SqlStore, reference: str) -> None:
    store.runs.create(run_id="eeee3333", name="bot")

    with pytest.raises(RunNotFoundError):
        store.runs.resolve(reference)


def test_a_misspelt_name_is_answered_with_the_right_one(store: SqlStore) -> None:
    store.runs.create(name="baseline")

    with pytest.raises(RunNotFoundError, match="Did you mean 'baseline'"):
        store.runs.resolve("baselin")


def test_a_reference_can_be_kept_to_one_experiment(store: SqlStore) -> None:
    other = store.experiments.create("other").experiment_id
    here = store.runs.create(other, start_time=1)
    store.runs.create(start_time=2)

    assert store.runs.resolve("latest", experiment_id=other) == here

from pathlib import Path

import pytest

from evalkit.entities.run import LifecycleStage, ViewType
from evalkit.errors import AlreadyExistsError, ExperimentNotFoundError, UsageError
from evalkit.store.sql.store import SqlTrackingStore


def test_a_new_store_has_the_default_experiment(store: SqlTrackingStore) -> None:
    default = store.get_experiment("0")

    assert default.name == "Default"
    assert default.artifact_location.startswith("file:///")
    assert store.search_experiments() == [default]


def test_a_created_experiment_is_found_by_id_and_by_name(store: SqlTrackingStore) -> None:
    made = store.create_experiment("qa", tags={"team": "blue"})

    assert made.experiment_id == "1"
    assert made.tags == {"team": "blue"}
    assert made.creation_time == made.last_update_time > 0
    assert store.get_experiment("1") == made
    assert store.get_experiment_by_name("qa") == made
    assert store.get_experiment_by_name("QA ") is None


def test_getting_or_creating_creates_once(store: SqlTrackingStore) -> None:
    assert store.get_or_create_experiment("qa") == store.get_or_create_experiment("qa")
    assert [e.name for e in store.search_experiments()] == ["qa", "Default"]


def test_a_taken_name_is_refused_with_the_way_out(store: SqlTrackingStore) -> None:
    store.create_experiment("qa")

    with pytest.raises(AlreadyExistsError, match=r"already an experiment 'qa'; use that one"):
        store.create_experiment("qa")


def test_a_deleted_experiment_keeps_its_name_and_takes_no_runs(store: SqlTrackingStore) -> None:
    made = store.create_experiment("qa")
    store.delete_experiment(made.experiment_id)

    assert store.get_experiment("1").lifecycle_stage is LifecycleStage.DELETED
    assert [e.name for e in store.search_experiments()] == ["Default"]
    assert [e.name for e in store.search_experiments(view=ViewType.DELETED_ONLY)] == ["qa"]
    assert len(store.search_experiments(view=ViewType.ALL)) == 2
    for create in (store.create_experiment, store.get_or_create_experiment):
        with pytest.raises(AlreadyExistsError, match="restore it"):
            create("qa")
    with pytest.raises(ExperimentNotFoundError):
        store.create_run("1")

    store.restore_experiment("1")
    assert store.create_run("1").experiment_id == "1"


def test_setting_a_tag_again_changes_it(store: SqlTrackingStore) -> None:
    made = store.create_experiment("qa", tags={"a": "1", "b": "2"})
    store.set_experiment_tags(made.experiment_id, {"a": "3"})

    assert store.get_experiment(made.experiment_id).tags == {"a": "3", "b": "2"}


@pytest.mark.parametrize("unknown", ["7", "", "-1", "x", "²", "9" * 30, "0; --"])
def test_an_unknown_id_is_not_found(store: SqlTrackingStore, unknown: str) -> None:
    with pytest.raises(ExperimentNotFoundError):
        store.get_experiment(unknown)


@pytest.mark.parametrize("name", ["", "  ", "x" * 501], ids=["empty", "blank", "too-long"])
def test_a_name_that_cannot_be_kept_is_refused(store: SqlTrackingStore, name: str) -> None:
    with pytest.raises(UsageError):
        store.create_experiment(name)


def test_a_folder_that_moves_takes_its_artifacts_along(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    with SqlTrackingStore(before / "runs.db", before / "artifacts") as store:
        run_id = store.create_run().run_id
        store.artifact_uri(run_id)
    before.rename(after)

    with SqlTrackingStore(after / "runs.db", after / "artifacts") as store:
        assert store.artifact_uri(run_id).startswith(after.as_uri())

from pathlib import Path

import pytest

from evalkit.entities.run import LifecycleStage, ViewType
from evalkit.errors import AlreadyExistsError, ExperimentNotFoundError, UsageError
from evalkit.store import open_store
from evalkit.store.sql.store import SqlStore


def test_a_new_store_has_the_default_experiment(store: SqlStore) -> None:
    default = store.experiments.get("0")

    assert default.name == "Default"
    assert default.artifact_location.startswith("file:///")
    assert store.experiments.search() == [default]


def test_a_created_experiment_is_found_by_id_and_by_name(store: SqlStore) -> None:
    made = store.experiments.create("qa", tags={"team": "blue"})

    assert made.experiment_id == "1"
    assert made.tags == {"team": "blue"}
    assert made.creation_time == made.last_update_time > 0
    assert store.experiments.get("1") == made
    assert store.experiments.find("qa") == made
    assert store.experiments.find("QA ") is None


def test_getting_or_creating_creates_once(store: SqlStore) -> None:
    assert store.experiments.get_or_create("qa") == store.experiments.get_or_create("qa")
    assert [e.name for e in store.experiments.search()] == ["qa", "Default"]


def test_a_taken_name_is_refused_with_the_way_out(store: SqlStore) -> None:
    store.experiments.create("qa")

    with pytest.raises(AlreadyExistsError, match=r"already an experiment 'qa'; use that one"):
        store.experiments.create("qa")


def test_a_deleted_experiment_keeps_its_name_and_takes_no_runs(store: SqlStore) -> None:
    made = store.experiments.create("qa")
    store.experiments.delete(made.experiment_id)

    assert store.experiments.get("1").lifecycle_stage is LifecycleStage.DELETED
    assert [e.name for e in store.experiments.search()] == ["Default"]
    assert [e.name for e in store.experiments.search(view=ViewType.DELETED_ONLY)] == ["qa"]
    assert len(store.experiments.search(view=ViewType.ALL)) == 2
    for create in (store.experiments.create, store.experiments.get_or_create):
        with pytest.raises(AlreadyExistsError, match="restore it"):
            create("qa")
    with pytest.raises(ExperimentNotFoundError):
        store.runs.create("1")

    store.experiments.restore("1")
    assert store.runs.create("1").experiment_id == "1"


def test_setting_a_tag_again_changes_it(store: SqlStore) -> None:
    made = store.experiments.create("qa", tags={"a": "1", "b": "2"})
    store.experiments.set_tags(made.experiment_id, {"a": "3"})

    assert store.experiments.get(made.experiment_id).tags == {"a": "3", "b": "2"}


@pytest.mark.parametrize("unknown", ["7", "", "-1", "x", "²", "9" * 30, "0; --"])
def test_an_unknown_id_is_not_found(store: SqlStore, unknown: str) -> None:
    with pytest.raises(ExperimentNotFoundError):
        store.experiments.get(unknown)


@pytest.mark.parametrize("name", ["", "  ", "x" * 501], ids=["empty", "blank", "too-long"])
def test_a_name_that_cannot_be_kept_is_refused(store: SqlStore, name: str) -> None:
    with pytest.raises(UsageError):
        store.experiments.create(name)


def test_a_folder_that_moves_takes_its_artifacts_along(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    with open_store(f"sqlite:///{before}/runs.db") as store:
        run_id = store.runs.create().run_id
        store.runs.artifact_uri(run_id)
    before.rename(after)

    with open_store(f"sqlite:///{after}/runs.db") as store:
        assert store.runs.artifact_uri(run_id).startswith(after.as_uri())

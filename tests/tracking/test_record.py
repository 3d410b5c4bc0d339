import math
from pathlib import Path

import pytest

from evalkit import tracking
from evalkit.entities.run import FileInfo, LifecycleStage
from evalkit.errors import (
    AlreadyExistsError,
    ArtifactPathError,
    ExperimentNotFoundError,
    ParamChangedError,
    RunNotFoundError,
    UsageError,
)


def test_what_is_logged_is_found() -> None:
    with tracking.start_run(run_name="bot") as run:
        tracking.log_param("model", None)
        tracking.log_params({"depth": 3, "rate": 0.5})
        tracking.log_metric("loss", 2)
        tracking.log_metric("loss", 1.5, step=1)
        tracking.log_metrics({"f1": 0.75, "odd": math.inf}, timestamp=5)
        tracking.set_tag("stage", "dev")
        tracking.set_tags({"a": 1, "b": True})
        tracking.delete_tag("a")

    data = tracking.get_run("bot").data
    assert data.params == {"model": "None", "depth": "3", "rate": "0.5"}
    assert data.metrics == {"f1": 0.75, "loss": 1.5, "odd": math.inf}
    assert {m.key: m.timestamp for m in data.latest_metrics}["f1"] == 5
    assert data.tags.items() >= {"stage": "dev", "b": "True"}.items()
    assert "a" not in data.tags
    assert [m.value for m in run.store.metrics.history(run.run_id, "loss")] == [2.0, 1.5]


def test_a_run_can_be_written_by_its_id_without_being_active() -> None:
    run_id = tracking.current_store().runs.create(name="bot").run_id
    tracking.log_param("a", 1, run_id=run_id)
    tracking.log_metric("m", 1.0, run_id=run_id)
    tracking.log_text("hello", "notes/a.txt", run_id=run_id)

    assert tracking.get_run("bot").data.params == {"a": "1"}
    assert [file.path for file in tracking.list_artifacts("bot", "notes")] == ["notes/a.txt"]


def test_a_param_never_changes() -> None:
    with tracking.start_run():
        tracking.log_param("a", 1)
        tracking.log_param("a", 1)
        with pytest.raises(ParamChangedError):
            tracking.log_param("a", 2)


def test_files_and_folders_are_logged(tmp_path: Path) -> None:
    source = tmp_path / "plots"
    (source / "deep").mkdir(parents=True)
    (source / "roc.svg").write_text("<svg/>")
    (source / "deep/pr.svg").write_text("<svg></svg>")
    with tracking.start_run(run_name="bot"):
        tracking.log_artifact(source / "roc.svg")
        tracking.log_artifact(str(source / "roc.svg"), "one/two")
        tracking.log_artifacts(source, "all")
        tracking.log_text("é", "notes.txt")
        folder = tracking.artifact_folder()

    assert tracking.list_artifacts("bot") == [
        FileInfo(path="all", is_dir=True),
        FileInfo(path="notes.txt", is_dir=False, file_size=2),
        FileInfo(path="one", is_dir=True),
        FileInfo(path="roc.svg", is_dir=False, file_size=6),
    ]
    assert (folder / "all/deep/pr.svg").read_text() == "<svg></svg>"
    assert (folder / "one/two/roc.svg").read_text() == "<svg/>"


def test_what_is_no_file_or_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with tracking.start_run():
        with pytest.raises(UsageError, match="log_artifacts"):
            tracking.log_artifact(tmp_path)
        with pytest.raises(UsageError, match="log_artifact"):
            tracking.log_artifacts(tmp_path / "file")
        with pytest.raises(ArtifactPathError):
            tracking.log_artifact(tmp_path / "file", "../..")
        with pytest.raises(ArtifactPathError):
            tracking.log_text("", "/etc/evil")
        with pytest.raises(ArtifactPathError):
            tracking.list_artifacts(None, "..")


def test_runs_go_into_the_experiment_that_was_set() -> None:
    experiment = tracking.set_experiment("qa")
    with tracking.start_run(run_name="in-qa"):
        pass
    assert tracking.set_experiment("qa") == experiment
    tracking.set_experiment(None)
    with tracking.start_run(run_name="in-default"):
        pass

    assert tracking.get_run("in-qa").experiment_id == experiment.experiment_id
    assert [run.run_name for run in tracking.search_runs("qa")] == ["in-qa"]
    assert [run.run_name for run in tracking.search_runs(["qa", "Default"])] == [
        "in-default",
        "in-qa",
    ]
    assert [e.name for e in tracking.search_experiments()] == ["qa", "Default"]


def test_an_experiment_follows_to_another_store(tmp_path: Path) -> None:
    tracking.set_experiment("qa")
    tracking.set_tracking_uri(f"sqlite:///{tmp_path}/other.db")
    with tracking.start_run():
        pass

    assert len(tracking.search_runs("qa")) == 1


def test_a_deleted_experiment_is_not_set() -> None:
    experiment = tracking.set_experiment("qa")
    tracking.current_store().experiments.delete(experiment.experiment_id)

    with pytest.raises(AlreadyExistsError, match="restore"):
        tracking.set_experiment("qa")


def test_runs_are_searched_by_status_tags_and_name() -> None:
    with tracking.start_run(run_name="a", tags={"t": "1"}):
        pass
    with tracking.start_run(run_name="b") as run:
        found = {r.run_name for r in tracking.search_runs(status="running")}
        assert found == {"b"}
        run.store.runs.delete(tracking.get_run("a").run_id)
        assert tracking.search_runs(tags={"t": "1"}) == []
        run.store.runs.restore(run.store.runs.search(name="b")[0].run_id)
    assert [r.run_name for r in tracking.search_runs(name="b", limit=1)] == ["b"]
    assert tracking.get_run("b").info.lifecycle_stage is LifecycleStage.ACTIVE


def test_a_misspelt_status_or_experiment_is_answered_with_the_right_one() -> None:
    tracking.set_experiment("questions")
    with pytest.raises(UsageError, match="Did you mean 'FINISHED'"):
        tracking.search_runs(status="finishd")
    with pytest.raises(ExperimentNotFoundError, match="Did you mean 'questions'"):
        tracking.search_runs("question")


def test_the_environment_names_the_store_until_one_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking.set_tracking_uri(None)
    monkeypatch.setenv("EVALKIT_TRACKING_URI", f"sqlite:///{tmp_path}/env.db")
    assert tracking.get_tracking_uri() == f"sqlite:///{tmp_path}/env.db"
    first = tracking.current_store()
    assert tracking.current_store() is first
    tracking.set_tracking_uri("sqlite://", artifact_root=tmp_path / "files")

    assert tracking.current_store() is not first
    with tracking.start_run(run_name="r"):
        assert tracking.artifact_folder().is_relative_to(tmp_path / "files")


def test_the_history_of_a_metric_is_read_back_by_whatever_names_the_run() -> None:
    with tracking.start_run(run_name="training") as run:
        for step, loss in [(3, 0.5), (1, 2.0), (2, float("nan"))]:
            tracking.log_metric("loss", loss, step=step)

    for name in (run.run_id, run.run_id[:8], "training", "latest"):
        points = tracking.get_metric_history(name, "loss")
        assert [point.step for point in points] == [1, 2, 3]
        assert [str(point.value) for point in points] == ["2.0", "nan", "0.5"]
    assert tracking.get_metric_history("latest", "never") == []
    with pytest.raises(RunNotFoundError):
        tracking.get_metric_history("nothing", "loss")

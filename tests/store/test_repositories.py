"""Places of artifacts: a folder here, and one behind fsspec, keep one contract."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from evalkit import tracking
from evalkit.entities.run import FileInfo
from evalkit.errors import ArtifactPathError, MissingExtraError, StoreUnavailableError, UsageError
from evalkit.store import open_store
from evalkit.store.artifacts import ArtifactRepository, open_repository


@pytest.fixture(params=["file", "memory"])
def repository(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ArtifactRepository:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "file":
        return open_repository((tmp_path / "kept").as_uri())
    return open_repository(f"memory://{uuid.uuid4().hex}/kept")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with a file in it and one in a folder below."""
    folder = tmp_path / "made"
    (folder / "plots").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "plots/roc.png").write_bytes(b"12345")
    return folder


def test_a_folder_comes_back_as_it_was_put(repository: ArtifactRepository, made: Path) -> None:
    repository.put(made, "evaluation")

    folder = repository.get("evaluation")
    assert (folder / "a.txt").read_text() == "a"
    assert (folder / "plots/roc.png").read_bytes() == b"12345"
    assert repository.get("evaluation/plots/roc.png").read_bytes() == b"12345"
    assert (repository.get() / "evaluation/a.txt").read_text() == "a"


def test_a_file_is_put_and_written_anew(repository: ArtifactRepository, made: Path) -> None:
    repository.put(made / "a.txt", "notes/b.txt")
    assert repository.get("notes/b.txt").read_text() == "a"

    repository.write("notes/b.txt", b"new")
    assert repository.get("notes/b.txt").read_bytes() == b"new"


def test_entries_are_listed_by_name_with_their_sizes(
    repository: ArtifactRepository, made: Path
) -> None:
    repository.put(made)

    assert repository.list() == [
        FileInfo(path="a.txt", is_dir=False, file_size=1),
        FileInfo(path="plots", is_dir=True),
    ]
    assert repository.list("plots") == [FileInfo(path="plots/roc.png", is_dir=False, file_size=5)]
    assert repository.list("absent") == repository.list("a.txt") == []


def test_what_is_deleted_is_gone_and_deleting_twice_is_fine(
    repository: ArtifactRepository, made: Path
) -> None:
    repository.put(made)
    for _ in range(2):
        repository.delete("plots")
        repository.delete("a.txt")

    assert repository.list() == []


def test_what_is_not_there_cannot_be_got(repository: ArtifactRepository) -> None:
    for path in ("", "evaluation"):
        with pytest.raises(FileNotFoundError):
            repository.get(path)


@pytest.mark.parametrize("path", ["../up", "/etc/passwd", "a/../../up", "a\\b"])
def test_a_path_that_leaves_the_place_is_refused(
    repository: ArtifactRepository, made: Path, path: str
) -> None:
    for act in (
        lambda: repository.put(made / "a.txt", path),
        lambda: repository.write(path, b""),
        lambda: repository.get(path),
        lambda: repository.list(path),
        lambda: repository.delete(path),
    ):
        with pytest.raises(ArtifactPathError):
            act()


def test_a_missing_source_is_the_callers_error(
    repository: ArtifactRepository, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        repository.put(tmp_path / "absent", "a")
    assert repository.list() == []


def test_what_was_fetched_is_fetched_again_only_if_it_changed(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repository = open_repository(f"memory://{uuid.uuid4().hex}")
    repository.put(made, "evaluation")

    first = repository.get("evaluation")
    assert repository.get("evaluation") == first
    repository.write("evaluation/a.txt", b"longer")
    second = repository.get("evaluation")

    assert second != first
    assert (first / "a.txt").read_text() == "a"
    assert (second / "a.txt").read_text() == "longer"
    assert not list(first.parent.glob(".*"))


def test_equal_addresses_share_a_folder_for_work() -> None:
    one, same, other = (open_repository(f"memory://{name}") for name in ("a/b", "a/b/", "a/c"))

    assert one.work == same.work != other.work


@pytest.mark.parametrize("uri", ["", "/plain/path", "nowhere://a/b"])
def test_a_uri_of_no_place_is_refused(uri: str) -> None:
    with pytest.raises(UsageError):
        open_repository(uri)


def test_without_fsspec_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)

    with pytest.raises(
        MissingExtraError, match=r"of the extra 'remote'.* run: pip install 'fsspec"
    ):
        open_repository("memory://a")


def test_a_place_that_fails_is_one_clear_error(made: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    repository = open_repository(f"local://{tmp_path}/taken/kept")

    with pytest.raises(StoreUnavailableError, match=r"taken.*cannot be read or written"):
        repository.put(made, "evaluation")


def test_a_store_keeps_its_artifacts_where_it_is_told(tmp_path: Path) -> None:
    root = f"memory://{uuid.uuid4().hex}"
    with open_store(f"sqlite:///{tmp_path}/runs.db", artifact_root=root) as store:
        run = store.runs.create()

        assert store.runs.artifact_uri(run.run_id) == run.info.artifact_uri
        assert run.info.artifact_uri == f"{root}/0/{run.run_id}/artifacts"
        assert store.experiments.get("0").artifact_location == f"{root}/0"


def test_artifacts_are_logged_to_another_place(made: Path, tmp_path: Path) -> None:
    root = f"memory://{uuid.uuid4().hex}"
    tracking.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db", artifact_root=root)
    try:
        with tracking.start_run():
            tracking.log_text("hello", "notes/note.txt")
            tracking.log_artifact(made / "a.txt", "notes")
            tracking.log_artifacts(made, "all")

            assert [f.path for f in tracking.list_artifacts(artifact_path="notes")] == [
                "notes/a.txt",
                "notes/note.txt",
            ]
            assert len(tracking.list_artifacts(artifact_path="all/plots")) == 1
            with pytest.raises(UsageError, match="not a folder on this machine"):
                tracking.artifact_folder()
    finally:
        tracking.set_tracking_uri(None)


def test_local_artifacts_need_no_fsspec() -> None:
    check = (
        "import sys\n"
        "from evalkit.store.artifacts import open_repository\n"
        "open_repository('file:///tmp')\n"
        "assert 'fsspec' not in sys.modules and 'sqlalchemy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)

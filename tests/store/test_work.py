"""A folder of work: hidden until it has its name, gone if the work fails, safe from power cuts."""

import gc
import os
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evalkit.errors import ArtifactPathError, StoreUnavailableError
from evalkit.store.artifacts import WorkFolder, open_repository


def test_a_folder_is_hidden_until_it_settles(tmp_path: Path) -> None:
    repository = open_repository(tmp_path.as_uri())
    with WorkFolder.reserve(tmp_path) as work:
        work.write("plan.json", b"{}")
        assert repository.list() == []
        assert stat.S_IMODE(work.path.stat().st_mode) == 0o700

        assert work.settle(repository, "evaluation") == "evaluation"

    assert work.path == tmp_path / "evaluation"
    assert (tmp_path / "evaluation/plan.json").read_bytes() == b"{}"
    assert list(tmp_path.iterdir()) == [work.path]


def test_work_that_fails_before_it_settles_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with WorkFolder.reserve(tmp_path / "runs") as work:
            work.write("a/b", b"x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list((tmp_path / "runs").iterdir()) == []


def test_work_that_fails_after_it_settled_is_there_to_go_on_with(tmp_path: Path) -> None:
    repository = open_repository(tmp_path.as_uri())

    def fail() -> None:
        with WorkFolder.reserve(tmp_path) as work:
            work.settle(repository, "evaluation")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    again = WorkFolder.reopen(repository, "evaluation")
    again.write("journal", b"x")
    again.publish()
    assert [entry.path for entry in repository.list("evaluation")] == ["evaluation/journal"]


def test_a_taken_name_is_counted_up(tmp_path: Path) -> None:
    repository = open_repository(tmp_path.as_uri())
    names = [WorkFolder.reserve(tmp_path).settle(repository, "evaluation") for _ in range(3)]

    assert names == ["evaluation", "evaluation-2", "evaluation-3"]


def test_who_settles_at_once_gets_a_name_of_their_own(tmp_path: Path) -> None:
    repository = open_repository(tmp_path.as_uri())

    def settle(number: int) -> str:
        work = WorkFolder.reserve(tmp_path)
        work.write("number", str(number).encode())
        return work.settle(repository, "evaluation")

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(settle, range(24)))

    assert len(set(names)) == 24
    kept = {int((tmp_path / name / "number").read_text()) for name in names}
    assert kept == set(range(24))


def test_work_for_another_place_is_published_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repository = open_repository(f"memory://{uuid.uuid4().hex}")
    repository.write("evaluation/old", b"")

    work = WorkFolder.reserve(repository.work)
    name = work.settle(repository, "evaluation")
    work.write("result.json", b"{}")
    assert repository.list(name) == []

    WorkFolder.reopen(repository, name).publish()
    assert name == "evaluation-2"
    assert (repository.get(name) / "result.json").read_bytes() == b"{}"


def test_a_temporary_folder_goes_with_who_holds_it() -> None:
    work = WorkFolder.temporary()
    path = work.write("a", b"").parent
    assert path.is_dir()

    del work
    gc.collect()
    assert not path.exists()


def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactPathError):
        WorkFolder.reserve(tmp_path).write("../up", b"")


def test_a_place_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(StoreUnavailableError, match="taken"):
        WorkFolder.reserve(tmp_path / "taken")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Paths that were forced to the disk, by the names that they had then."""
    paths: list[Path] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        paths.append(Path(os.path.realpath(f"/proc/self/fd/{handle}")))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    return paths


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks the system")


@needs_proc
def test_durable_work_is_on_the_disk_step_by_step(tmp_path: Path, synced: list[Path]) -> None:
    repository = open_repository((tmp_path / "new/run").as_uri())
    work = WorkFolder.reserve(tmp_path, durable=True)
    hidden = work.path

    work.write("plan.json", b"{}")
    assert synced[0].parent == hidden  # the content, before it has its name
    assert synced[1] == hidden  # and then the name
    synced.clear()

    (hidden / "cases.parquet").write_bytes(b"rows")  # another writer's
    work.settle(repository, "evaluation")
    before, after = synced[:3], synced[3:]
    assert set(before) == {hidden / "plan.json", hidden / "cases.parquet", hidden}
    assert before[-1] == hidden
    assert after[:3] == [tmp_path / "new/run", tmp_path / "new", tmp_path]
    synced.clear()

    (work.path / "result.json").write_bytes(b"{}")
    work.publish()
    assert {work.path / "result.json", work.path} <= set(synced)


@needs_proc
def test_other_work_waits_for_no_disk(tmp_path: Path, synced: list[Path]) -> None:
    work = WorkFolder.reserve(tmp_path)
    work.write("plan.json", b"{}")
    work.settle(open_repository((tmp_path / "runs").as_uri()), "evaluation")
    work.publish()

    assert synced == []

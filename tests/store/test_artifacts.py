import errno
import os
import stat
from pathlib import Path

import pytest

from evalkit.entities.run import FileInfo
from evalkit.errors import ArtifactPathError, StoreUnavailableError, UsageError
from evalkit.store.artifacts import (
    ArtifactRoot,
    atomic_file,
    copy_file_atomic,
    inside,
    list_files,
    local_folder,
    write_bytes_atomic,
)
from evalkit.store.sql.store import SqlStore


def test_a_run_has_a_folder_of_its_own_that_only_its_owner_reads(store: SqlStore) -> None:
    run = store.runs.create()
    folder = local_folder(store.runs.artifact_uri(run.run_id))

    assert run.info.artifact_uri == store.runs.artifact_uri(run.run_id)
    assert folder.parts[-4:] == ("artifacts", "0", run.run_id, "artifacts")
    for path in (folder, *list(folder.parents)[:3]):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../up",
        "a/../../up",
        "/etc/passwd",
        "//etc",
        "a\\..\\b",
        "C:/windows",
        "a\0b",
    ],
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ArtifactPathError):
        inside(tmp_path, path)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/out").symlink_to(tmp_path)
    (tmp_path / "run/here").symlink_to(tmp_path / "run")

    with pytest.raises(ArtifactPathError, match="link"):
        inside(tmp_path / "run", "out/secret")
    assert inside(tmp_path / "run", "here/file").name == "file"


@pytest.mark.parametrize("run_id", ["..", "a/b", "", "/abs"])
def test_an_id_that_is_no_folder_name_has_no_folder(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(ArtifactPathError):
        ArtifactRoot(tmp_path).run_uri("0", run_id)


def test_a_folder_whose_name_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not UTF-8"):
        ArtifactRoot(tmp_path / os.fsdecode(b"odd\xff"))


def test_a_file_is_written_whole_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "a/b/c.bin"
    write_bytes_atomic(path, b"one")
    write_bytes_atomic(path, b"two")

    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_bytes_atomic(path, b"old")

    def write_half() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            assert path.read_bytes() == b"old"
            assert [info.path for info in list_files(tmp_path)] == ["file"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreUnavailableError, match=r"No space left.*free some space"),
        atomic_file(tmp_path / "file"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(StoreUnavailableError, match="taken"):
        write_bytes_atomic(tmp_path / "taken/file", b"")


def test_a_file_is_copied_and_a_missing_one_is_the_callers_error(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 3_000_000)
    copy_file_atomic(tmp_path / "source", tmp_path / "to/copy")

    assert (tmp_path / "to/copy").read_bytes() == b"x" * 3_000_000
    with pytest.raises(FileNotFoundError):
        copy_file_atomic(tmp_path / "absent", tmp_path / "to/other")
    assert not (tmp_path / "to/other").exists()


def test_files_are_listed_by_name_with_their_sizes(tmp_path: Path) -> None:
    write_bytes_atomic(tmp_path / "plots/roc.png", b"12345")
    write_bytes_atomic(tmp_path / "a.txt", b"")

    assert list_files(tmp_path) == [
        FileInfo(path="a.txt", is_dir=False, file_size=0),
        FileInfo(path="plots", is_dir=True),
    ]
    assert list_files(tmp_path, "plots") == [
        FileInfo(path="plots/roc.png", is_dir=False, file_size=5)
    ]
    assert list_files(tmp_path, "absent") == list_files(tmp_path, "a.txt") == []


def test_a_folder_survives_the_way_to_its_uri_and_back(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20é#?"
    assert local_folder(folder.as_uri()) == folder


@pytest.mark.parametrize("uri", ["s3://bucket/key", "file://host/share", "/plain/path", ""])
def test_a_uri_of_another_machine_is_no_folder_here(uri: str) -> None:
    with pytest.raises(UsageError):
        local_folder(uri)

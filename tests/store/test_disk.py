"""Disks that are full or cannot be written, as a process meets them."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit.store import open_store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX users and limits")

_FILL = """
import resource, sys
from evalkit.errors import StoreUnavailableError
from evalkit.store import open_store

store = open_store(sys.argv[1])
before = store.runs.create(run_id="before").run_id
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    for i in range(2000):
        store.runs.log(before, params={f"{i}-{j}": "x" * 900 for j in range(20)})
except StoreUnavailableError as error:
    print(i, error, sep="|")
"""

_OPEN = """
import os, sys
import sqlalchemy.dialects.sqlite, evalkit.store.sql.store
from evalkit.errors import StoreUnavailableError
from evalkit.store import open_store
if os.geteuid() == 0:  # whom no mode of a file stops; what is imported later may be out of reach
    open_store("sqlite://").close()
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    store = open_store(sys.argv[1])
    print(sorted(run.run_id for run in store.runs.search()))
    store.runs.create()
except StoreUnavailableError as error:
    print(error)
"""


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that another user can reach; pytest's own are for one user only."""
    folder = Path(tempfile.mkdtemp(prefix="evalkit-test-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_full_disk_is_one_clear_error_and_keeps_what_was_written(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    done = subprocess.run(
        [sys.executable, "-c", _FILL, uri, "600000"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    logged, _, message = done.stdout.strip().partition("|")

    assert "runs.db: cannot be" in message
    assert "disk is full" in message
    assert "free some space" in message
    assert "\n" not in message
    with open_store(uri) as store:
        assert len(store.runs.get("before").data.params) == 20 * int(logged)
        store.runs.log("before", params={"after": "1"})


def _open_as_anybody(uri: str) -> str:
    """Return the error that a user without special rights gets for *uri*."""
    done = subprocess.run(
        [sys.executable, "-c", _OPEN, uri], capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout.strip()


def test_a_read_only_folder_is_one_clear_error(public_folder: Path) -> None:
    public_folder.chmod(0o555)

    message = _open_as_anybody(f"sqlite:///{public_folder}/runs.db")
    assert message == (
        f"{public_folder}/runs.db: cannot be opened for writing (Permission denied); "
        "name another place by --store or EVALKIT_TRACKING_URI."
    )


def _kept(folder: Path) -> Path:
    path = folder / "runs.db"
    with open_store(f"sqlite:///{path}") as store:
        store.runs.create(run_id="kept")
    return path


@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o555), (0o666, 0o555), (0o444, 0o777)])
def test_a_database_that_may_not_be_written_is_read_and_writing_is_one_clear_error(
    public_folder: Path, file: int, folder: int
) -> None:
    path = _kept(public_folder)
    path.chmod(file)
    public_folder.chmod(folder)

    read, _, message = _open_as_anybody(f"sqlite:///{path}").partition("\n")
    assert read == "['kept']"
    assert message == (
        f"{path}: cannot be written; name another place by --store or EVALKIT_TRACKING_URI."
    )


def test_what_a_living_writer_has_not_put_in_the_file_yet_is_read_too(public_folder: Path) -> None:
    path = _kept(public_folder)
    with open_store(f"sqlite:///{path}") as store:
        store.runs.create(run_id="newer")
        for side in public_folder.iterdir():
            side.chmod(0o444)
        public_folder.chmod(0o555)
        read = _open_as_anybody(f"sqlite:///{path}").partition("\n")[0]
    assert read == "['kept', 'newer']"


def test_an_older_database_that_may_not_be_written_is_one_clear_error(public_folder: Path) -> None:
    path = _kept(public_folder)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE evalkit_version SET version_num = '0004'")
    database.close()
    public_folder.chmod(0o555)

    message = _open_as_anybody(f"sqlite:///{path}")
    assert message.startswith(f"{path}: cannot be ")
    assert "\n" not in message

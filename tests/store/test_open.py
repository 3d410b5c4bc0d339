import gc
import os
import sqlite3
import stat
import weakref
from pathlib import Path

import pytest

from evalkit.errors import StoreUnavailableError, UnsupportedStoreError
from evalkit.store import Store, open_store
from evalkit.store.artifacts import local_folder


def test_a_relative_path_is_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("sqlite:///sub/runs.db") as store:
        run = store.runs.create()
        monkeypatch.chdir("/")

        assert store.runs.get(run.run_id) == run
        folder = local_folder(store.runs.artifact_uri(run.run_id))
    assert folder == tmp_path / "sub/evalkit-artifacts/0" / run.run_id / "artifacts"
    assert (tmp_path / "sub/runs.db").is_file()


def test_the_default_store_is_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVALKIT_TRACKING_URI", raising=False)
    with open_store() as store:
        assert store.uri == f"sqlite:///{tmp_path}/evalkit.db"
        assert store.experiments.get("0").artifact_location == (
            (tmp_path / "evalkit-artifacts/0").as_uri()
        )


def test_the_environment_names_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_TRACKING_URI", f"sqlite:///{tmp_path}/named.db")
    with open_store():
        assert (tmp_path / "named.db").is_file()


def test_a_stores_own_uri_opens_it_again(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/a b.db", artifact_root=tmp_path / "files") as first:
        run_id = first.runs.create().run_id
        with open_store(first.uri) as second:
            assert second.runs.get(run_id).run_id == run_id


def test_every_store_fulfils_the_contracts_shape() -> None:
    with open_store("sqlite://") as store:
        assert isinstance(store, Store)


def test_files_of_a_store_are_its_owners_alone(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        store.runs.create()
        files = sorted(path for path in tmp_path.iterdir() if path.is_file())
        assert [path.name for path in files] == ["runs.db", "runs.db-shm", "runs.db-wal"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "runs.db").touch()
    (tmp_path / "runs.db").chmod(0o660)
    with open_store(f"sqlite:///{tmp_path}/runs.db"):
        assert stat.S_IMODE((tmp_path / "runs.db").stat().st_mode) == 0o660


def test_sqlite_waits_for_locks_checks_references_and_logs_ahead(tmp_path: Path) -> None:
    from evalkit.store.sql.database import Database
    from evalkit.store.sql.sqlite import SqliteDialect

    database = Database(SqliteDialect(tmp_path / "runs.db"))
    with database.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.close()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_a_temporary_store_is_gone_when_closed_and_apart_from_others(uri: str) -> None:
    store, other = open_store(uri), open_store(uri)
    run_id = store.runs.create().run_id
    folder = local_folder(store.runs.artifact_uri(run_id)).parents[3]

    assert folder.is_dir()
    assert other.runs.search() == []
    store.close()
    store.close()
    other.close()
    assert not folder.exists()


def test_a_store_that_nobody_holds_is_closed() -> None:
    store = open_store("sqlite://")
    store.runs.create()
    path = Path(store.uri.removeprefix("sqlite:///"))
    gone = weakref.ref(store)
    del store
    gc.collect()

    assert gone() is None
    assert not path.parent.exists()
    descriptors = Path("/proc/self/fd")
    if descriptors.is_dir():
        opened = [os.path.realpath(descriptor) for descriptor in descriptors.iterdir()]
        assert not any(name.startswith(str(path)) for name in opened)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("http://127.0.0.1:5000", "arrive with the tracking release"),
        ("https://example.org", "arrive with the tracking release"),
        ("runs.db", "no URI of a store"),
        ("redis://localhost", "no URI of a store"),
        ("sqlite://runs.db", "three slashes"),
        ("sqlite:///runs.db?mode=ro", "not read"),
    ],
)
def test_another_kind_of_store_is_refused_with_the_way_out(uri: str, says: str) -> None:
    with pytest.raises(UnsupportedStoreError, match=says) as caught:
        open_store(uri)

    assert isinstance(caught.value, NotImplementedError)
    assert isinstance(caught.value, ValueError)
    assert "sqlite:///PATH" in str(caught.value)


def test_a_password_in_a_uri_is_not_shown() -> None:
    with pytest.raises(UnsupportedStoreError) as caught:
        open_store("oracle://ada:s3cret@db.example.org/runs")

    assert "s3cret" not in str(caught.value) + repr(caught.value)
    assert "ada:***@db.example.org/runs" in str(caught.value)


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("These are my notes.\n" * 50)

    with pytest.raises(StoreUnavailableError, match=r"notes.txt: is not a SQLite database"):
        open_store(f"sqlite:///{tmp_path}/notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "These are my notes.\n" * 50


def test_a_path_that_cannot_be_looked_at_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="File name too long"):
        open_store(f"sqlite:///{tmp_path}/{'x' * 300}.db")


def test_a_damaged_database_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    open_store(f"sqlite:///{path}").close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * (4096 - 100)
    path.write_bytes(content)

    with pytest.raises(StoreUnavailableError, match="is damaged"):
        open_store(f"sqlite:///{path}")


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "mlflow.db")
    other.execute("CREATE TABLE experiments (name TEXT)")
    other.close()

    with pytest.raises(StoreUnavailableError, match="another program"):
        open_store(f"sqlite:///{tmp_path}/mlflow.db")
    other = sqlite3.connect(tmp_path / "mlflow.db")
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("experiments",)]
    other.close()


def test_a_folder_in_the_place_of_the_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"Is a directory"):
        open_store(f"sqlite:///{tmp_path}")

"""Stores on database servers: what differs from a file, on real servers."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

import evalkit
from evalkit.entities.run import Metric, RunStatus
from evalkit.errors import MissingExtraError, StoreUnavailableError, UnsupportedStoreError
from evalkit.store import open_store
from evalkit.store.sql.store import SqlStore


@pytest.fixture
def login(server_uri: str) -> str:
    """URI of an empty database with a password, which these servers do not ask for."""
    url = make_url(server_uri)
    if url.get_backend_name() == "mysql":
        pytest.skip("MariaDB refuses a password that a user does not have")
    return server_uri.replace("@", ":s3cret@")


def test_texts_are_equal_and_sorted_by_their_characters(server_uri: str, tmp_path: Path) -> None:
    names = ["B", "a", "b", "b ", "é", "a\u0301", "🦦"]
    with open_store(server_uri, artifact_root=tmp_path) as store:
        for name in names:
            store.experiments.create(name)
        run = store.runs.create().run_id
        store.runs.log(run, tags=dict.fromkeys(names, "x"), params={"nul": "a\0b"})
        data = store.runs.get(run).data
        assert [key for key in data.tags if key in names] == sorted(names)
        assert data.params == {"nul": "a\ufffdb"}


def test_a_password_is_written_nowhere(
    login: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_TRACKING_URI", login)
    result = evalkit.evaluate(
        data=[{"input": "a", "expected": "b", "output": "b"}], scorers=["text.exact_match"]
    )
    with open_store() as store:
        assert store.uri == login.replace(":s3cret", "")
        assert store.runs.get(str(result.run_id)).status is RunStatus.FINISHED
        with open_store(store.uri) as again:
            assert again.runs.search() == store.runs.search()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "plan.json" for path in written)
    assert not any(b"s3cret" in path.read_bytes() for path in written)


def test_a_folder_is_scored_in_its_own_store(server_uri: str, tmp_path: Path) -> None:
    rows = [{"input": "a", "expected": "b", "output": "b"}]
    runtime = evalkit.Runtime(store=server_uri)
    result = evalkit.evaluate(data=rows, scorers=["text.exact_match"], runtime=runtime)
    again = evalkit.EvaluationResult.load(result.folder.path).score(["text.token_f1"])
    with open_store(server_uri, artifact_root=tmp_path) as store:
        assert store.runs.get(str(again.run_id)).data.metrics["text.token_f1"] == 1.0


def test_files_of_runs_are_found_from_any_folder(
    server_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"input": "a", "expected": "b", "output": "b"}]
    for folder in ("first", "second", "third"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("EVALKIT_TRACKING_URI", server_uri)
    monkeypatch.chdir(tmp_path / "first")
    here = evalkit.evaluate(data=rows, scorers=["text.exact_match"])
    monkeypatch.setenv("EVALKIT_ARTIFACT_ROOT", str(tmp_path / "third"))
    rooted = evalkit.evaluate(data=rows, scorers=["text.exact_match"])
    monkeypatch.delenv("EVALKIT_ARTIFACT_ROOT")
    monkeypatch.chdir(tmp_path / "second")
    assert evalkit.EvaluationResult.load(str(here.run_id)).estimates == here.estimates
    again = evalkit.EvaluationResult.load(str(rooted.run_id))
    assert again.folder.path.is_relative_to(tmp_path / "third")


def test_a_role_that_is_not_there_is_not_let_in(postgresql: object) -> None:
    uri = str(getattr(postgresql, "uri")).replace("evalkit@", "nobody@")  # noqa: B009
    with pytest.raises(StoreUnavailableError, match="refuses the user or password"):
        open_store(f"{uri}/postgres")


def test_a_store_goes_on_after_its_connections_were_cut(server_uri: str, tmp_path: Path) -> None:
    cut = {
        "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "mysql": "SELECT CONCAT('KILL ', id) FROM information_schema.processlist "
        "WHERE db = DATABASE() AND id <> CONNECTION_ID()",
    }
    kind = make_url(server_uri).get_backend_name()
    with open_store(server_uri, artifact_root=tmp_path) as store:
        assert isinstance(store, SqlStore)
        run = store.runs.create()
        with open_store(server_uri, artifact_root=tmp_path) as other:
            assert isinstance(other, SqlStore)
            with other.engine.connect() as connection:
                for statement in connection.scalars(text(cut[kind])).all():
                    if kind == "mysql":
                        connection.execute(text(statement))
        assert store.runs.get(run.run_id) == run
        store.runs.log(run.run_id, metrics=[Metric("m", 1.0, 1)])


def test_a_database_that_was_made_half_is_finished(server_uri: str, tmp_path: Path) -> None:
    from evalkit.store.sql import tables

    with open_store(server_uri, artifact_root=tmp_path) as store:
        assert isinstance(store, SqlStore)
        with store.engine.begin() as connection:
            for table in reversed(tables.metadata.sorted_tables):
                if table not in {tables.schema_version, tables.models}:
                    table.drop(connection)
            connection.execute(tables.schema_version.delete())
    with open_store(server_uri, artifact_root=tmp_path) as store:
        assert store.runs.create().info.experiment_id == "0"


def test_a_database_that_is_not_there_is_one_clear_error(server_uri: str) -> None:
    with pytest.raises(StoreUnavailableError, match=r"nobody: is not there; create the database"):
        open_store(make_url(server_uri).set(database="nobody").render_as_string())


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_is_not_there_is_one_clear_error(scheme: str) -> None:
    pytest.importorskip("psycopg")
    pytest.importorskip("pymysql")
    with pytest.raises(StoreUnavailableError, match=r"me@127.0.0.1:1/x: does not answer") as caught:
        open_store(f"{scheme}://me:s3cret@127.0.0.1:1/x")
    assert "s3cret" not in str(caught.value)


def test_a_refused_password_is_one_clear_error(mysql: object) -> None:
    uri = str(getattr(mysql, "uri")).replace("root@", "root:wrong@")  # noqa: B009
    with pytest.raises(StoreUnavailableError, match="refuses the user or password"):
        open_store(f"{uri}/evalkit")


@pytest.mark.parametrize(
    ("scheme", "driver", "extra"),
    [("postgresql", "psycopg", "postgresql"), ("mysql", "pymysql", "mysql")],
)
def test_a_driver_that_is_not_installed_names_its_extra(
    scheme: str, driver: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(MissingExtraError, match=extra):
        open_store(f"{scheme}://localhost/x")


@pytest.mark.parametrize("uri", ["postgresql://localhost", "mysql://localhost:port/x"])
def test_an_address_that_cannot_be_read_is_one_clear_error(uri: str) -> None:
    with pytest.raises(UnsupportedStoreError):
        open_store(uri)

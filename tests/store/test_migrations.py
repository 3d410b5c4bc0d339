"""Databases of every earlier schema become what a new one is, and keep what they hold."""

import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text

from evalkit.errors import SchemaVersionError, StoreUnavailableError
from evalkit.store import open_store
from evalkit.store.sql import tables
from evalkit.store.sql.database import Database
from evalkit.store.sql.migrations import HEAD, prepare
from evalkit.store.sql.migrations.upgrade import steps
from evalkit.store.sql.sqlite import SqliteDialect
from evalkit.store.sql.store import SqlStore

ADDED = {
    2: "model_aliases model_version_tags model_versions registered_model_tags registered_models",
    3: "assessments",
    4: "calibrations",
}
"""Tables that came with each version that was numbered."""


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """URI of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/runs.db"
        return
    with request.getfixturevalue(request.param).database() as on_a_server:
        yield on_a_server


@contextlib.contextmanager
def _engine(uri: str) -> Generator[Engine]:
    with open_store(uri, artifact_root="/nowhere") as store:
        assert isinstance(store, SqlStore)
        yield store.engine


def _make_older(uri: str, version: int) -> None:
    """Turn a new database into one of the numbered *version*."""
    with _engine(uri) as engine, engine.begin() as connection:
        for later in range(max(ADDED), version, -1):
            for table in ADDED[later].split():
                connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("ALTER TABLE runs DROP COLUMN artifact_uri"))
        if version > max(ADDED):
            connection.execute(text("UPDATE evalkit_version SET version_num = '0005'"))
            return
        tables.schema_version.drop(connection)
        connection.execute(
            text("CREATE TABLE evalkit_schema (version INTEGER, description VARCHAR(500))")
        )
        add = text("INSERT INTO evalkit_schema VALUES (:number, 'x')")
        connection.execute(add, [{"number": number} for number in range(1, version + 1)])


def test_the_newest_step_is_the_head() -> None:
    assert steps().get_current_head() == HEAD
    revisions = [step.revision for step in steps().walk_revisions()]
    assert revisions == [f"{number:04d}" for number in range(int(HEAD), 0, -1)]


def test_opening_what_is_up_to_date_writes_nothing(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/runs.db").close()
    database = Database(SqliteDialect(tmp_path / "runs.db"))
    statements: list[str] = []
    event.listen(
        database.engine, "before_cursor_execute", lambda *given: statements.append(str(given[2]))
    )
    prepare(database)

    assert len(statements) <= 3
    assert all(statement.startswith(("SELECT", "PRAGMA")) for statement in statements)


def test_alembic_is_loaded_for_older_databases_alone(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    program = (
        "import sys; from evalkit.store import open_store; open_store(sys.argv[1]).close();"
        "print('alembic' in sys.modules)"
    )

    def loads() -> str:
        return subprocess.run(
            [sys.executable, "-c", program, uri], check=True, capture_output=True, text=True
        ).stdout.strip()

    assert [loads(), loads()] == ["False", "False"]
    _make_older(uri, 1)
    assert [loads(), loads()] == ["True", "False"]


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_a_database_of_each_version_becomes_what_a_new_one_is(uri: str, version: int) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with open_store(uri, artifact_root="/nowhere") as store:
        run = store.runs.create(name="kept", tags={"é": "🦦"})
    _make_older(uri, version)
    with _engine(uri) as engine, engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": tables.schema_version.name,
                # MySQL calls a text by the size that fits it, which Alembic takes for another type.
                "compare_type": engine.dialect.name not in {"mysql", "mariadb"},
            },
        )
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() == HEAD
    with open_store(uri, artifact_root="/nowhere") as store:
        assert store.runs.get(run.run_id) == run
        assert store.versions.create("bot", create_model=True).version == 1
        assert store.assessments.search() == []


def test_a_file_is_copied_before_it_changes(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    with open_store(uri) as store:
        run = store.runs.create()
    _make_older(uri, 2)
    open_store(uri).close()

    copy = tmp_path / "runs.db.0002"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT max(version) FROM evalkit_schema").fetchall() == [(2,)]
        assert connection.execute("SELECT run_id FROM runs").fetchall() == [(run.run_id,)]
    shutil.copy(copy, tmp_path / "back.db")
    with open_store(f"sqlite:///{tmp_path}/back.db") as store:
        assert store.runs.get(run.run_id).info.run_name == run.run_name


def test_a_file_that_cannot_be_copied_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    _make_older(uri, 3)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evalkit.store.sql.sqlite.connect_to_read", refuse)
    with pytest.raises(StoreUnavailableError, match=r"no copy of it .*No space left"):
        open_store(uri)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".db") == []
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        assert connection.execute("SELECT max(version) FROM evalkit_schema").fetchall() == [(3,)]


def test_a_step_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    uri = f"sqlite:///{tmp_path}/runs.db"
    _make_older(uri, 2)
    monkeypatch.setattr(op, "create_index", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        open_store(uri)
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        assert connection.execute("SELECT max(version) FROM evalkit_schema").fetchall() == [(2,)]
        made = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert "assessments" not in {name for (name,) in made}
    monkeypatch.undo()
    open_store(uri).close()


@pytest.mark.skipif(os.name != "posix", reason="needs several processes at once")
def test_processes_that_open_an_older_database_at_once_all_succeed(uri: str) -> None:
    _make_older(uri, 1)
    program = "import sys; from evalkit.store import open_store; open_store(sys.argv[1]).close()"
    opening = [
        subprocess.Popen([sys.executable, "-c", program, uri], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [(process.communicate(timeout=300)[1], process.returncode) for process in opening] == [
        ("", 0)
    ] * 3
    with _engine(uri) as engine, engine.connect() as connection:
        assert connection.scalars(text("SELECT version_num FROM evalkit_version")).all() == [HEAD]


def test_a_database_from_a_newer_evalkit_is_one_clear_error(uri: str) -> None:
    with _engine(uri) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE evalkit_version SET version_num = '0099'"))

    with pytest.raises(SchemaVersionError, match=r"version 99.*upgrade evalkit") as caught:
        open_store(uri)
    assert (caught.value.version, caught.value.supported) == (99, int(HEAD))


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_the_tables_can_be_written_in_other_databases_words(dialect: str) -> None:
    from sqlalchemy.dialects import registry
    from sqlalchemy.schema import CreateIndex, CreateTable

    words = registry.load(dialect)()
    made = [
        str(CreateTable(table).compile(dialect=words)) for table in tables.metadata.sorted_tables
    ]
    indexes = [index for table in tables.metadata.sorted_tables for index in table.indexes]
    made += [str(CreateIndex(index).compile(dialect=words)) for index in indexes]
    assert len(made) == len(tables.metadata.tables) + len(indexes)
    assert all(0 < len(str(index.name)) <= 63 for index in indexes)


def test_no_key_is_longer_than_mysql_takes() -> None:
    for table in tables.metadata.sorted_tables:
        keys = [list(table.primary_key.columns), *(list(i.columns) for i in table.indexes)]
        keys += [[column] for column in table.columns if column.unique]
        for key in keys:
            # Four bytes a character; numbers have eight.
            size = sum(4 * (getattr(column.type, "length", None) or 2) for column in key)
            assert size <= 3072, (table.name, [column.name for column in key])


def test_what_only_sqlite_says_stands_in_its_dialect_alone() -> None:
    import evalkit.store.sql as room

    # Types of tables name the databases that they differ for; the store for tests picks SQLite.
    apart = {"sqlite.py", "tables.py", "store.py"}
    files = [path for path in Path(room.__path__[0]).glob("*.py") if path.name not in apart]
    assert len(files) >= 8
    for path in files:
        code = path.read_text(encoding="utf-8")
        for word in ("sqlite3", "dialects.sqlite", "PRAGMA", "IMMEDIATE", "sqlite import"):
            assert word not in code, path.name

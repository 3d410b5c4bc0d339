from pathlib import Path

import pytest
from sqlalchemy import Connection, event, inspect, text

from evalkit.errors import SchemaVersionError
from evalkit.store import open_store
from evalkit.store.sql.engine import Database
from evalkit.store.sql.migrations import FIRST_VERSION, MIGRATIONS, Migration, prepare
from evalkit.store.sql.store import SqlTrackingStore


def _add_colour(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE runs ADD COLUMN colour VARCHAR(20)"))


def _fail_half_way(connection: Connection) -> None:
    _add_colour(connection)
    raise ZeroDivisionError


def _versions(database: Database) -> list[int]:
    with database.read() as connection:
        query = text("SELECT version FROM evalkit_schema ORDER BY version")
        return list(connection.scalars(query))


def _columns(database: Database) -> set[str]:
    with database.read() as connection:
        return {column["name"] for column in inspect(connection).get_columns("runs")}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    open_store(f"sqlite:///{tmp_path}/runs.db").close()
    return Database(tmp_path / "runs.db")


def test_a_new_database_records_the_newest_version(database: Database) -> None:
    newest = MIGRATIONS[-1].version if MIGRATIONS else FIRST_VERSION
    assert _versions(database) == [newest]


def test_opening_what_is_up_to_date_writes_nothing(database: Database) -> None:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(database.engine, "before_cursor_execute", note)
    prepare(database)

    assert len(statements) <= 3
    assert all(statement.startswith(("SELECT", "PRAGMA")) for statement in statements)


def test_versions_count_up_by_one() -> None:
    versions = [migration.version for migration in MIGRATIONS]
    assert versions == list(range(FIRST_VERSION + 1, FIRST_VERSION + 1 + len(MIGRATIONS)))


def test_a_step_and_its_record_are_kept_together(database: Database) -> None:
    steps = (*MIGRATIONS, Migration(FIRST_VERSION + len(MIGRATIONS) + 1, "add", _add_colour))
    prepare(database, steps)
    prepare(database, steps)

    assert _versions(database)[-1] == steps[-1].version
    assert "colour" in _columns(database)


def test_a_step_that_fails_leaves_the_database_as_it_was(database: Database) -> None:
    before = _versions(database)
    steps = (*MIGRATIONS, Migration(before[-1] + 1, "fail", _fail_half_way))

    with pytest.raises(ZeroDivisionError):
        prepare(database, steps)
    assert _versions(database) == before
    assert "colour" not in _columns(database)


def test_a_database_from_a_newer_evalkit_is_one_clear_error(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    open_store(uri).close()
    with Database(tmp_path / "runs.db").write() as connection:
        connection.execute(text("INSERT INTO evalkit_schema VALUES (99, 'later', 0)"))

    with pytest.raises(SchemaVersionError, match=r"version 99.*upgrade evalkit") as caught:
        open_store(uri)
    assert (caught.value.found, caught.value.supported) == (99, _versions_known())


def _versions_known() -> int:
    return FIRST_VERSION + len(MIGRATIONS)


FIRST_FLOOR = {
    "evalkit_schema": "version description applied_at",
    "experiments": "experiment_id name artifact_location lifecycle_stage creation_time "
    "last_update_time",
    "experiment_tags": "experiment_id key value",
    "runs": "run_number run_id experiment_id name user_id status start_time end_time "
    "lifecycle_stage parent_run_id",
    "params": "run_number key value",
    "tags": "run_number key value",
    "metric_keys": "key_number key",
    "metrics": "run_number key_number step timestamp value kind",
    "latest_metrics": "run_number key_number step timestamp value kind",
    "evaluation_summaries": "run_number position key value low high level method standard_error "
    "n_total n_scored n_skipped n_failed n_groups n_repeats unit direction note signature "
    "dataset_digest",
}


SECOND_FLOOR = {
    "registered_models": "model_number name description last_version creation_time "
    "last_update_time",
    "registered_model_tags": "model_number key value",
    "model_versions": "model_number version source run_id model_id user_id description status "
    "creation_time last_update_time",
    "model_version_tags": "model_number version key value",
    "model_aliases": "model_number alias version",
}


def test_the_tables_have_the_columns_that_their_versions_made(store: SqlTrackingStore) -> None:
    inspector = inspect(store.engine)

    assert {
        table: " ".join(column["name"] for column in inspector.get_columns(table))
        for table in inspector.get_table_names()
    } == FIRST_FLOOR | SECOND_FLOOR


def _to_version_one(path: Path) -> None:
    with Database(path).write() as connection:
        for table in reversed(SECOND_FLOOR):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("UPDATE evalkit_schema SET version = 1"))


def test_a_database_of_version_one_keeps_its_runs_and_becomes_as_a_new_one(tmp_path: Path) -> None:
    uri, new = f"sqlite:///{tmp_path}/runs.db", f"sqlite:///{tmp_path}/new.db"
    with open_store(uri) as store:
        run = store.create_run(name="kept")
    _to_version_one(tmp_path / "runs.db")
    with open_store(uri) as store, open_store(new) as other:
        assert store.get_run(run.run_id) == run
        assert store.create_model_version("bot", create_model=True).version == 1
        assert isinstance(store, SqlTrackingStore)
        assert isinstance(other, SqlTrackingStore)
        assert _schema(store) == _schema(other)


def _schema(store: SqlTrackingStore) -> set[tuple[str, str]]:
    query = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    with store.engine.connect() as connection:
        return {(row.name, row.sql) for row in connection.execute(query)}


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_the_tables_can_be_written_in_other_databases_words(dialect: str) -> None:
    from sqlalchemy.dialects import registry
    from sqlalchemy.schema import CreateIndex, CreateTable

    from evalkit.store.sql.tables import metadata

    words = registry.load(dialect)()
    made = [str(CreateTable(table).compile(dialect=words)) for table in metadata.sorted_tables]
    indexes = [index for table in metadata.sorted_tables for index in table.indexes]
    made += [str(CreateIndex(index).compile(dialect=words)) for index in indexes]
    assert len(made) == len(metadata.tables) + len(indexes)
    assert all(0 < len(str(index.name)) <= 63 for index in indexes)

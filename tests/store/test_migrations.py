from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, inspect, text

from evalkit.errors import SchemaVersionError
from evalkit.store import open_store
from evalkit.store.sql.database import Database
from evalkit.store.sql.migrations import FIRST_VERSION, MIGRATIONS, Migration, prepare
from evalkit.store.sql.sqlite import SqliteDialect
from evalkit.store.sql.store import SqlStore


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
    return Database(SqliteDialect(tmp_path / "runs.db"))


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
    with Database(SqliteDialect(tmp_path / "runs.db")).write() as connection:
        connection.execute(text("INSERT INTO evalkit_schema VALUES (99, 'later', 0)"))

    with pytest.raises(SchemaVersionError, match=r"version 99.*upgrade evalkit") as caught:
        open_store(uri)
    assert (caught.value.version, caught.value.supported) == (99, _versions_known())


def _versions_known() -> int:
    return FIRST_VERSION + len(MIGRATIONS)


FIRST_FLOOR = """
    evalkit_schema experiments experiment_tags runs params tags metric_keys metrics latest_metrics
    evaluation_summaries
""".split()


def _made(engine: Engine) -> dict[str, list[str]]:
    """Every table with its columns and indexes, as SQLite has them."""
    inspector = inspect(engine)
    found: dict[str, list[str]] = {}
    for table in inspector.get_table_names():
        columns = [
            f"{c['name']} {c['type']} {'NULL' if c['nullable'] else ''}"
            for c in inspector.get_columns(table)
        ]
        indexes = [f"{i['name']} {i['column_names']}" for i in inspector.get_indexes(table)]
        found[table] = columns + sorted(indexes)
    return found


def test_a_database_of_the_first_version_becomes_what_a_new_one_is(
    tmp_path: Path, store: SqlStore
) -> None:
    from evalkit.store.sql.tables import metadata

    old = Database(SqliteDialect(tmp_path / "old.db"))
    with old.write() as connection:
        tables = [table for table in metadata.sorted_tables if table.name in FIRST_FLOOR]
        metadata.create_all(connection, tables=tables)
        connection.execute(text("INSERT INTO evalkit_schema VALUES (1, 'create all tables', 0)"))
    prepare(old)

    assert _versions(old) == list(range(1, _versions_known() + 1))
    assert _made(old.engine) == _made(store.engine)


def _to_version_one(path: Path) -> None:
    with Database(SqliteDialect(path)).write() as connection:
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for table in set(inspect(connection).get_table_names()) - set(FIRST_FLOOR):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("UPDATE evalkit_schema SET version = 1"))


def test_a_database_of_version_one_keeps_its_runs(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    with open_store(uri) as store:
        run = store.runs.create(name="kept")
    _to_version_one(tmp_path / "runs.db")
    with open_store(uri) as store:
        assert store.runs.get(run.run_id) == run
        assert store.versions.create("bot", create_model=True).version == 1
        assert store.assessments.search() == []


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


def test_no_key_is_longer_than_mysql_takes() -> None:
    from evalkit.store.sql.tables import metadata

    for table in metadata.sorted_tables:
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

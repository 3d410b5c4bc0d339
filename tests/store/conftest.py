"""Stores to test, database servers for them, and a counter of what they ask of the database."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError

from evalkit.store.sql.sqlite import SqliteDialect
from evalkit.store.sql.store import SqlStore


@dataclass
class Traffic:
    """Statements and commits of a store while it was watched."""

    statements: list[str] = field(default_factory=list[str])
    commits: int = 0


@contextlib.contextmanager
def _watch(store: SqlStore) -> Generator[Traffic]:
    traffic = Traffic()

    def count_statement(*arguments: object) -> None:
        traffic.statements.append(str(arguments[2]))

    def count_commit(_connection: object) -> None:
        traffic.commits += 1

    event.listen(store.engine, "before_cursor_execute", count_statement)
    event.listen(store.engine, "commit", count_commit)
    try:
        yield traffic
    finally:
        event.remove(store.engine, "before_cursor_execute", count_statement)
        event.remove(store.engine, "commit", count_commit)


@pytest.fixture
def watch() -> Callable[[SqlStore], contextlib.AbstractContextManager[Traffic]]:
    return _watch


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with SqlStore(SqliteDialect(tmp_path / "runs.db"), tmp_path / "artifacts") as opened:
        yield opened


SECONDS_TO_START = 120


class DatabaseServer:
    """A server, and new databases on it."""

    def __init__(self, uri: str, driver: str) -> None:
        self.uri = uri.rstrip("/")
        """Address without the name of a database."""

        self._driver = driver
        self._made = 0

    @contextlib.contextmanager
    def database(self) -> Generator[str]:
        """Make an empty database, and drop it afterwards; gives its URI."""
        self._made += 1
        name = f"evalkit_test_{os.getpid()}_{self._made}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{self.uri}/{name}"
        finally:
            forced = " WITH (FORCE)" if self._driver == "psycopg" else ""
            self.execute(f"DROP DATABASE {name}{forced}")

    def execute(self, statement: str) -> None:
        """Execute a statement as the server's own user, outside of any database of a test."""
        scheme, _, rest = self.uri.partition("://")
        main = "postgres" if self._driver == "psycopg" else ""
        engine = create_engine(
            f"{scheme}+{self._driver}://{rest}/{main}", isolation_level="AUTOCOMMIT"
        )
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[DatabaseServer]:
    """Start PostgreSQL, or use the one that ``EVALKIT_TEST_POSTGRESQL`` names."""
    yield from _server("EVALKIT_TEST_POSTGRESQL", "psycopg", "postgres", _start_postgresql)


@pytest.fixture(scope="session")
def mysql() -> Iterator[DatabaseServer]:
    """Start MariaDB, or use the server that ``EVALKIT_TEST_MYSQL`` names."""
    yield from _server("EVALKIT_TEST_MYSQL", "pymysql", "mysql", _start_mariadb)


def _server(variable: str, driver: str, user: str, start: object) -> Iterator[DatabaseServer]:
    pytest.importorskip(driver)
    given = os.environ.get(variable)
    if given:
        yield DatabaseServer(given, driver)
        return
    # Servers refuse to be root: they get a folder, which their own user may enter, and that user.
    as_user = {"user": user} if hasattr(os, "geteuid") and os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="evalkit-test-"))
    try:
        if as_user:
            shutil.chown(folder, user)
        with start(folder, as_user) as uri:  # type: ignore[operator]
            server = DatabaseServer(uri, driver)
            _wait(server)
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str, *places: str) -> str:
    """Return the path of an installed program; skip the test where there is none."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *places]))
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


@contextlib.contextmanager
def _start_postgresql(folder: Path, as_user: dict[str, str]) -> Generator[str]:
    programs = sorted(str(path) for path in Path("/usr/lib/postgresql").glob("*/bin"))
    initdb, postgres = (_program(name, *programs[::-1]) for name in ("initdb", "postgres"))
    data, port = folder / "data", _free_port()
    made = [initdb, f"--pgdata={data}", "--username=evalkit", "--auth=trust", "--no-sync"]
    # A language that sorts otherwise than by characters, where there is one, as on most servers.
    subprocess.run([*made, "--encoding=UTF8"], check=True, capture_output=True, **as_user)  # type: ignore[call-overload]
    settings = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-k", str(folder)]
    with _running([postgres, "-D", str(data), "-p", str(port), *settings], folder, as_user):
        yield f"postgresql://evalkit@127.0.0.1:{port}"


@contextlib.contextmanager
def _start_mariadb(folder: Path, as_user: dict[str, str]) -> Generator[str]:
    places = ("/usr/sbin", "/usr/local/sbin")
    install, server = (_program(name, *places) for name in ("mariadb-install-db", "mariadbd"))
    data, port = folder / "data", _free_port()
    made = [install, "--no-defaults", f"--datadir={data}", "--skip-test-db"]
    made += ["--auth-root-authentication-method=normal"]
    subprocess.run(made, check=True, capture_output=True, **as_user)  # type: ignore[call-overload]
    settings = [f"--datadir={data}", f"--port={port}", f"--socket={folder}/socket"]
    settings += ["--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"]
    with _running([server, "--no-defaults", *settings], folder, as_user):
        yield f"mysql://root@127.0.0.1:{port}"


@contextlib.contextmanager
def _running(command: Sequence[str], folder: Path, as_user: dict[str, str]) -> Generator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **as_user)  # type: ignore[call-overload]
        try:
            yield
        finally:
            process.terminate()
            process.wait(SECONDS_TO_START)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(server: DatabaseServer) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            server.execute("SELECT 1")
        except DBAPIError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.fixture(params=["postgresql", "mysql"])
def server_uri(request: pytest.FixtureRequest) -> Iterator[str]:
    """URI of an empty database on a server of each kind."""
    with request.getfixturevalue(request.param).database() as uri:
        yield uri

"""Stores to test, and a counter of what they ask of the database."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import event

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

"""MySQL and MariaDB: turns of writers, upserts, and what their errors mean."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from typing import ClassVar

from sqlalchemy import Connection, Engine, Insert, Table, event, text
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.exc import DBAPIError

from evalkit.errors import StoreUnavailableError
from evalkit.store.sql import server


class MysqlDialect(server.ServerDialect):
    """A database of MySQL or MariaDB, by PyMySQL."""

    driver = "pymysql"
    extra = "mysql"
    problems: ClassVar[Mapping[int | str | None, tuple[str, str]]] = {
        1021: server.NO_SPACE,
        1040: server.CROWDED,
        1044: server.REFUSED,
        1045: server.REFUSED,
        1049: server.ABSENT,
        1053: server.CUT_OFF,
        1114: server.NO_SPACE,
        1142: server.READ_ONLY,
        1205: server.LOCKED,
        1213: server.LOCKED,
        1290: server.READ_ONLY,
        2003: server.UNREACHED,
        2006: server.CUT_OFF,
        2013: server.CUT_OFF,
    }

    def connect(self) -> Engine:
        engine = super().connect()
        with engine.connect() as connection:
            # Either answers to the other's name, and they call their collations differently.
            backend = "mariadb" if connection.dialect.is_mariadb else "mysql"  # type: ignore[attr-defined]
        if engine.url.get_backend_name() != backend:
            engine.dispose()
            self._url = self._url.set(drivername=backend)
            engine = super().connect()
        event.listen(engine, "connect", _prepare)
        return engine

    @contextlib.contextmanager
    def _turn(self, connection: Connection) -> Generator[None]:
        # The name of a lock is the server's own, so the database is part of it.
        turn = {"name": f"evalkit {self._url.database}"[:64], "wait": server.LOCK_TIMEOUT_SECONDS}
        got = connection.execute(text("SELECT GET_LOCK(:name, :wait)"), turn).scalar()
        connection.rollback()  # the snapshot of the transaction begins after the wait
        if got != 1:
            raise StoreUnavailableError(self.place, *server.LOCKED)
        try:
            with connection.begin():
                yield
        finally:
            if not connection.invalidated:
                connection.execute(text("SELECT RELEASE_LOCK(:name)"), turn)
                connection.rollback()

    def upsert(self, table: Table, *, by: Sequence[str] = (), replace: bool = True) -> Insert:
        primary = {column.name for column in table.primary_key}
        others = [c.name for c in table.columns if c.name not in {*primary, *by}]
        if not replace or not others:
            return insert(table).prefix_with("IGNORE")
        statement = insert(table)
        return statement.on_duplicate_key_update({n: statement.inserted[n] for n in others})

    def _code(self, error: DBAPIError) -> int | None:
        code = error.orig.args[0] if error.orig is not None and error.orig.args else None
        return code if isinstance(code, int) else None


def _prepare(connection: object, _record: object) -> None:
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        # A value that does not fit is an error, and experiment 0 has the number 0.
        cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'")
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {server.LOCK_TIMEOUT_SECONDS}")

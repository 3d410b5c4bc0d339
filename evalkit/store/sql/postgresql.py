"""PostgreSQL: turns of writers, upserts, and what its errors mean."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from typing import ClassVar, Final

from sqlalchemy import Connection, Engine, Insert, Table, event, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError

from evalkit.store.sql import server
from evalkit.store.sql.database import on_conflict

_TURN = 7_307_211_905_114_883_181
"""Key of the lock that writers take: any number that other programs are unlikely to choose."""

_REFUSALS: Final = {
    "authentication failed": "28P01",
    "no password supplied": "28P01",
    'role "': "28000",
    "does not exist": "3D000",
}
"""What a server says, without a code, to who is not let in."""


class PostgresqlDialect(server.ServerDialect):
    """A PostgreSQL database, by psycopg."""

    driver = "psycopg"
    extra = "postgresql"
    problems: ClassVar[Mapping[int | str | None, tuple[str, str]]] = {
        "25006": server.READ_ONLY,
        "28000": server.REFUSED,
        "28P01": server.REFUSED,
        "3D000": server.ABSENT,
        "40P01": server.LOCKED,
        "42501": server.READ_ONLY,
        "53100": server.NO_SPACE,
        "53300": server.CROWDED,
        "55P03": server.LOCKED,
        "57P01": server.CUT_OFF,
        "57P03": server.UNREACHED,
        "": server.UNREACHED,
    }

    def connect(self) -> Engine:
        engine = super().connect()
        event.listen(engine, "connect", _prepare)
        return engine

    @contextlib.contextmanager
    def _turn(self, connection: Connection) -> Generator[None]:
        # The wait is a statement: a snapshot taken before it would miss what the writer before did.
        with connection.execution_options(isolation_level="READ COMMITTED").begin():
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_TURN})"))
            yield

    def upsert(self, table: Table, *, by: Sequence[str] = (), replace: bool = True) -> Insert:
        return on_conflict(insert(table), table, by, replace=replace)

    def _code(self, error: DBAPIError) -> str | None:
        state: str | None = getattr(error.orig, "sqlstate", None)
        if state is not None or not isinstance(error, OperationalError):
            return state
        words = str(error.orig)  # who is not let in, or answered, gets words alone
        for beginning, code in _REFUSALS.items():
            if beginning in words:
                return code
        return ""


def _prepare(connection: object, _record: object) -> None:
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(f"SET lock_timeout = '{server.LOCK_TIMEOUT_SECONDS}s'")
    connection.commit()  # type: ignore[attr-defined]

"""What database servers have in common: an address without its password, a pool, clear errors."""

from __future__ import annotations

import contextlib
import importlib
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from typing import ClassVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from evalkit.errors import MissingExtraError, StoreUnavailableError

LOCK_TIMEOUT_SECONDS = 60
"""How long a transaction waits for others before it gives up."""

LOCKED = ("is being written by another process", "wait for that process or stop it, then try again")
NO_SPACE = ("cannot be written: its disk is full", "free some space there")
READ_ONLY = ("cannot be written", "ask for the right to write, or name another database")
REFUSED = ("refuses the user or password", "check them in the URI")
ABSENT = ("is not there", "create the database, or check its name in the URI")
UNREACHED = ("does not answer", "check the address, and that the server runs")
CROWDED = ("has no connection left", "close some, or raise the server's limit")
CUT_OFF = ("broke the connection", "look at the server's log, then try again")


class ServerDialect(ABC):
    """A database on a server; all writers of it, wherever they are, take turns.

    Turns make a deadlock impossible, whatever is written in whatever order.  Readers see a snapshot
    and wait for nobody.
    """

    driver: ClassVar[str]
    """Name of the driver's package, which is also SQLAlchemy's."""

    extra: ClassVar[str]
    """The extra that brings the driver."""

    problems: ClassVar[Mapping[int | str | None, tuple[str, str]]]
    """What is wrong, and the way out, by the driver's code."""

    def __init__(self, url: URL) -> None:
        # Neither what is written with a run nor a message may hold the password.
        self.uri = self.place = url.render_as_string().replace(":***@", "@", 1)
        self._url = url

    def connect(self) -> Engine:
        try:
            importlib.import_module(self.driver)
        except ImportError:
            raise MissingExtraError(self.driver, self.extra) from None
        url = self._url.set(drivername=f"{self._url.get_backend_name()}+{self.driver}")
        return create_engine(
            url,
            pool_pre_ping=True,  # a server may have been restarted since a connection was last used
            isolation_level="REPEATABLE READ",
            execution_options={"preserve_rowcount": True},  # of inserts, which few ask for
        )

    @contextlib.contextmanager
    def begin(self, engine: Engine) -> Generator[Connection]:
        with engine.connect() as connection, self._turn(connection):
            yield connection

    @abstractmethod
    def _turn(self, connection: Connection) -> contextlib.AbstractContextManager[None]:
        """Open a transaction when no other writer has one, and commit it."""

    @abstractmethod
    def _code(self, error: DBAPIError) -> int | str | None:
        """Return the driver's code of an error."""

    def keep_copy(self, version: str) -> None:
        del version  # whoever runs a server has backups of it

    def explain(self, error: Exception) -> StoreUnavailableError | None:
        if not isinstance(error, DBAPIError):
            return None
        problem = self.problems.get(self._code(error))
        if problem is None and error.connection_invalidated:
            problem = CUT_OFF
        return None if problem is None else StoreUnavailableError(self.place, *problem)

    def leave_parent(self) -> None:
        return  # the server holds the locks, and a child has connections of its own

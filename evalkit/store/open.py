"""Open the store that a tracking URI names."""

from __future__ import annotations

from pathlib import Path

from evalkit._internal.collector import without_collecting
from evalkit.errors import UnsupportedStoreError
from evalkit.settings import settings
from evalkit.store.interface import Store

ARTIFACTS_FOLDER = "evalkit-artifacts"
"""Folder of the artifacts, beside the database."""

_LATER = ("http", "https")
_SERVERS = ("postgresql", "postgres", "mysql", "mariadb")
_MEMORY = {"", ":memory:"}


def open_store(uri: str | None = None, *, artifact_root: Path | str | None = None) -> Store:
    """Open a store, made if it is not there.

    Args:
        uri: ``sqlite:///PATH``, where a relative path is taken from the current folder and an
            absolute one makes four slashes; ``sqlite://`` is a store of its own in a temporary
            folder, gone when it is closed.  ``postgresql://USER:PASSWORD@HOST/DATABASE`` or
            ``mysql://…`` is a database on a server; a password may be left out where
            ``EVALKIT_TRACKING_URI`` has it, or for PostgreSQL its own files and variables.  By
            default ``EVALKIT_TRACKING_URI``, else ``sqlite:///evalkit.db``.
        artifact_root: Folder for the artifacts, or a URI that fsspec reads, such as
            ``s3://bucket/runs``; by default ``EVALKIT_ARTIFACT_ROOT``, else ``evalkit-artifacts``
            beside a SQLite database, and in the current folder for one on a server.  A run keeps
            the place in which it began.

    Raises:
        UnsupportedStoreError: If the URI names another kind of store.
        MissingExtraError: If the driver of the database is not installed.
        StoreUnavailableError: If the store cannot be opened and written.
        SchemaVersionError: If it was written by a newer evalkit.

    Examples:
        >>> with open_store("sqlite://") as store:
        ...     store.runs.create(name="first").info.status.value
        'RUNNING'
    """
    uri = settings().tracking_uri if uri is None else uri
    artifact_root = artifact_root or settings().artifact_root
    if uri.partition(":")[0].partition("+")[0].lower() in _SERVERS:
        return _on_a_server(uri, artifact_root)
    path = _sqlite_path(uri)
    with without_collecting():
        # start-up: SQLAlchemy takes longer than all of evalkit, and only who keeps runs pays for it
        from evalkit.store.sql.sqlite import SqliteDialect
        from evalkit.store.sql.store import SqlStore, TemporaryStore

    if path is None:
        return TemporaryStore(artifact_root)
    beside = path.absolute().parent / ARTIFACTS_FOLDER
    return SqlStore(SqliteDialect(path), artifact_root or beside, beside=artifact_root is None)


def _on_a_server(uri: str, artifact_root: Path | str | None) -> Store:
    # start-up: SQLAlchemy takes longer than all of evalkit
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    # start-up: they import SQLAlchemy
    from evalkit.store.sql.mysql import MysqlDialect
    from evalkit.store.sql.postgresql import PostgresqlDialect
    from evalkit.store.sql.store import SqlStore

    own = settings().tracking_uri
    if without_password(own) == uri:  # as it stands in what was written with a run
        uri = own
    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):
        raise UnsupportedStoreError(shown_uri(uri), "this is no URI of a store.") from None
    kind = url.get_backend_name()
    if not url.database:
        raise UnsupportedStoreError(shown_uri(uri), "the name of the database is missing.")
    postgresql = kind.startswith("postgres")
    url = url.set(drivername="postgresql" if postgresql else kind)
    dialect = PostgresqlDialect(url) if postgresql else MysqlDialect(url)
    return SqlStore(dialect, artifact_root or Path(ARTIFACTS_FOLDER).absolute())


def _sqlite_path(uri: str) -> Path | None:
    """Return the path of the database; ``None`` for one in a temporary folder."""
    scheme, separator, rest = uri.partition("://")
    kind = scheme.partition("+")[0].lower()
    if separator and kind in _LATER:
        problem = f"stores behind {kind}:// arrive with the tracking release."
        raise UnsupportedStoreError(shown_uri(uri), problem)
    if not separator or kind != "sqlite":
        raise UnsupportedStoreError(shown_uri(uri), "this is no URI of a store.")
    if rest and not rest.startswith("/"):
        raise UnsupportedStoreError(uri, "a path follows three slashes.")
    if "?" in rest:
        raise UnsupportedStoreError(uri, "options after '?' are not read.")
    name = rest[1:]
    return None if name in _MEMORY else Path(name).expanduser()


def without_password(uri: str) -> str:
    """Return the URI of a store as it may be written down.

    Examples:
        >>> without_password("postgresql://me:secret@host/runs")
        'postgresql://me@host/runs'
    """
    return shown_uri(uri).replace(":***@", "@", 1)


def shown_uri(uri: str) -> str:
    """Return *uri* with its password hidden, for everything that a person reads.

    Examples:
        >>> shown_uri("postgresql://me:secret@host/runs")
        'postgresql://me:***@host/runs'
    """
    scheme, separator, rest = uri.partition("://")
    login, at, place = rest.rpartition("@")
    user = login.partition(":")[0]
    return f"{scheme}{separator}{user}:***{at}{place}" if at and ":" in login else uri

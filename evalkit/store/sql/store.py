"""A store of runs and models in a database, with the artifacts wherever they are."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Engine

from evalkit.store.artifacts import ArtifactRoot
from evalkit.store.interface import Store
from evalkit.store.sql import migrations
from evalkit.store.sql.database import Database, Dialect
from evalkit.store.sql.experiments import SqlExperiments
from evalkit.store.sql.metrics import SqlMetrics
from evalkit.store.sql.models import SqlModels, SqlVersions
from evalkit.store.sql.records import SqlAssessments, SqlCards, SqlSummaries
from evalkit.store.sql.runs import SqlRuns
from evalkit.store.sql.sqlite import SqliteDialect


class SqlStore(Store):
    """The nouns of `Store`, each in a file of its own, on one database."""

    def __init__(
        self, dialect: Dialect, artifact_root: Path | str, *, beside: bool = False
    ) -> None:
        self._database = database = Database(dialect)
        try:
            migrations.prepare(database)
        except BaseException:
            database.close()
            raise
        artifacts = ArtifactRoot(artifact_root, beside=beside)
        self.experiments = SqlExperiments(database, artifacts)
        self.runs = SqlRuns(database, artifacts)
        self.metrics = SqlMetrics(database)
        self.summaries = SqlSummaries(database)
        self.assessments = SqlAssessments(database)
        self.cards = SqlCards(database)
        self.models = SqlModels(database)
        self.versions = SqlVersions(database, self.models)

    @property
    def uri(self) -> str:
        return self._database.dialect.uri

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for those who watch what the store does."""
        return self._database.engine

    def transaction(self) -> AbstractContextManager[object]:
        return self._database.write()

    def close(self) -> None:
        self._database.close()


class TemporaryStore(SqlStore):
    """A store that is gone when it is closed or the process ends: for what nobody wants to keep.

    It is a file all the same, so that threads and processes share it as they share any other.
    """

    def __init__(self, artifact_root: Path | str | None = None) -> None:
        folder = Path(tempfile.mkdtemp(prefix="evalkit-"))
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        dialect = SqliteDialect(folder / "evalkit.db")
        super().__init__(dialect, artifact_root or folder / "evalkit-artifacts")

    def close(self) -> None:
        super().close()
        self._remove()

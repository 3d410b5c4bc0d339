"""The tables, in types that SQLite, PostgreSQL and MySQL share.

Runs and metric keys have small whole numbers as keys inside the database, because the history of
metrics, the largest table, repeats them in every row.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

KEY_LENGTH = 250
"""Characters in the key of a metric, param or tag."""

PARAM_LENGTH = 6000
"""Characters in the value of a param."""

TAG_LENGTH = 8000
"""Characters in the value of a tag of a run."""

EXPERIMENT_NAME_LENGTH = 500
RUN_NAME_LENGTH = 250
RUN_ID_LENGTH = 64
SUMMARY_KEY_LENGTH = 500
DIGEST_LENGTH = 128
TRACE_ID_LENGTH = 200
"""Characters in the id of a trace, span or assessment."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column that is exactly INTEGER.
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

# Texts are equal only if all their characters are, spaces at the end too, and are sorted by these,
# whatever the server's language is.  SQLite does so by itself.
_BINARY = {"postgresql": "C", "mysql": "utf8mb4_0900_bin", "mariadb": "utf8mb4_nopad_bin"}


def short_text(length: int) -> String:
    """Return the type of a short text, compared character by character."""
    kind = String(length)
    for database, collation in _BINARY.items():
        kind = kind.with_variant(String(length, collation=collation), database)
    return kind


def _text(length: int | None = None) -> Text:
    """Return the type of a text, of *length* bytes in MySQL, whose own limit is 64 KiB."""
    kind = Text()
    for database, collation in _BINARY.items():
        own = None if database == "postgresql" else length
        kind = kind.with_variant(Text(own, collation=collation), database)
    return kind


TEXT = _text()
LONG_TEXT = _text(2**24 - 1)


def _labels(name: str, *owner: Column[int], value: Text = TEXT, **settings: Any) -> Table:
    """Return a table of tags or params: the key of their owner, then ``key`` and ``value``."""
    names = [c.name for c in owner]
    return Table(
        name,
        metadata,
        *(Column(c.name, c.type, primary_key=True, autoincrement=False) for c in owner),
        Column("key", short_text(KEY_LENGTH), primary_key=True),
        Column("value", value, nullable=False),
        ForeignKeyConstraint(names, owner),
        **settings,
    )


schema_version = Table(  # as Alembic makes and reads it
    "evalkit_version", metadata, Column("version_num", String(32), primary_key=True)
)

numbered_versions = Table(
    "evalkit_schema", MetaData(), Column("version", Integer, primary_key=True)
)
"""Where the version stood before Alembic kept it: a row for each step, four of them at most."""

experiments = Table(
    "experiments",
    metadata,
    Column("experiment_id", Integer, primary_key=True),
    Column("name", short_text(EXPERIMENT_NAME_LENGTH), nullable=False, unique=True),
    Column("artifact_location", TEXT),  # NULL: below the artifact root of the store
    Column("lifecycle_stage", short_text(16), nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("last_update_time", BigInteger, nullable=False),
)

experiment_tags = _labels("experiment_tags", experiments.c.experiment_id)

runs = Table(
    "runs",
    metadata,
    Column("run_number", ROW_NUMBER, primary_key=True),
    Column("run_id", short_text(RUN_ID_LENGTH), nullable=False, unique=True),
    Column("experiment_id", ForeignKey(experiments.c.experiment_id), nullable=False),
    Column("name", short_text(RUN_NAME_LENGTH), nullable=False, index=True),
    Column("user_id", short_text(256), nullable=False),
    Column("status", short_text(16), nullable=False),
    Column("start_time", BigInteger, nullable=False),
    Column("end_time", BigInteger),
    Column("lifecycle_stage", short_text(16), nullable=False),
    Column("parent_run_id", short_text(RUN_ID_LENGTH), index=True),
    Column("artifact_uri", TEXT),  # NULL: below the artifact root, which is beside the store
    Index(None, "experiment_id", "lifecycle_stage", "start_time", "run_number"),
    Index(None, "lifecycle_stage", "start_time", "run_number"),
)
params = _labels("params", runs.c.run_number, sqlite_with_rowid=False)
tags = _labels("tags", runs.c.run_number, sqlite_with_rowid=False)

metric_keys = Table(
    "metric_keys",
    metadata,
    Column("key_number", Integer, primary_key=True),
    Column("key", short_text(KEY_LENGTH), nullable=False, unique=True),
)


# A value that is not finite is kept as 0 with its kind beside it: no database keeps NaN in a key.
def _measurements(name: str, *indexes: Index, every: bool) -> Table:
    """Return a table of measurements by run and key, of *every* one or of the last."""
    return Table(
        name,
        metadata,
        Column("run_number", ForeignKey(runs.c.run_number), primary_key=True),
        Column("key_number", ForeignKey(metric_keys.c.key_number), primary_key=True),
        Column("step", BigInteger, primary_key=every, nullable=False),
        Column("timestamp", BigInteger, primary_key=every, nullable=False),
        Column("value", Double, primary_key=every, nullable=False),
        Column("kind", SmallInteger, primary_key=every, nullable=False),
        *indexes,
        sqlite_with_rowid=False,
    )


metrics = _measurements("metrics", every=True)
latest_metrics = _measurements("latest_metrics", Index(None, "key_number", "value"), every=False)

evaluation_summaries = Table(
    "evaluation_summaries",
    metadata,
    Column("run_number", ForeignKey(runs.c.run_number), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("key", short_text(SUMMARY_KEY_LENGTH), nullable=False),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    Column("level", Double, nullable=False),
    Column("method", short_text(100)),
    Column("standard_error", Double),
    Column("n_total", BigInteger, nullable=False),
    Column("n_scored", BigInteger, nullable=False),
    Column("n_skipped", BigInteger, nullable=False),
    Column("n_failed", BigInteger, nullable=False),
    Column("n_groups", BigInteger),
    Column("n_repeats", Integer, nullable=False),
    Column("unit", short_text(100)),
    Column("direction", short_text(16), nullable=False),
    Column("note", LONG_TEXT),
    Column("signature", LONG_TEXT, nullable=False),
    Column("dataset_digest", short_text(DIGEST_LENGTH), index=True),
    Index(None, "key", "run_number"),
)

# Traces, spans and runs are named by their ids, which may be those of another store.
assessments = Table(
    "assessments",
    metadata,
    Column("assessment_number", ROW_NUMBER, primary_key=True),
    Column("assessment_id", short_text(TRACE_ID_LENGTH), nullable=False),
    Column("kind", short_text(16), nullable=False),
    Column("name", short_text(SUMMARY_KEY_LENGTH), nullable=False),
    Column("source_type", short_text(16), nullable=False),
    Column("source_id", short_text(KEY_LENGTH), nullable=False),
    Column("trace_id", short_text(TRACE_ID_LENGTH), index=True),
    Column("span_id", short_text(TRACE_ID_LENGTH)),
    Column("run_id", short_text(TRACE_ID_LENGTH)),
    Column("value", LONG_TEXT),
    Column("number", Double),  # the value again where it is a number, for searches
    Column("error_code", TEXT),
    Column("error_message", LONG_TEXT),
    Column("rationale", LONG_TEXT),
    Column("metadata", LONG_TEXT),
    Column("create_time", BigInteger),
    Index("uq_assessments_assessment_id", "assessment_id", unique=True),
    Index(None, "run_id", "name"),
    Index(None, "name", "number"),
)

calibrations = Table(
    "calibrations",
    metadata,
    Column("card_number", ROW_NUMBER, primary_key=True),
    Column("judge", short_text(SUMMARY_KEY_LENGTH), nullable=False),
    Column("signature", LONG_TEXT, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("card", LONG_TEXT, nullable=False),  # JSON
    Index(None, "judge", "created"),
)


MODEL_NAME_LENGTH = 256
ALIAS_LENGTH = 255
MODEL_ID_LENGTH = 64
SOURCE_LENGTH = 8000

LONG_TEXT_LENGTH = 100_000
"""Characters in a description, or in the value of a tag: a prompt's text is one."""

models = Table(
    "registered_models",
    metadata,
    Column("model_number", Integer, primary_key=True),
    Column("name", short_text(MODEL_NAME_LENGTH), nullable=False, unique=True),
    Column("description", LONG_TEXT, nullable=False),
    Column("last_version", Integer, nullable=False),  # the highest number ever given
    Column("creation_time", BigInteger, nullable=False),
    Column("last_update_time", BigInteger, nullable=False),
)

model_tags = _labels("registered_model_tags", models.c.model_number, value=LONG_TEXT)

versions = Table(
    "model_versions",
    metadata,
    Column("model_number", ForeignKey(models.c.model_number), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("source", TEXT, nullable=False),
    Column("run_id", short_text(RUN_ID_LENGTH), index=True),
    Column("model_id", short_text(MODEL_ID_LENGTH), index=True),
    Column("user_id", short_text(256), nullable=False),
    Column("description", LONG_TEXT, nullable=False),
    Column("status", short_text(32), nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("last_update_time", BigInteger, nullable=False),
)

_OWN_VERSION = [versions.c.model_number, versions.c.version]
version_tags = _labels("model_version_tags", *_OWN_VERSION, value=LONG_TEXT)

aliases = Table(
    "model_aliases",
    metadata,
    Column("model_number", Integer, primary_key=True, autoincrement=False),
    Column("alias", short_text(ALIAS_LENGTH), primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["model_number", "version"], _OWN_VERSION),
    Index(None, "model_number", "version"),
)

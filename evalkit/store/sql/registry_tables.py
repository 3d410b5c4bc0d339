"""The tables of the registry of models, beside those of `tables`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from evalkit.store.sql.tables import KEY_LENGTH, LONG_TEXT, RUN_ID_LENGTH, metadata

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
    Column("name", String(MODEL_NAME_LENGTH), nullable=False, unique=True),
    Column("description", LONG_TEXT, nullable=False),
    Column("last_version", Integer, nullable=False),  # the highest number ever given
    Column("creation_time", BigInteger, nullable=False),
    Column("last_update_time", BigInteger, nullable=False),
)

model_tags = Table(
    "registered_model_tags",
    metadata,
    Column("model_number", ForeignKey(models.c.model_number), primary_key=True),
    Column("key", String(KEY_LENGTH), primary_key=True),
    Column("value", LONG_TEXT, nullable=False),
)

versions = Table(
    "model_versions",
    metadata,
    Column("model_number", ForeignKey(models.c.model_number), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("run_id", String(RUN_ID_LENGTH), index=True),
    Column("model_id", String(MODEL_ID_LENGTH), index=True),
    Column("user_id", String(256), nullable=False),
    Column("description", LONG_TEXT, nullable=False),
    Column("status", String(32), nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("last_update_time", BigInteger, nullable=False),
)

_OWN_VERSION = [versions.c.model_number, versions.c.version]
version_tags = Table(
    "model_version_tags",
    metadata,
    Column("model_number", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key", String(KEY_LENGTH), primary_key=True),
    Column("value", LONG_TEXT, nullable=False),
    ForeignKeyConstraint(["model_number", "version"], _OWN_VERSION),
)

aliases = Table(
    "model_aliases",
    metadata,
    Column("model_number", Integer, primary_key=True, autoincrement=False),
    Column("alias", String(ALIAS_LENGTH), primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["model_number", "version"], _OWN_VERSION),
    Index(None, "model_number", "version"),
)

"""Add the registry of models."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, ForeignKeyConstraint, Integer

from evalkit.store.sql.tables import LONG_TEXT, TEXT, short_text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables, empty."""
    op.create_table(
        "registered_models",
        Column("model_number", Integer, primary_key=True),
        Column("name", short_text(256), nullable=False, unique=True),
        Column("description", LONG_TEXT, nullable=False),
        Column("last_version", Integer, nullable=False),
        Column("creation_time", BigInteger, nullable=False),
        Column("last_update_time", BigInteger, nullable=False),
    )
    op.create_table(
        "registered_model_tags",
        Column("model_number", Integer, primary_key=True, autoincrement=False),
        Column("key", short_text(250), primary_key=True),
        Column("value", LONG_TEXT, nullable=False),
        ForeignKeyConstraint(["model_number"], ["registered_models.model_number"]),
    )
    op.create_table(
        "model_versions",
        Column(
            "model_number",
            Integer,
            ForeignKey("registered_models.model_number"),
            primary_key=True,
            autoincrement=False,
        ),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("source", TEXT, nullable=False),
        Column("run_id", short_text(64), index=True),
        Column("model_id", short_text(64), index=True),
        Column("user_id", short_text(256), nullable=False),
        Column("description", LONG_TEXT, nullable=False),
        Column("status", short_text(32), nullable=False),
        Column("creation_time", BigInteger, nullable=False),
        Column("last_update_time", BigInteger, nullable=False),
    )
    version = ["model_versions.model_number", "model_versions.version"]
    op.create_table(
        "model_version_tags",
        Column("model_number", Integer, primary_key=True, autoincrement=False),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("key", short_text(250), primary_key=True),
        Column("value", LONG_TEXT, nullable=False),
        ForeignKeyConstraint(["model_number", "version"], version),
    )
    op.create_table(
        "model_aliases",
        Column("model_number", Integer, primary_key=True, autoincrement=False),
        Column("alias", short_text(255), primary_key=True),
        Column("version", Integer, nullable=False),
        ForeignKeyConstraint(["model_number", "version"], version),
    )
    op.create_index(
        "ix_model_aliases_model_number_version", "model_aliases", ["model_number", "version"]
    )

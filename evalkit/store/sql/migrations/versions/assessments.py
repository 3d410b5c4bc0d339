"""Add assessments."""

from alembic import op
from sqlalchemy import BigInteger, Column, Double

from evalkit.store.sql.tables import LONG_TEXT, ROW_NUMBER, TEXT, short_text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table, empty."""
    op.create_table(
        "assessments",
        Column("assessment_number", ROW_NUMBER, primary_key=True),
        Column("assessment_id", short_text(200), nullable=False),
        Column("kind", short_text(16), nullable=False),
        Column("name", short_text(500), nullable=False),
        Column("source_type", short_text(16), nullable=False),
        Column("source_id", short_text(250), nullable=False),
        Column("trace_id", short_text(200), index=True),
        Column("span_id", short_text(200)),
        Column("run_id", short_text(200)),
        Column("value", LONG_TEXT),
        Column("number", Double),
        Column("error_code", TEXT),
        Column("error_message", LONG_TEXT),
        Column("rationale", LONG_TEXT),
        Column("metadata", LONG_TEXT),
        Column("create_time", BigInteger),
    )
    op.create_index("uq_assessments_assessment_id", "assessments", ["assessment_id"], unique=True)
    for columns in (["run_id", "name"], ["name", "number"]):
        op.create_index(f"ix_assessments_{'_'.join(columns)}", "assessments", columns)

"""The step that adds assessments: its own copy of the table, which later steps may change."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)


def add_assessments(connection: Connection) -> None:
    """Make the table of assessments and its indexes."""
    metadata = MetaData()
    table = Table(
        "assessments",
        metadata,
        Column(
            "assessment_number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
        ),
        Column("assessment_id", String(200), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("name", String(500), nullable=False),
        Column("source_type", String(16), nullable=False),
        Column("source_id", String(250), nullable=False),
        Column("trace_id", String(200)),
        Column("span_id", String(200)),
        Column("run_id", String(200)),
        Column("value", Text),
        Column("number", Double),
        Column("error_code", Text),
        Column("error_message", Text),
        Column("rationale", Text),
        Column("metadata", Text),
        Column("create_time", BigInteger),
    )
    Index("uq_assessments_assessment_id", table.c.assessment_id, unique=True)
    Index("ix_assessments_trace_id", table.c.trace_id)
    Index("ix_assessments_run_id_name", table.c.run_id, table.c.name)
    Index("ix_assessments_name_number", table.c.name, table.c.number)
    metadata.create_all(connection, checkfirst=False)

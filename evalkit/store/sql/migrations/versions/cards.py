"""Add the cards of judges."""

from alembic import op
from sqlalchemy import BigInteger, Column

from evalkit.store.sql.tables import LONG_TEXT, ROW_NUMBER, short_text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table, empty."""
    op.create_table(
        "calibrations",
        Column("card_number", ROW_NUMBER, primary_key=True),
        Column("judge", short_text(500), nullable=False),
        Column("signature", LONG_TEXT, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("card", LONG_TEXT, nullable=False),
    )
    op.create_index("ix_calibrations_judge_created", "calibrations", ["judge", "created"])

"""Leave the version to Alembic."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Drop the table in which it stood before."""
    op.drop_table("evalkit_schema")

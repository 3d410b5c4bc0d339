"""Keep where the artifacts of a run are, so that they are found from any folder."""

from alembic import op
from sqlalchemy import Column

from evalkit.store.sql.tables import TEXT

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column, empty: earlier runs lie below the root of whoever opens the store."""
    op.add_column("runs", Column("artifact_uri", TEXT))

"""The schema of the first databases, which were made whole."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing: no database is older."""

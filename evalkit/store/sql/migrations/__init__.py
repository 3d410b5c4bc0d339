"""The schema of a database: made whole in a new one, brought up in steps in an older one."""

from evalkit.store.sql.migrations.prepare import HEAD, prepare

__all__ = ["HEAD", "prepare"]

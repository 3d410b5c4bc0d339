"""Cards of judges in SQL: table, migration and rows.  Nothing here commits."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from evalkit.store.sql import checks, tables

MOST = 50
"""Cards of one judge that are read: the newest."""


def create_table(connection: Connection) -> None:
    """Add the table to a database of an earlier version."""
    tables.calibrations.create(connection)


def add(connection: Connection, *, judge: str, signature: str, created: int, card: str) -> None:
    """Add a card.

    Raises:
        UsageError: If the judge's name is too long.
    """
    connection.execute(
        insert(tables.calibrations).values(
            judge=checks.text("judge's name", judge, tables.SUMMARY_KEY_LENGTH),
            signature=signature,
            created=created,
            card=card,
        )
    )


def newest(connection: Connection, judge: str) -> list[str]:
    """Return the newest cards of *judge*, newest first."""
    table = tables.calibrations
    query = select(table.c.card).where(table.c.judge == judge)
    query = query.order_by(table.c.created.desc(), table.c.card_number.desc()).limit(MOST)
    return list(connection.scalars(query))

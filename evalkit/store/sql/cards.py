"""Cards of judges in SQL."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select

from evalkit.store.interface import Cards
from evalkit.store.sql import checks, tables
from evalkit.store.sql.database import Database

MOST = 50
"""Cards of one judge that are read: the newest."""

_TABLE = tables.calibrations


@dataclass(frozen=True)
class SqlCards(Cards):
    """See `Cards`."""

    database: Database

    def add(self, *, judge: str, signature: str, created: int, card: str) -> None:
        values = {
            "judge": checks.text("judge's name", judge, tables.SUMMARY_KEY_LENGTH),
            "signature": signature,
            "created": created,
            "card": card,
        }
        with self.database.write() as connection:
            connection.execute(insert(_TABLE).values(values))

    def newest(self, judge: str) -> list[str]:
        query = select(_TABLE.c.card).where(_TABLE.c.judge == judge)
        query = query.order_by(_TABLE.c.created.desc(), _TABLE.c.card_number.desc()).limit(MOST)
        with self.database.read() as connection:
            return list(connection.scalars(query))

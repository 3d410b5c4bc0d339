"""Turns of conversations, and the groups that they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any


class Turns:
    """Numbers the turns of each session in the order of the data, where the data does not.

    Examples:
        >>> turns = Turns()
        >>> turns.fill({"session": ["a", "b", "a", None]}, None)
        >>> turns.fill({"session": ["a"]}, None)
    """

    def __init__(self) -> None:
        """Start without sessions."""
        self._next: Counter[tuple[str, int]] = Counter()

    def fill(self, cells: dict[str, list[Any]], repeats: Sequence[int] | None) -> None:
        """Fill ``turn`` and ``group`` of rows that have a session, in place.

        Args:
            cells: Fields to cells, shape ``(n,)`` each.
            repeats: Repeat of each row, if the data has them; each counts its own turns.
        """
        sessions: list[str | None] | None = cells.get("session")
        if sessions is None:
            return
        again = repeats or [0] * len(sessions)
        turns: list[int | None] = cells.get("turn") or [None] * len(sessions)
        for row, session in enumerate(sessions):
            if session is None:
                continue
            key = (session, again[row])
            turn = turns[row]
            if turn is None:
                turn = turns[row] = self._next[key]
            self._next[key] = max(self._next[key], turn + 1)
        cells["turn"] = turns
        groups: list[str | None] = cells.get("group") or [None] * len(sessions)
        cells["group"] = [
            group if group is not None else session
            for group, session in zip(groups, sessions, strict=True)
        ]

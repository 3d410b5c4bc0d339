"""Votes between two systems, from rows of any kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evalkit.errors import DataError, MissingColumnError, UsageError, near_miss

_FIRST: Final = frozenset({"a", "first", "model_a", "left", "1"})
_SECOND: Final = frozenset({"b", "second", "model_b", "right", "2"})
_TIE: Final = frozenset(
    {
        *("tie", "tied", "tie (bothbad)", "tie (both bad)", "tie (inconsistent)", "draw", "equal"),
        *("both", "both good", "both bad", "both_good", "both_bad", "bothgood", "bothbad"),
        "neither",
    }
)
_SIDES: Final = (1.0, 0.0)
_TIED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Vote:
    """One comparison of two systems."""

    first: str
    second: str
    value: float
    """1 where the first wins, 0 where the second does, 0.5 for a tie; in [0, 1]."""

    group: str | None = None
    """What votes have in common that are not independent, such as the question."""


def votes_of(
    rows: Any,
    *,
    first: str = "model_a",
    second: str = "model_b",
    winner: str = "winner",
    group: str | None = None,
) -> tuple[Vote, ...]:
    """Return the votes that *rows* hold.

    Rows without a value, such as those whose judge failed, are left out: they are no ties.

    Args:
        rows: Mappings, or a frame, such as an evaluation's ``table()``.
        first: Column with the name of the first system.
        second: Column with that of the second.
        winner: Column with the vote: the preference of a `PairwiseJudge` (1, 0.5, 0), or a word:
            a system's name, ``model_a`` or ``a``, ``model_b`` or ``b``, ``tie``.  A system's name
            goes first: ``a`` is the system called a where there is one.
        group: Column of what votes have in common, such as the question.

    Raises:
        MissingColumnError: If there is no such column.
        DataError: If a vote is none of these; names the row.
        UsageError: If a vote may mean one system as well as the other, or a tie.

    Examples:
        >>> rows = [{"model_a": "x", "model_b": "y", "winner": "model_b", "question": 7}]
        >>> votes_of(rows, group="question")
        (Vote(first='x', second='y', value=0.0, group='7'),)
    """
    listed = rows.to_dict("records") if hasattr(rows, "to_dict") else list(rows)
    return tuple(_read(listed, first, second, winner, group))


def _read(
    rows: Iterable[Mapping[str, Any]], first: str, second: str, winner: str, group: str | None
) -> Iterator[Vote]:
    for number, row in enumerate(rows, 1):
        for column in (first, second, winner, *([group] if group else [])):
            if column not in row:
                hint = near_miss(column, [str(name) for name in row])
                raise MissingColumnError(
                    f"Row {number} of the votes has no column {column!r}.{hint}"
                )
        one, other = str(row[first]), str(row[second])
        value = _Ballot(number, (one, other), (first, second)).read(row[winner])
        if value is not None:
            yield Vote(one, other, value, None if group is None else str(row[group]))


@dataclass(frozen=True, slots=True)
class _Ballot:
    """How the vote of one row may be said."""

    row: int
    systems: tuple[str, str]
    columns: tuple[str, str]

    def read(self, vote: Any) -> float | None:
        if vote is None or (isinstance(vote, float) and math.isnan(vote)):
            return None
        word = _word(vote)
        named = self._named(vote, word)
        meant = self._word(word) if isinstance(vote, str) else _number(vote)
        if named is None:
            if meant is None:
                raise self._unknown(vote, word)
            return meant
        # The name of a system goes before the names of places, but is told from no tie or number.
        clash = meant == _TIED if isinstance(vote, str) else meant not in {None, named}
        if clash:
            raise self._ambiguous(vote)
        return named

    def _named(self, vote: Any, word: str) -> float | None:
        """Return the vote for the system that is named."""
        if isinstance(vote, bool) or word not in self.systems:
            return None
        if self.systems[0] == self.systems[1]:
            raise self._ambiguous(vote)
        return _SIDES[self.systems.index(word)]

    def _word(self, word: str) -> float | None:
        """Return the vote for a place, or a tie."""
        folded = word.casefold()
        if folded in _TIE:
            return _TIED
        place = None
        if word in self.columns:
            place = _SIDES[self.columns.index(word)]
        elif folded in _FIRST or folded in _SECOND:
            place = _SIDES[folded in _SECOND]
        # A system's name in another case, which the place contradicts, may be meant as well.
        alike = [_SIDES[n] for n, name in enumerate(self.systems) if name.casefold() == folded]
        if place is not None and word not in self.systems and alike and place not in alike:
            raise self._ambiguous(word)
        return place

    def _ambiguous(self, vote: Any) -> UsageError:
        return UsageError(
            f"Row {self.row} of the votes says {vote!r}, which may mean either of "
            f"{self.systems[0]!r} and {self.systems[1]!r}, or a tie: give the systems other names, "
            f"or say {self.columns[0]}, {self.columns[1]} or tie."
        )

    def _unknown(self, vote: Any, word: str) -> DataError:
        hint = near_miss(word, [*self.systems, *self.columns, *sorted(_TIE)])
        return DataError(
            f"Row {self.row} of the votes says {vote!r}, which is neither one of the systems, nor "
            f"a tie, nor a number from 0 to 1.{hint}"
        )


def _word(vote: Any) -> str:
    """Return *vote* as a system of that name would be written: 1.0 is the system 1."""
    whole = isinstance(vote, float) and vote.is_integer()
    return str(int(vote) if whole else vote).strip()


def _number(vote: Any) -> float | None:
    try:
        value = float(vote)
    except (TypeError, ValueError):
        return None
    return value if 0 <= value <= 1 else None

"""Votes between two systems, from rows of any kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evalkit.errors import DataError, MissingColumnError, near_miss

_FIRST: Final = frozenset({"a", "first", "model_a", "left", "1"})
_SECOND: Final = frozenset({"b", "second", "model_b", "right", "2"})
_TIE: Final = ("tie", "both", "draw", "neither", "equal")


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
            a system's name, ``model_a`` or ``a``, ``model_b`` or ``b``, ``tie``.
        group: Column of what votes have in common, such as the question.

    Raises:
        MissingColumnError: If there is no such column.
        DataError: If a vote is none of these; names the row.

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
        value = _value(row[winner], (one, first), (other, second), number)
        if value is not None:
            yield Vote(one, other, value, None if group is None else str(row[group]))


def _value(said: Any, first: tuple[str, ...], second: tuple[str, ...], row: int) -> float | None:
    if said is None or (isinstance(said, float) and math.isnan(said)):
        return None
    if isinstance(said, str):
        word = said.strip()
        if word in first or word.casefold() in _FIRST:
            return 1.0
        if word in second or word.casefold() in _SECOND:
            return 0.0
        if word.casefold().startswith(_TIE):
            return 0.5
    elif 0 <= float(said) <= 1:
        return float(said)
    raise DataError(
        f"Row {row} of the votes says {said!r}, which is neither one of the systems, nor a tie, "
        "nor a number from 0 to 1."
    )

"""Estimates by tag, as reports show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evalkit.entities.estimate import Estimate
from evalkit.errors import EvalkitError

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult

_MOST_TAGS: Final = 12
_MOST_VALUES: Final = 30


@dataclass(frozen=True, slots=True)
class Part:
    """The cases that share one value of a tag."""

    value: str
    n: int
    """Cases."""

    estimates: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Slice:
    """A tag and the estimates of each of its values."""

    tag: str
    parts: tuple[Part, ...] = ()
    problem: str | None = None
    """Why there are no parts, such as a scorer that this process cannot rebuild."""


def slices(result: EvaluationResult) -> list[Slice]:
    """Return the estimates by each tag of `tag_columns`."""
    return [_slice(result, name) for name in tag_columns(result)]


def tag_columns(result: EvaluationResult) -> dict[str, list[str | None]]:
    """Return the tags worth slicing by: those with 2 to 30 values, at most 12 of them.

    Returns:
        The value of each case as text, ``None`` where it has none, by tag.
    """
    if "tags" not in result.spool.fields:
        return {}
    rows = result.spool.values("tags")
    seen: dict[str, set[str]] = {}
    for tags in rows:
        for name, value in tags.items():
            values = seen.setdefault(str(name), set())
            if value is not None and len(values) <= _MOST_VALUES:
                values.add(_text(value))
    names = [name for name, values in seen.items() if 1 < len(values) <= _MOST_VALUES]
    return {
        name: [None if tags.get(name) is None else _text(tags[name]) for tags in rows]
        for name in names[:_MOST_TAGS]
    }


def _text(value: object) -> str:
    return "yes" if value is True else "no" if value is False else str(value)


def _slice(result: EvaluationResult, tag: str) -> Slice:
    whole = result.estimates
    try:
        rows = result.by(tag).to_dict("records")
    except EvalkitError as error:
        return Slice(tag, problem=str(error))
    parts: dict[str, dict[str, Estimate]] = {}
    for row in rows:
        key = str(row["metric"])
        parts.setdefault(str(row[tag]), {})[key] = Estimate(
            key=key,
            value=_number(row["value"]),
            low=_number(row["low"]),
            high=_number(row["high"]),
            n_total=int(row["n_total"]),
            n_scored=int(row["n_scored"]),
            n_failed=int(row["n_failed"]),
            unit=whole[key].unit,
            direction=whole[key].direction,
        )
    made = (
        Part(value, max(e.n_total for e in found.values()), found) for value, found in parts.items()
    )
    return Slice(tag, tuple(made))


def _number(value: Any) -> float | None:
    # A frame turns None among numbers into NaN.
    return None if value is None or value != value else float(value)  # noqa: PLR0124

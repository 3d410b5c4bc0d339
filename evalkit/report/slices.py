"""Estimates by tag, as reports show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evalkit.entities.estimate import Estimate

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
    parts: tuple[Part, ...]


def slices(result: EvaluationResult) -> list[Slice]:
    """Return the estimates by each tag that has between 2 and 30 values; at most 12 tags."""
    if "tags" not in result.spool.fields:
        return []
    seen: dict[str, set[str]] = {}
    for tags in result.spool.values("tags"):
        for name, value in tags.items():
            values = seen.setdefault(str(name), set())
            if value is not None and len(values) <= _MOST_VALUES:
                values.add(str(value))
    names = [name for name, values in seen.items() if 1 < len(values) <= _MOST_VALUES]
    return [_slice(result, name) for name in names[:_MOST_TAGS]]


def _slice(result: EvaluationResult, tag: str) -> Slice:
    units = {key: (e.unit, e.direction) for key, e in result.estimates.items()}
    parts: dict[str, dict[str, Estimate]] = {}
    for row in result.by(tag).to_dict("records"):
        key = str(row["metric"])
        unit, direction = units[key]
        parts.setdefault(str(row[tag]), {})[key] = Estimate(
            key=key,
            value=_number(row["value"]),
            low=_number(row["low"]),
            high=_number(row["high"]),
            n_total=int(row["n_total"]),
            n_scored=int(row["n_scored"]),
            n_failed=int(row["n_failed"]),
            unit=unit,
            direction=direction,
        )
    made = (
        Part(value, max(e.n_total for e in found.values()), found) for value, found in parts.items()
    )
    return Slice(tag, tuple(made))


def _number(value: Any) -> float | None:
    # A frame turns None among numbers into NaN.
    return None if value is None or value != value else float(value)  # noqa: PLR0124

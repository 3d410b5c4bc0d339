"""Reading the form of a judge's card: its types, finite numbers, and ends that make sense."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from evalkit.entities.calibration import CalibrationPart, PopulationMean
from evalkit.entities.estimate import Estimate
from evalkit.errors import DataError

T = TypeVar("T")

_SLACK: Final = 1e-9
_WORDS: Final = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def read_form(kind: type[T], written: Any, at: str = "") -> T:
    """Return the *kind* that *written*, JSON values by member, says.

    Members that *kind* does not have are left out: a newer release may write more.

    Raises:
        DataError: At the first member that cannot be; names it, as in ``held_out.figures.kappa``.
    """
    members, hints = _named(written, at), get_type_hints(kind)
    read: dict[str, Any] = {}
    for field in dataclasses.fields(cast("Any", kind)):
        place = f"{at}.{field.name}" if at else field.name
        if field.name in members:
            read[field.name] = _value(hints[field.name], members[field.name], place)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise DataError(f"is no card of a judge: {place} is missing")
    if kind is Estimate:
        _estimate(members, at)
    if kind is PopulationMean:
        _ends(members, at)
    if "level" in members and not 0.0 < members["level"] < 1.0:
        raise _wrong(f"{at}.level" if at else "level", "between 0 and 1", members["level"])
    if kind is CalibrationPart:
        _table(members, at)
    return kind(**read)


def _value(hint: Any, value: Any, at: str) -> Any:
    """Return *value* as a type of the card's entities has it."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        kinds = [kind for kind in inside if kind is not type(None)]
        return None if value is None else _value(kinds[0], value, at)
    if origin is Literal:
        if value not in inside:
            raise _wrong(at, f"one of {', '.join(map(str, inside))}", value)
        return value
    if origin is tuple:
        return tuple(_items(inside, value, at))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        members = _named(value, at).items()
        return {name: _value(inside[1], item, f"{at}.{name}") for name, item in members}
    if dataclasses.is_dataclass(hint):
        return read_form(cast("type[Any]", hint), value, at)
    if hint in _WORDS:
        _plain(hint, value, at)
    return value


def _named(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(at, "members by name", value)
    return cast("Mapping[str, Any]", value)


def _items(inside: tuple[Any, ...], value: Any, at: str) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(at, "a list", value)
    items: Sequence[Any] = value
    kinds = [inside[0]] * len(items) if Ellipsis in inside else inside
    if len(items) != len(kinds):
        raise _wrong(at, f"a list of {len(inside)}", value)
    both = enumerate(zip(kinds, items, strict=True))
    return [_value(kind, item, f"{at}[{place}]") for place, (kind, item) in both]


def _plain(hint: type[Any], value: Any, at: str) -> None:
    allowed = (int, float) if hint is float else hint
    if not isinstance(value, allowed) or (isinstance(value, bool) and hint is not bool):
        raise _wrong(at, _WORDS[hint], value)
    try:
        finite = hint is not float or math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float holds
        finite = False
    if not finite:
        raise _wrong(at, "finite", value)


def _estimate(members: Mapping[str, Any], at: str) -> None:
    _ends(members, at)
    if members.get("value") is not None and members.get("n_scored", 0) < 1:
        raise _wrong(f"{at}.n_scored", "at least 1 where there is a value", members.get("n_scored"))


def _ends(members: Mapping[str, Any], at: str) -> None:
    value, low, high = (members.get(name) for name in ("value", "low", "high"))
    if low is None and high is None:
        return
    if value is None or low is None or high is None:
        raise _wrong(at, "with value, low and high, or without an interval", [low, value, high])
    if not low - _SLACK <= value <= high + _SLACK:
        raise _wrong(at, "with low <= value <= high", [low, value, high])


def _table(members: Mapping[str, Any], at: str) -> None:
    rows = members.get("confusion", ())
    labels = members.get("labels", ())
    if rows and ({len(rows), *map(len, rows)} != {len(labels)} or min(map(min, rows)) < 0):
        raise _wrong(f"{at}.confusion", "counts, a row and a column for each label", rows)
    if not 0 <= members["n_judged"] <= members["n_labelled"]:
        raise _wrong(f"{at}.n_judged", "from 0 to n_labelled", members["n_judged"])


def _wrong(at: str, wanted: str, value: Any) -> DataError:
    text = repr(value)
    text = text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004
    return DataError(f"is no card of a judge: {at} must be {wanted}, not {text}")

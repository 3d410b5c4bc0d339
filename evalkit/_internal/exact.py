"""JSON that loses nothing: what JSON has no form for is written beside the name of its kind."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import marshal
import math
import pathlib
import sys
import uuid
import weakref
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final, Self

import orjson

from evalkit._internal.canonical import canonical_json, parse_json, plain

MARK: Final = "$evalkit"
"""Sole key of a mapping that stands for a value: it holds the kind, and the value as JSON."""

WRITTEN_MARK: Final = b'"$evalkit"'
"""The mark as it stands in JSON."""

_BLOCK: Final = 256
_OPTIONS: Final = (
    orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
)
_classes: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()
"""Classes of values that this process has written; none is ever imported for a text's sake."""


class WrittenNumber(float):
    """A number that remembers how it was written: ``1.10`` is the number 1.1, and this text.

    Examples:
        >>> WrittenNumber("1.10") == 1.1, str(WrittenNumber("1.10"))
        (True, '1.10')
    """

    written: str

    def __new__(cls, written: str) -> Self:
        """Return the number of a text."""
        made = super().__new__(cls, written)
        made.written = written
        return made

    def __str__(self) -> str:
        return self.written

    def __format__(self, how: str) -> str:
        return format(float(self), how) if how else self.written

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return WrittenNumber, (self.written,)


def written_number(text: str) -> float:
    """Return the number of *text*, which remembers the text where it is not as Python writes it.

    Examples:
        >>> type(written_number("1.5")).__name__, type(written_number("1.50")).__name__
        ('float', 'WrittenNumber')
    """
    number = float(text)
    return number if repr(number) == text else WrittenNumber(text)


def exact_json(value: Any) -> bytes:
    """Return *value* as JSON from which `parse_exact` makes an equal value of the same type.

    Missing numbers (NaN) become null.  Instances of dataclasses, enums and pydantic models come
    back where their class is at hand; elsewhere, as after a restart, as plain values.

    Raises:
        TypeError: If a part of *value* has no JSON form; the text names its type.

    Examples:
        >>> parse_exact(exact_json({"price": decimal.Decimal("1.10"), "seen": (b"a", 2**70)}))
        {'price': Decimal('1.10'), 'seen': (b'a', 1180591620717411303424)}
    """
    return canonical_json(tagged(value))


def exact_json_each(values: Iterable[Any]) -> list[bytes]:
    """Return `exact_json` of each of *values*; quick where JSON has a form for all of them."""
    made: list[bytes] = []
    rest = iter(values)
    while block := list(islice(rest, _BLOCK)):
        texts = _kept_by_json(block)
        made += [exact_json(value) for value in block] if texts is None else texts
    return made


def _kept_by_json(block: list[Any]) -> list[bytes] | None:
    """Return plain JSON of each value, or ``None`` where it would lose something of one."""
    try:
        marshal.dumps(block)  # refuses what is not of a builtin type
        joined = b"\n".join([orjson.dumps(value, None, _OPTIONS) for value in block])
        back = orjson.loads(b"[%b]" % joined.replace(b"\n", b","))
        kept = WRITTEN_MARK not in joined and back == block
    except (ValueError, TypeError, RecursionError):
        return None
    # Split again: what orjson returns holds a buffer of 4 KiB each.
    return joined.split(b"\n") if kept else None


def parse_exact(text: bytes | str) -> Any:
    """Return the value that `exact_json` wrote.

    Raises:
        ValueError: If *text* is not JSON.
    """
    value = parse_json(text)
    marked = MARK in text if isinstance(text, str) else WRITTEN_MARK in text
    return restored(value) if marked else value


def tagged(value: Any) -> Any:
    """Return *value* as JSON values, with marks where JSON alone would lose something.

    Raises:
        TypeError: If a part of *value* has no JSON form; the text names its type.
    """
    kind = type(value)
    if kind in {str, int, bool, type(None)}:
        return value
    try:
        if kind is dict:
            if MARK in value or not all(type(key) is str for key in value):
                pairs = [[tagged(key), tagged(item)] for key, item in value.items()]
                return {MARK: ["mapping", pairs]}
            return {key: tagged(item) for key, item in value.items()}
        if kind is list:
            return [tagged(item) for item in value]
        if kind is float:
            return _number(value)
        writer = _WRITERS.get(kind)
        return _of_class(value) if writer is None else {MARK: [writer[0], writer[1](value)]}
    except RecursionError as error:
        raise TypeError("it is nested too deeply") from error


def restored(value: Any) -> Any:
    """Return what `tagged` was given."""
    if type(value) is list:
        return [restored(item) for item in value]
    if type(value) is not dict:
        return value
    if len(value) == 1 and MARK in value:
        kind, held = value[MARK]
        return _READERS[kind](held)
    return {key: restored(item) for key, item in value.items()}


def _number(value: float) -> Any:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else {MARK: ["float", repr(value)]}


def _of_class(value: Any) -> Any:  # noqa: PLR0911  one return for each kind of value
    """Return a value whose class is not one of Python's own."""
    cls = type(value)
    if isinstance(value, enum.Enum):
        return {MARK: ["enum", [_path(cls), tagged(value.value)]]}
    if dataclasses.is_dataclass(cls):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {MARK: ["object", [_path(cls), tagged(fields)]]}
    if isinstance(value, tuple):
        items = [tagged(item) for item in value]
        return {MARK: ["named", [_path(cls), items]] if hasattr(cls, "_make") else ["tuple", items]}
    if hasattr(cls, "__pydantic_fields__"):
        return {MARK: ["object", [_path(cls), tagged(dict(value.__dict__))]]}
    if cls.__name__ in {"NaTType", "NAType"}:
        return None
    if cls.__name__ in {"Timestamp", "Timedelta"} and cls.__module__.startswith("pandas"):
        return {MARK: ["pandas", [cls.__name__, value.isoformat()]]}
    if cls.__module__ == "numpy" and not isinstance(value, (str, bytes)):
        return _of_numpy(value)
    if isinstance(value, pathlib.PurePath):
        return {MARK: ["path", str(value)]}
    bases: tuple[Any, ...] = (str, bytes, int, float, dict, list)
    base = next((base for base in bases if isinstance(value, base)), plain)
    return tagged(base(value))


def _of_numpy(value: Any) -> Any:
    if value.dtype.hasobject:
        return tagged(value.tolist())
    if value.ndim == 0 and value.dtype.kind in "fU" and value != value:  # noqa: PLR0124  NaN
        return None
    content = base64.b64encode(value.tobytes()).decode("ascii")
    return {MARK: ["array", [value.dtype.str, list(value.shape), content]]}


def _to_numpy(held: Any) -> Any:
    import numpy as np

    dtype, shape, content = held
    array = np.frombuffer(base64.b64decode(content), dtype=dtype).reshape(shape)
    return array.copy() if shape else array[()]


def _path(cls: type) -> str:
    path = f"{cls.__module__}:{cls.__qualname__}"
    _classes[path] = cls
    return path


def _class_at(path: str) -> Any:
    """Return the class of this name where it is loaded; ``None`` elsewhere: nothing is imported."""
    if path in _classes:
        return _classes[path]
    module, _, names = path.partition(":")
    place: Any = sys.modules.get(module)
    for name in names.split("."):
        place = getattr(place, name, None)
    return place if isinstance(place, type) else None


def _to_enum(held: Any) -> Any:
    cls, value = _class_at(held[0]), restored(held[1])
    return cls(value) if isinstance(cls, enum.EnumMeta) else value


def _to_named(held: Any) -> Any:
    cls, items = _class_at(held[0]), [restored(item) for item in held[1]]
    return cls._make(items) if hasattr(cls, "_make") else tuple(items)


def _to_object(held: Any) -> Any:
    """Return the object without running its ``__init__``, which may do anything."""
    cls: Any = _class_at(held[0])
    fields = restored(held[1])
    if hasattr(cls, "__pydantic_fields__"):
        return cls.model_construct(**fields)
    if not hasattr(cls, "__dataclass_fields__"):
        return fields
    made = object.__new__(cls)
    for name, item in fields.items():
        object.__setattr__(made, name, item)
    return made


def _of_datetime(value: dt.datetime) -> list[Any]:
    zone = value.tzinfo.key if isinstance(value.tzinfo, zoneinfo.ZoneInfo) else None
    return [value.isoformat(), value.fold, zone]


def _to_datetime(held: Any) -> dt.datetime:
    text, fold, zone = held
    moment = dt.datetime.fromisoformat(text)
    if zone is not None:
        moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return moment.replace(fold=fold)


def _to_pandas(held: Any) -> Any:
    import pandas as pd

    name, text = held
    return pd.Timestamp(text) if name == "Timestamp" else pd.Timedelta(text)


def _ordered(items: Iterable[Any]) -> list[Any]:
    return [tagged(item) for item in sorted(items, key=repr)]


def _all_restored(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda held: make([restored(item) for item in held])


def _encoded(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode("ascii")


_WRITERS: Final[Mapping[type, tuple[str, Callable[[Any], Any]]]] = {
    WrittenNumber: ("number", str),
    bytes: ("bytes", _encoded),
    bytearray: ("bytearray", _encoded),
    memoryview: ("bytes", _encoded),
    tuple: ("tuple", lambda value: [tagged(item) for item in value]),
    set: ("set", _ordered),
    frozenset: ("frozenset", _ordered),
    decimal.Decimal: ("decimal", str),
    dt.datetime: ("datetime", _of_datetime),
    dt.date: ("date", dt.date.isoformat),
    dt.time: ("time", dt.time.isoformat),
    dt.timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    uuid.UUID: ("uuid", str),
}
"""Python's own types that JSON lacks: the name of each, and its form in JSON."""

_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "number": WrittenNumber,
    "float": float,
    "bytes": base64.b64decode,
    "bytearray": lambda held: bytearray(base64.b64decode(held)),
    "mapping": lambda held: {restored(key): restored(item) for key, item in held},
    "tuple": _all_restored(tuple),
    "set": _all_restored(set),
    "frozenset": _all_restored(frozenset),
    "decimal": decimal.Decimal,
    "datetime": _to_datetime,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": lambda held: dt.timedelta(*held),
    "uuid": uuid.UUID,
    "path": pathlib.Path,
    "array": _to_numpy,
    "pandas": _to_pandas,
    "enum": _to_enum,
    "named": _to_named,
    "object": _to_object,
}

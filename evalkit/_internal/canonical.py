"""Stable JSON and content hashes: equal content of equal types gives equal bytes."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import hashlib
import json
import math
import os
from collections.abc import Mapping
from typing import Any

import orjson

from evalkit._internal.surrogates import without_surrogates

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * 20
_LONG_NEGATIVE = b"-" + b"0" * 19
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def canonical_json(value: Any) -> bytes:
    r"""Return *value* as UTF-8 JSON with sorted keys and no spaces.

    Numpy scalars and arrays, dates, enums, dataclasses, sets and bytes are written in one fixed
    way; NaN and infinities become null, as a missing number does in every file format.

    Raises:
        TypeError: If a part of *value* has no JSON form; the text names its type.

    Examples:
        >>> canonical_json({"b": 1, "a": [True, None, "é"]})
        b'{"a":[true,null,"\xc3\xa9"],"b":1}'
    """
    try:
        return orjson.dumps(value, default=plain, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        return _careful_json(value, error)


def _careful_json(value: Any, cause: Exception) -> bytes:
    """Write what orjson refuses: whole numbers beyond 64 bits and lone surrogates."""
    try:
        text = json.dumps(
            _cleaned(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
    except RecursionError as error:
        raise TypeError("it is nested too deeply") from error
    except (TypeError, ValueError):
        raise TypeError(str(cause)) from cause
    return text.encode("utf-8")


def _cleaned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_cleaned(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return without_surrogates(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _cleaned(plain(value))


def plain(value: Any) -> Any:  # noqa: C901, PLR0911, PLR0912  one return for each kind of value
    """Return a value that JSON has no form for as one that it has.

    Raises:
        TypeError: If there is none; the text names the type.
    """
    if type(value).__name__ in {"NaTType", "NAType"}:
        return None  # what pandas writes where a date or a nullable value is missing
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(bytes(value)).decode("ascii")}
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if type(value).__name__ == "UUID":
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    for method in ("tolist", "item", "isoformat", "model_dump"):
        convert = getattr(value, method, None)
        if callable(convert):
            return convert()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if type(value).__module__ == "decimal":
        return float(str(value))
    if isinstance(value, float):
        return str(value)  # a number that was written in its own way
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, dt.timedelta):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def parse_json(data: bytes | str) -> Any:
    r"""Return the value of *data*; whole numbers keep every digit.

    Half a character, as a model leaves one where it is cut off, is U+FFFD.

    Raises:
        ValueError: If *data* is not JSON.

    Examples:
        >>> parse_json("[18446744073709551617]")
        [18446744073709551617]
        >>> parse_json(r'"cut off: \ud83d"')
        'cut off: \ufffd'
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "surrogate in" not in str(error):
            raise
        return _cleaned(json.loads(data))
    # orjson reads whole numbers beyond 64 bits as floats; a run of so many digits is rare.
    digits = (data.encode() if isinstance(data, str) else bytes(data)).translate(_DIGITS)
    if _LONG in digits or _LONG_NEGATIVE in digits:
        return json.loads(data)
    return value


def parse_answer(data: bytes | str) -> Any:
    """Return the value of *data*, which a model wrote; a key given twice makes it no JSON.

    Raises:
        ValueError: If *data* is not JSON, or an object of it has a key twice.

    Examples:
        >>> parse_answer('{"verdict": "no"}')
        {'verdict': 'no'}
        >>> parse_answer('{"verdict": "no", "verdict": "yes"}')
        Traceback (most recent call last):
        ValueError: the key 'verdict' stands twice
    """
    value = parse_json(data)

    def check(pairs: list[tuple[str, Any]]) -> None:
        names = set[str]()
        for name, _ in pairs:
            if name in names:
                raise ValueError(f"the key {name!r} stands twice")
            names.add(name)

    if isinstance(value, (dict, list)):
        json.loads(data, object_pairs_hook=check)
    return value


def content_hash(data: bytes, *, size: int = 16) -> str:
    """Return the BLAKE2b digest of *data* as ``2 * size`` lower-case hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=size).hexdigest()

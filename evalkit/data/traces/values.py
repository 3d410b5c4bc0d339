"""Values as traces write them: OpenTelemetry's typed ones, ids, times, texts that are JSON."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from evalkit._internal.canonical import parse_json
from evalkit.errors import TraceError

_HEX: Final = re.compile(r"(?:[0-9a-f]{16}|[0-9a-f]{32})", re.IGNORECASE)
_KINDS: Final = ("string", "bool", "int", "double", "array", "kvlist", "bytes")
_DEEPEST: Final = 64
_BITS: Final = 64


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return *value* if it is a mapping, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def list_of(value: Any) -> Sequence[Any]:
    """Return *value* if it is a list, else an empty one."""
    return cast("Sequence[Any]", value) if isinstance(value, (list, tuple)) else ()


def any_value(value: Any, depth: int = 0) -> Any:
    """Return a typed value of OpenTelemetry as a plain one; keys in camel or snake case.

    Examples:
        >>> any_value({"kvlistValue": {"values": [{"key": "n", "value": {"intValue": "3"}}]}})
        {'n': 3}
    """
    typed = mapping_of(value)
    if depth > _DEEPEST:
        raise TraceError("a value is nested too deeply")
    for kind in _KINDS:
        held = typed.get(f"{kind}Value", typed.get(f"{kind}_value"))
        if held is None:
            continue
        if kind == "int":
            return whole(held)
        if kind == "array":
            return [any_value(item, depth + 1) for item in list_of(mapping_of(held).get("values"))]
        if kind == "kvlist":
            return attributes_of(mapping_of(held).get("values"), depth + 1)
        return _double(held) if kind == "double" else held
    return None


def _double(held: Any) -> float:
    try:
        return float(held)
    except (TypeError, ValueError, OverflowError) as error:
        raise TraceError(f"{shown(held)} is no number") from error


def attributes_of(listed: Any, depth: int = 0) -> dict[str, Any]:
    """Return attributes as a mapping: OpenTelemetry's list of keys and values, or a mapping."""
    if isinstance(listed, Mapping):
        return dict(cast("Mapping[str, Any]", listed))
    pairs = [mapping_of(pair) for pair in list_of(listed)]
    return {str(pair.get("key")): any_value(pair.get("value"), depth) for pair in pairs}


def parsed(value: Any) -> Any:
    """Return what a text that is JSON says, and any other value as it is.

    Examples:
        >>> parsed('{"a": 1}'), parsed("plain")
        ({'a': 1}, 'plain')
    """
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return value


def structured(value: Any) -> Any:
    """Return a list or mapping that was written as a text; other texts stay texts."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        return parsed(value)
    return value


def whole(value: Any) -> int | None:
    """Return a whole number, which JSON may hold as a text; ``None`` for nothing.

    Raises:
        TraceError: If it is none, or takes more than 64 bits.
    """
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TraceError(f"{shown(value)} is no whole number") from error
    if number.bit_length() > _BITS:
        raise TraceError(f"{shown(value)} is no whole number of {_BITS} bits")
    return number


def shown(value: Any) -> str:
    """Return the beginning of a value; Python itself refuses to write thousands of digits."""
    try:
        return f"{value!r:.60}"
    except ValueError:
        return "a number of thousands of digits"


def hex_id(value: Any) -> str | None:
    """Return the id of a span or trace in hexadecimal digits, which may come in base64.

    Examples:
        >>> hex_id("AKV2E8XiDNY="), hex_id("00A57613C5E20CD6"), hex_id("")
        ('00a57613c5e20cd6', '00a57613c5e20cd6', None)
    """
    if value is None or value == "":
        return None
    text = str(value)
    if _HEX.fullmatch(text):
        return None if set(text) == {"0"} else text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text
    if len(raw) not in {8, 16}:
        return text
    return raw.hex() if any(raw) else None


def milliseconds(value: Any) -> int | None:
    """Return a moment in milliseconds since the epoch, from a number or RFC 3339.

    Raises:
        TraceError: If it is neither.
    """
    if isinstance(value, str) and not value.isdecimal():
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError as error:
            raise TraceError(f"{value!r:.60} is no time") from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return round(moment.timestamp() * 1000)
    return whole(value)


def text_or_none(value: Any) -> str | None:
    """Return a text that is not empty, else ``None``."""
    return value if isinstance(value, str) and value else None

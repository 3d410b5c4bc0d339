"""What the headers of an answer say: how long to wait, and what the provider still allows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from evalkit._internal.clock import now_milliseconds

_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SMALLEST_TOLD: Final = 2
"""Calls of a limit below which what remains says nothing."""

_KINDS: Final = ("requests", "tokens")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What remains of one limit."""

    remaining: float
    limit: float | None = None
    reset: float | None = None
    """Seconds until there is more."""

    kind: str = "requests"
    """``requests`` or ``tokens``."""

    @property
    def exhausted(self) -> bool:
        """Whether nothing remains."""
        return self.remaining < 1

    def calls(self, tokens: float) -> tuple[float, float] | None:
        """Return remaining and limit in calls, of which each takes so many *tokens*.

        ``None`` where they tell nothing: of a limit below 2, 0 remains after every call.

        Examples:
            >>> Allowance(3, 60).calls(100.0), Allowance(500, 1000, kind="tokens").calls(100.0)
            ((3, 60), (5.0, 10.0))
        """
        if self.limit is None:
            return None
        if self.kind == "requests":
            return (self.remaining, self.limit) if self.limit >= _SMALLEST_TOLD else None
        if tokens <= 0 or self.limit < _SMALLEST_TOLD * tokens:
            return None
        return self.remaining / tokens, self.limit / tokens


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long a server asks to wait, in seconds; ``None`` if it does not say.

    Reads ``retry-after-ms`` (milliseconds, as OpenAI sends) and ``Retry-After`` (seconds or a
    date, RFC 9110 section 10.2.3).

    Examples:
        >>> retry_after_seconds({"Retry-After": "1.5"})
        1.5
        >>> retry_after_seconds({"Retry-After": "soon"}) is None
        True
    """
    values = {name.lower(): value.strip() for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        number = _number(values.get(name))
        if number is not None and number >= 0.0:
            return number * unit
    from email.utils import parsedate_to_datetime

    return _seconds_until(parsedate_to_datetime, values.get("retry-after"))


def read_allowance(headers: Mapping[str, str]) -> Allowance | None:
    """Return the scarcer of what *headers* say of requests and of tokens.

    Reads ``x-ratelimit-remaining-requests`` and its like, as OpenAI and most others send them, and
    Anthropic's ``anthropic-ratelimit-requests-remaining``.

    Examples:
        >>> read_allowance({"x-ratelimit-remaining-requests": "0",
        ...                 "x-ratelimit-reset-requests": "1m2.5s"})
        Allowance(remaining=0.0, limit=None, reset=62.5, kind='requests')
        >>> read_allowance({}) is None
        True
    """
    limits = [allowance for kind in _KINDS if (allowance := _of_kind(headers, kind)) is not None]
    return min(limits, key=_share, default=None)


def _share(allowance: Allowance) -> float:
    return allowance.remaining / allowance.limit if allowance.limit else allowance.remaining


def _of_kind(headers: Mapping[str, str], kind: str) -> Allowance | None:
    remaining, limit, reset = (
        headers.get(f"x-ratelimit-{name}-{kind}")
        or headers.get(f"anthropic-ratelimit-{kind}-{name}")
        for name in ("remaining", "limit", "reset")
    )
    # A limit of none is how some servers say that there is no limit, as is a remainder below 0.
    amount, most = _number(remaining), _number(limit)
    if amount is None or amount < 0 or most == 0:
        return None
    return Allowance(amount, most if most is None or most > 0 else None, _seconds(reset), kind)


def _number(text: str | None) -> float | None:
    try:
        number = math.nan if text is None else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds(text: str | None) -> float | None:
    """Read ``1m2.5s``, ``20ms``, plain seconds, or a date of RFC 3339."""
    plain = _number(text)
    if text is None or plain is not None:
        return plain
    if parts := _PART.findall(text):
        return sum(float(count) * _UNITS[unit] for count, unit in parts)
    return _seconds_until(datetime.fromisoformat, text)


def _seconds_until(read: Callable[[str], datetime], text: str | None) -> float | None:
    try:
        moment = read(text or "")
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now_milliseconds() / 1000)
    except (ValueError, IndexError, OverflowError):  # a server may send anything
        return None

"""What a provider says it still allows, in the headers of its answers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
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
    found = [allowance for kind in _KINDS if (allowance := _of_kind(headers, kind)) is not None]
    return min(found, key=_share, default=None)


def _share(allowance: Allowance) -> float:
    return allowance.remaining / allowance.limit if allowance.limit else allowance.remaining


def _of_kind(headers: Mapping[str, str], kind: str) -> Allowance | None:
    def told(what: str) -> str | None:
        return headers.get(f"x-ratelimit-{what}-{kind}") or headers.get(
            f"anthropic-ratelimit-{kind}-{what}"
        )

    remaining, limit = _amount(told("remaining")), _amount(told("limit"))
    if remaining is None or limit == 0:
        return None  # a limit of none is how some servers say that there is no limit
    return Allowance(remaining, limit, _seconds(told("reset")), kind)


def _amount(text: str | None) -> float | None:
    """Read a number of calls or tokens; some servers say -1 for none."""
    found = _number(text)
    return None if found is None or found < 0 else found


def _number(text: str | None) -> float | None:
    try:
        found = math.nan if text is None else float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _seconds(text: str | None) -> float | None:
    """Read ``1m2.5s``, ``20ms``, plain seconds, or a date of RFC 3339."""
    plain = _number(text)
    if text is None or plain is not None:
        return plain
    if parts := _PART.findall(text):
        return sum(float(count) * _UNITS[unit] for count, unit in parts)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now_milliseconds() / 1000)

"""What failed on the way to an answer: the one list of what is nobody's own fault.

Errors are known by the path of their class, so that no client library is imported to look.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from evalkit.errors import TargetError
from evalkit.settings import infrastructure_errors

LOST_TURN: Final = "earlier_turn_lost"
"""Reason of a turn that was not asked, since infrastructure had lost an earlier one."""

NOT_RECORDED: Final = "not_recorded"
"""Reason of what only a recording may answer, and none does."""

INFRASTRUCTURE: Final = frozenset(
    {"rate_limited", "connection", "provider_error", "timeout", LOST_TURN, NOT_RECORDED}
)
"""Reasons of failure that are neither the target's nor the scorer's."""

_TRANSPORT: Final = {
    "TimeoutException": "timeout",
    "NetworkError": "connection",
    "ProxyError": "connection",
    "RemoteProtocolError": "connection",
}
_PROVIDER: Final = {
    "APITimeoutError": "timeout",
    "APIConnectionError": "connection",
    "RateLimitError": "rate_limited",
    "InternalServerError": "provider_error",
}
_URLLIB3: Final = (
    "ProtocolError",
    "NewConnectionError",
    "MaxRetryError",
    "ProxyError",
    "SSLError",
    "NameResolutionError",
)
INFRASTRUCTURE_ERRORS: Final[Mapping[str, str]] = {
    "builtins.TimeoutError": "timeout",
    "builtins.ConnectionError": "connection",
    "socket.gaierror": "connection",
    "http.client.IncompleteRead": "connection",
    "urllib.error.URLError": "connection",
    "requests.Timeout": "timeout",
    "requests.ConnectionError": "connection",
    "requests.ChunkedEncodingError": "connection",
    "urllib3.TimeoutError": "timeout",
    **{f"urllib3.{name}": "connection" for name in _URLLIB3},
    "aiohttp.ServerTimeoutError": "timeout",
    "aiohttp.ClientConnectionError": "connection",
    "aiohttp.ClientPayloadError": "connection",
    **{f"{library}.{n}": r for library in ("httpx", "httpcore") for n, r in _TRANSPORT.items()},
    **{f"{library}.{n}": r for library in ("openai", "anthropic") for n, r in _PROVIDER.items()},
}
"""Class of an error -> reason: its module's first name, or whole path, and its own name."""

STATUS_ERRORS: Final = frozenset(
    {
        "httpx.HTTPStatusError",
        "requests.HTTPError",
        "urllib.error.HTTPError",
        "aiohttp.ClientResponseError",
        "openai.APIStatusError",
        "anthropic.APIStatusError",
    }
)
"""Errors that say the status of an HTTP answer, which decides: 408, 429 and from 500 on."""


def infrastructure_reason(error: BaseException) -> str | None:
    """Return the reason for which infrastructure lost what raised *error*; ``None`` if it did not.

    What an error was raised ``from`` counts too, and a group where all that is in it does.

    Examples:
        >>> infrastructure_reason(ConnectionRefusedError("no")), infrastructure_reason(KeyError())
        ('connection', None)
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        reason = _own_reason(current)
        if reason is not None:
            return reason if reason in INFRASTRUCTURE else None
        current = current.__cause__
    return None


def _own_reason(error: BaseException) -> str | None:
    """Return what *error* itself says; an empty text where it says that it is something else."""
    if isinstance(error, TargetError):
        return error.reason
    if isinstance(error, BaseExceptionGroup):
        reasons = [infrastructure_reason(each) for each in error.exceptions]
        return None if None in reasons else reasons[0]
    paths = list(_paths(type(error)))
    if not STATUS_ERRORS.isdisjoint(paths):
        return _reason_of_status(_status(error))
    errors = _errors(Path.cwd())
    return next((errors[path] for path in paths if path in errors), None)


@functools.lru_cache(maxsize=8)
def _errors(folder: Path) -> Mapping[str, str]:
    return {**INFRASTRUCTURE_ERRORS, **dict.fromkeys(infrastructure_errors(folder), "connection")}


def _paths(kind: type[BaseException]) -> Iterator[str]:
    """Yield the names of *kind* and what it derives from, nearest first."""
    for each in kind.__mro__:
        yield f"{each.__module__}.{each.__qualname__}"
        # Libraries move their classes between modules of their own.
        yield f"{each.__module__.partition('.')[0]}.{each.__name__}"


def _status(error: Any) -> int | None:
    places = (getattr(error, "response", None), error)
    names = ("status_code", "status", "code")
    codes = (getattr(place, name, None) for place in places for name in names)
    return next((code for code in codes if isinstance(code, int)), None)


def _reason_of_status(status: int | None) -> str:
    if status == 429:  # noqa: PLR2004  too many requests
        return "rate_limited"
    return "provider_error" if status == 408 or (status or 0) >= 500 else ""  # noqa: PLR2004

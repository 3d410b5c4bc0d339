"""When to try a call again, and how long to wait before."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from evalkit._internal.clock import now_milliseconds
from evalkit.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential waits with jitter; a server's own ``Retry-After`` comes first.

    Examples:
        >>> RetryPolicy(first_seconds=1.0).delay(2, seed=7) <= 4.0
        True
        >>> RetryPolicy().delay(0, seed=7, retry_after=2.0) >= 2.0
        True
    """

    retries: int = 3
    """Attempts after the first."""

    first_seconds: float = 0.5
    """Longest wait before the first retry; doubled before each further one."""

    longest_seconds: float = 60.0
    """Longest wait of all, also where the server asks for more."""

    def __post_init__(self) -> None:
        """Refuse negative numbers.

        Raises:
            UsageError: If a number is negative.
        """
        if self.retries < 0 or self.first_seconds < 0 or self.longest_seconds < 0:
            raise UsageError("retries= and waits are at least 0.")

    def delay(self, attempt: int, *, seed: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after attempt *attempt*, counted from 0.

        Between half of the exponential wait and all of it, drawn by *seed* and *attempt*: equal
        arguments give an equal wait, and many callers do not come back at once.
        """
        share = 0.5 + 0.5 * random.Random(f"{seed}/{attempt}").random()  # noqa: S311  no secret
        wait = min(self.first_seconds * 2.0**attempt, self.longest_seconds) * share
        if retry_after is not None:
            # A little after the moment that the server named, spread so that not all come at once.
            wait = retry_after + 0.1 * wait
        return min(wait, self.longest_seconds)


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
    found = {name.lower(): value.strip() for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(found[name]) * unit
        except (KeyError, ValueError):
            continue
        if 0.0 <= seconds < float("inf"):
            return seconds
    try:
        moment = parsedate_to_datetime(found["retry-after"])
    except (KeyError, ValueError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now_milliseconds() / 1000)

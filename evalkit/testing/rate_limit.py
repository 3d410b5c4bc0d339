"""The rate limit of a scripted endpoint, as providers have them."""

from __future__ import annotations

import math
from collections.abc import Callable

from evalkit._internal.clock import monotonic


class RateLimit:
    """A bucket of requests that fills with time."""

    def __init__(self, per_second: float | Callable[[float], float], *, burst: int = 1) -> None:
        """Allow *per_second* requests (a function of the seconds since the start), and *burst*."""
        self._per_second = per_second
        self.burst = burst
        self._level = float(burst)
        self._began = self._last = monotonic()

    def take(self) -> tuple[bool, dict[str, str]]:
        """Take one request if there is one left; return that, and headers that tell of the rest."""
        now = monotonic()
        rate = self._rate(now)
        self._level = min(self.burst, self._level + (now - self._last) * rate)
        self._last = now
        allowed = self._level >= 1.0
        self._level -= allowed
        headers = {
            "x-ratelimit-limit-requests": str(self.burst),
            "x-ratelimit-remaining-requests": str(math.floor(self._level)),
        }
        if not allowed:
            wait = (1.0 - self._level) / rate if rate > 0 else 60.0
            headers["retry-after"] = f"{wait:.3f}"
        return allowed, headers

    def _rate(self, now: float) -> float:
        return (
            self._per_second(now - self._began) if callable(self._per_second) else self._per_second
        )

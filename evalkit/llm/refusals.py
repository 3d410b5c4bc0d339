"""What refusals for the rate tell: whether going slower is of use, and whether any call is."""

from __future__ import annotations

import math
from typing import Final

_WAITS: Final = 20
_REFUSALS: Final = 20
_SECONDS: Final = 60.0
"""Refusals in a row, each after the wait that the one before had asked for; or refusals in a row,
over so long: limits are counted by the minute."""

_ANSWERS: Final = 8
_FUTILE: Final = 0.6
"""Of spans of so many answers: share below which the rate and its answers have fallen, and above
which refusals have not, where a lower rate is of no use."""


class Refusals:
    """Refusals and answers of one connection; times are seconds of any clock.

    Examples:
        >>> refusals = Refusals()
        >>> for second in range(61):
        ...     refusals.refused(float(second), float(second), None)
        >>> refusals.hopeless
        True
    """

    def __init__(self) -> None:
        """Begin with neither."""
        self.hopeless = False
        """Whether so many were refused in a row that no further call need be tried."""

        self.floor = 0.0
        """Starts a second below which a lower rate was found to be of no use."""

        self._in_a_row = self._waits = 0
        """Refusals since the last answer, and those of them that came after the wait asked for."""

        self._first = self._waited_until = -math.inf
        self._since = -math.inf
        self._counts = [0, 0]
        """Answers and refusals of this span."""

        self._fruitful: tuple[float, float, float] | None = None
        """Starts and answers a second, and share refused, of the span with most answers."""

    def answered(self) -> None:
        """Count an answer."""
        self._in_a_row = self._waits = 0
        self._counts[0] += 1

    def refused(self, now: float, started: float, retry_after: float | None) -> None:
        """Count a refusal of a call that *started* then, and give up where waiting does not help.

        Args:
            now: The present moment.
            started: When the call started.
            retry_after: Seconds that the server asks to wait.
        """
        self._counts[1] += 1
        if not self._in_a_row:
            self._first = now
        self._in_a_row += 1
        if retry_after is not None and started >= self._waited_until:
            self._waits += 1
            self._waited_until = now + retry_after
        long = now - self._first >= _SECONDS
        if self._waits > _WAITS or (long and self._in_a_row > _REFUSALS):
            self.hopeless = True

    def begin(self, now: float) -> None:
        """Begin to compare spans anew."""
        self._since, self._counts = now, [0, 0]

    def look_back(self, now: float) -> float | None:
        """Return the rate to go back to, where slower ones were of no use; else ``None``.

        What a limit refuses comes down with the rate, while as many are answered as before.  A
        share that is refused at any rate stays, and answers come down with the rate.
        """
        answers, refusals = self._counts
        seconds = now - self._since
        if answers < _ANSWERS or seconds <= 0:
            return None
        self.begin(now)
        starts, goodput = (answers + refusals) / seconds, answers / seconds
        share = refusals / (answers + refusals)
        best = self._fruitful
        if best is None or goodput >= best[1]:
            self._fruitful = starts, goodput, share
        elif share > (1 + best[2]) / 2:  # there is a limit after all
            self._fruitful, self.floor = None, 0.0
        elif max(starts / best[0], goodput / best[1]) <= _FUTILE and share >= _FUTILE * best[2]:
            self.floor = best[0]
            return best[0]
        return None

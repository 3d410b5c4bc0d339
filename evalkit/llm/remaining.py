"""The rate of starts that a provider takes, worked out from what it says remains of its limit.

Three kinds of limits are told apart by their behaviour.  Of a *bucket*, what remains falls by one
a call and rises with time, so that the rate at which it is filled is that of the starts plus the
rise: no call need be refused to find it.  Of a *sliding window*, what remains is the limit less
the calls of so many seconds.  Of a *fixed window*, it jumps back at every beginning.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOWS: Final = (1.0, 10.0, 60.0)
"""Lengths of sliding windows that are looked for, in seconds."""

_FULL: Final = 0.9
_FIRST_LOW: Final = 0.4
_AIM: Final = 0.6
"""Shares of a bucket: from which it overflows, below which a limit is first heeded, and which is
kept, to be drawn on when the rate falls."""

_SEEN: Final = 1.0
_SEEN_CALLS: Final = 10
"""Seconds, and calls, over which the rise of a bucket is measured."""

_LEAST_SAMPLES: Final = 3
_STEP: Final = 0.15
"""Largest share of the rate by which the level of a bucket is brought back."""

_FALL: Final = 0.7
_RISE: Final = 1.1
_APPROACH: Final = 1.5
_DOUBLE: Final = 2.0
_SPARE: Final = 4
"""Bounds of one change of the rate; it may double where a bucket has so much to spare."""

_REFUSED: Final = 0.85
_WITHIN: Final = 0.97
"""Shares of a rate: what is kept of it after a refusal, and what of a window's is used."""

_HORIZON: Final = 60.0
_SLACK: Final = 0.05
"""Seconds for which what remains has to last, at a drain of at least this share of the rate."""

_PROVED: Final = 12
_MOST_PROOF: Final = 20
_DISPROVED: Final = 40
_JUMP: Final = 1.5
_JUMPS: Final = 4
"""How much more remains than before at the beginning of a fixed window; how many must be seen."""

_LOWEST: Final = 1 / 60


@dataclass(slots=True)
class _Window:
    """Whether what remains follows the calls of the last *seconds*."""

    seconds: float
    proof: int = 0

    @property
    def proved(self) -> bool:
        return self.proof >= _PROVED

    def weigh(self, *, fits: bool) -> None:
        if fits:
            self.proof = min(self.proof + 1, _MOST_PROOF)
        elif self.proof > 0:
            self.proof = max(self.proof - 4, 0)


def _windows() -> list[_Window]:
    return [_Window(seconds) for seconds in WINDOWS]


@dataclass(slots=True)
class _Moments:
    """Moments in order, those of the longest window."""

    kept: list[float] = field(default_factory=list[float])

    def add(self, moment: float) -> None:
        if self.kept and moment < self.kept[-1]:
            self.kept.insert(bisect_right(self.kept, moment), moment)
        else:
            self.kept.append(moment)
        if len(self.kept) > 64 and self.kept[len(self.kept) // 2] < moment - WINDOWS[-1]:  # noqa: PLR2004
            del self.kept[: bisect_left(self.kept, moment - WINDOWS[-1])]

    def within(self, seconds: float, until: float) -> int:
        """Count those of the last *seconds* up to *until*."""
        return bisect_right(self.kept, until) - bisect_right(self.kept, until - seconds)


class Remaining:
    """Finds the rate; times are seconds of any clock, amounts are calls.

    Examples:
        >>> remaining = Remaining()
        >>> remaining.start(0.0)
        >>> remaining.answered(0.5, 0.0, remaining=99, limit=100, round_trip=0.5)
        >>> remaining.rate
        inf
    """

    def __init__(self) -> None:
        """Begin with an unknown rate."""
        self.rate = math.inf
        """Starts a second; infinite as long as the limit was never near."""

        self._starts = _Moments()
        self._taken = _Moments()
        self._samples: deque[tuple[float, float]] = deque()
        self._changed = -math.inf
        self._refused_at = -math.inf
        self._growth = _DOUBLE
        self._windows = _windows()
        self._jumps: deque[float] = deque(maxlen=_JUMPS + 2)
        self._last: tuple[float, float] | None = None

    def start(self, now: float) -> None:
        """Note a start."""
        self._starts.add(now)

    def answered(
        self, now: float, started: float, *, remaining: float, limit: float, round_trip: float
    ) -> None:
        """Learn from a call that was taken, after which *remaining* of *limit* were left."""
        self._taken.add(started)
        self._sample(started, remaining)
        if math.isinf(self.rate):
            measured = self._measured(now, round_trip)
            if remaining / (limit - 1) < _FIRST_LOW and remaining < _HORIZON * measured:
                self._set(now, _FULL * measured)
            return
        self._weigh(started, remaining, limit)
        window = self._window(now, limit)
        if window is not None:
            self._approach(now, _WITHIN * limit / window, round_trip)
        elif now - self._changed >= max(0.5 * round_trip, 1.0 / self.rate):
            self._follow(now, limit, round_trip)

    def refused(self, now: float, started: float, *, limit: float, round_trip: float) -> None:
        """Learn from a call that was refused; those of one moment count once."""
        self._sample(started, 0.0)
        for window in self._windows:
            if window.proved and self._taken.within(window.seconds, started) < _FULL * limit - 1:
                window.proof = -_DISPROVED
        window_seconds = self._window(now, limit)
        if window_seconds is not None:
            self._set(now, _FULL * limit / window_seconds)
        elif started >= self._refused_at:
            measured = self._measured(now, round_trip)
            self._set(now, _REFUSED * min(self.rate, measured))
            self._refused_at = now
            self._growth = _RISE

    def _set(self, now: float, rate: float) -> None:
        self.rate = max(rate, _LOWEST)
        self._changed = now

    def _approach(self, now: float, rate: float, round_trip: float) -> None:
        """Go to the rate of a window: up by steps, in which a window that is none shows itself."""
        if rate <= self.rate:
            self._set(now, rate)
        elif now - self._changed >= max(0.5 * round_trip, 1.0 / self.rate):
            self._set(now, min(rate, _APPROACH * self.rate))

    def _sample(self, started: float, remaining: float) -> None:
        self._samples.append((started, remaining))
        seconds = max(_SEEN, 0.0 if math.isinf(self.rate) else _SEEN_CALLS / self.rate)
        while self._samples[0][0] < started - seconds:
            self._samples.popleft()

    def _measured(self, now: float, round_trip: float) -> float:
        """Return the rate at which calls were taken of late."""
        moments = self._taken.kept
        first = bisect_left(moments, self._samples[0][0])
        if len(moments) - first <= 1:
            return 0.5 / max(round_trip, 0.1)
        return (len(moments) - first) / max(now - round_trip - moments[first], 0.25)

    def _follow(self, now: float, limit: float, round_trip: float) -> None:
        """Take the limit for a bucket: as much as flows in, and a little more or less."""
        since = [left for started, left in self._samples if started >= self._changed]
        if len(self._samples) < _LEAST_SAMPLES or not since:
            return
        most = limit - 1
        least = min(since[-_LEAST_SAMPLES:])
        if least >= _FULL * most:
            if len(since) > 1:  # it overflows: more flows in than is used
                self._set(now, self.rate * self._growth)
                self._growth = min(_DOUBLE, 1.15 * self._growth)
            return
        if least < 0.75 * most:
            self._growth = max(_RISE, 0.9 * self._growth)
        (first, before), (last, left) = self._samples[0], self._samples[-1]
        if last - first < 0.5 * _SEEN:
            return
        inflow = max((len(self._samples) - 1 + left - before) / (last - first), 0.0)
        bound = _STEP * max(inflow, 0.2 * self.rate)
        back = (left - _AIM * most) / max(2.0, 4 * round_trip)
        wanted = inflow + max(-bound, min(back, bound))
        if max(amount for _, amount in self._samples) >= most:  # part of the inflow was lost
            wanted = max(wanted, 0.97 * self.rate) if back >= 0 else min(wanted, self.rate)
        # What lasts for long need not be saved, such as the rest of a daily limit.
        if left > _HORIZON * max(self.rate - inflow, _SLACK * self.rate):
            wanted = max(wanted, self.rate)
        wanted = max(wanted, left / _HORIZON)
        spare = left >= _FIRST_LOW * most and left >= _SPARE
        most_change = _DOUBLE if spare else _RISE
        self._set(now, min(max(wanted, _FALL * self.rate), most_change * self.rate))

    def _weigh(self, started: float, remaining: float, limit: float) -> None:
        """Look whether what remains behaves as that of a window does."""
        for window in self._windows:
            calls = self._starts.within(window.seconds, started)
            if calls > 1:
                window.weigh(fits=abs(limit - calls - remaining) <= 1 + 0.02 * limit)
        if self._last is not None and started > self._last[0]:
            if remaining - self._last[1] > max(_JUMP, 0.25 * limit):
                self._jumps.append(started)
            self._last = (started, remaining)
        elif self._last is None:
            self._last = (started, remaining)

    def _window(self, now: float, limit: float) -> float | None:
        """Return the length of the window that the limit has; ``None`` if it looks like none."""
        for window in self._windows:
            if window.proved:
                return window.seconds
        if len(self._jumps) < _JUMPS:
            return None
        gaps = sorted(after - before for before, after in itertools.pairwise(self._jumps))
        usual = gaps[len(gaps) // 2]
        if gaps[-1] > 1.5 * gaps[0] + 0.05 or now - self._jumps[-1] > 3 * usual + 1.0:
            return None
        # A window takes no more than its limit: more was taken, so it is none.
        return usual if self._taken.within(usual, now) <= 1.1 * limit + 1 else None

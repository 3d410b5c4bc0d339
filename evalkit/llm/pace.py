"""When the next call of one connection may start: the arithmetic, without clock or loop.

A *rate* of starts and a *cap* of calls in flight work side by side, since neither can express the
other.  The cap grows while it is used.  The rate goes up in small steps and down by shares (AIMD),
and is unlimited until the provider refuses a call, or has little left.  How it goes up:

- While the provider says that something remains of its limit, the rate is what flows back into
  it, measured over the last second, and a little more.  Nothing need be refused to find it.
- Else by *probes*: one start comes closer to the last one than the rate has it, and the rate is
  raised if that call is answered.  A limit that allows no burst refuses the probe alone, where a
  raised rate would cost a round trip of refusals.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, Literal

from evalkit.llm.headers import Allowance
from evalkit.llm.refusals import Refusals

Outcome = Literal["ok", "limited", "failed"]
"""``limited``: refused for its rate.  ``failed``: refused or lost for any other reason."""

FIRST_CAP: Final = 16
_FIRST_GROWTH: Final = 3.0
"""How much an answer widens the cap as long as no limit was met: fourfold in a round trip."""

_LARGEST_CAP: Final = 4096
_LONGEST_PAUSE: Final = 60.0
_LOWEST: Final = 1 / 60
_TOKEN_BURST_SECONDS: Final = 5.0
"""Tokens of so many seconds may be used ahead of the ceiling's even flow."""

_SMALL_STEP: Final = 1.03
_LARGE_STEP: Final = 2.0
"""Factors by which a probe goes above the rate: they grow while probes are answered."""

_CUT: Final = 0.95
_DEEP_CUT: Final = 0.5
_PRIOR: Final = 8
_SOON_ROUND_TRIPS: Final = 8.0
_SOON_SECONDS: Final = 3.0
"""A refusal cuts the rate a little; one that comes soon again, to the share that is answered, of
which so many answers are taken for granted."""

_UNDONE: Final = 0.25
_UNDONE_ROUND_TRIPS: Final = 4.0
_UNDONE_SECONDS: Final = 2.0
"""A refusal takes back the steps of so long, down to this share: a burst had let them pass."""

_NEAR: Final = 1.1
_REST_ROUND_TRIPS: Final = 6.0
_REST_SECONDS: Final = 4.5
"""Rest from probes after a refusal near the rate, so that refusals stay rare."""

_SAMPLED_SECONDS: Final = 1.0
_SAMPLED_CALLS: Final = 10
"""Seconds, and calls, over which what flows back is measured."""

_FULL: Final = 0.9
_LOW: Final = 0.4
"""Shares of a limit that remain: from which on it overflows, below which it is first heeded."""

_HORIZON: Final = 60.0
"""Seconds for which what remains has to last: what lasts longer need not be saved."""

_HEEDED_SECONDS: Final = 10.0
"""Seconds for which what a provider said of the rest is relied on."""

_SHORTEST: Final = 0.1
"""Seconds below which nothing is known of a rate."""


class Pace:
    """Says when calls may start, and learns from how they end; times are seconds of any clock.

    Examples:
        >>> pace = Pace()
        >>> for _ in range(FIRST_CAP):
        ...     pace.start(0.0)
        >>> pace.wait(0.0)
        inf
        >>> pace.end(0.1, 0.0, "ok")
        >>> pace.wait(0.1)
        0.0
    """

    def __init__(
        self, *, requests_per_minute: float | None = None, tokens_per_minute: float | None = None
    ) -> None:
        """Begin with an unknown rate, under the ceilings given."""
        self.ceiling = requests_per_minute / 60 if requests_per_minute else math.inf
        self.rate = self.ceiling
        """Starts a second; infinite as long as no limit was met."""

        self.cap = float(FIRST_CAP)
        self.in_flight = 0
        self.refused = 0
        self._refusals = Refusals()
        self._per_token = 60.0 / tokens_per_minute if tokens_per_minute else 0.0
        self._tokens_until = -math.inf
        self._usual_tokens = 0.0
        self._next = -math.inf
        self._paused_until = -math.inf
        self._round_trip = 0.0
        self._limited = False
        """Whether a limit was met."""

        self._used = False
        """Whether the last start had waited for its moment."""

        self._starts: deque[float] = deque(maxlen=_LARGEST_CAP)

        self._probe: float | None = None
        """When the probe on its way was started."""

        self._probe_next = False
        self._step = _SMALL_STEP
        self._rest_until = -math.inf
        self._bad = math.inf
        """Lowest rate that was refused since it was last exceeded."""

        self._round = (-math.inf, -math.inf)
        """Between these moments calls started that show how deep the last cut has to be."""

        self._raises: deque[tuple[float, float]] = deque(maxlen=8)
        """When the rate was raised lately, and what it was before."""

        self._cut_at = -math.inf
        self._before_cut = math.inf
        self._since_cut = [0, 0]
        """Answers, and refusals."""

        self._samples: deque[tuple[float, float]] = deque()
        """When calls started, and what remained after them."""

        self._limit = 0.0
        self._heard_at = -math.inf
        """When the provider last said what remains."""

        self._scarce = False
        """Whether nothing remained of late."""

        self._followed_at = -math.inf

    @property
    def hopeless(self) -> bool:
        """Whether no further call need be tried."""
        return self._refusals.hopeless

    def wait(self, now: float) -> float:
        """Return the seconds until a call may start; infinite until one has ended."""
        if self.hopeless:
            return 0.0  # each that waits is let in, to be told
        if self.in_flight >= int(self.cap):
            return math.inf
        until = max(self._next, self._paused_until)
        if self._per_token:
            until = max(until, self._tokens_until - _TOKEN_BURST_SECONDS)
        return max(0.0, until - now)

    def start(self, now: float) -> None:
        """Count a start, and set the moment of the next one."""
        self.in_flight += 1
        if self._per_token:
            self._tokens_until = max(self._tokens_until, now) + self._usual_tokens * self._per_token
        if not self._limited:
            self._starts.append(now)
        if math.isinf(self.rate):
            return
        gap = 1.0 / self.rate
        self._used = now <= self._next + 0.5 * gap
        # What a late start has lost is caught up only where something remains to catch up with.
        caught_up = 0.5 * gap if self._hears(now) else 0.0
        if self._probe_next:
            self._probe_next, self._probe = False, now
        elif self._used and self._may_probe(now):
            self._probe_next = True
            gap /= self._factor()
        self._next = max(self._next, now - caught_up) + gap

    def _hears(self, now: float) -> bool:
        return now - self._heard_at < max(_HEEDED_SECONDS, 8 * self._round_trip)

    def _may_probe(self, now: float) -> bool:
        unheard = self._scarce or not self._hears(now)
        free = self._probe is None and now >= self._rest_until
        return free and unheard and self.rate < self.ceiling

    def _factor(self) -> float:
        """Return by what to try to multiply the rate: at most halfway to one that was refused."""
        halfway = max(_SMALL_STEP, math.sqrt(self._bad / self.rate))
        return min(self._step, halfway, self.ceiling / self.rate)

    def end(
        self,
        now: float,
        started: float,
        outcome: Outcome,
        allowance: Allowance | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Learn from a call that started at *started*.

        Args:
            now: The present moment.
            started: What `start` was given.
            outcome: How it ended.
            allowance: What the provider says it still allows.
            retry_after: Seconds that the provider asks to wait.
        """
        full = self.in_flight >= int(self.cap)
        self.in_flight -= 1
        probe = started == self._probe
        if probe:
            self._probe = None
        self._pause(now, retry_after)
        if allowance is not None and allowance.exhausted:
            self._pause(now, allowance.reset)
        if outcome == "failed":
            return
        weight = 0.2 if self._round_trip else 1.0
        self._round_trip += weight * (now - started - self._round_trip)
        if outcome == "limited":
            self.refused += 1
            self._refusals.refused(now, started, retry_after)
            if self._hears(now):
                self._samples.append((started, 0.0))
            if probe:
                self._bad = min(self._bad, self.rate * self._factor())
                self._rest(now)
            else:
                self._refuse(now, started)
            return
        self._refusals.answered()
        self._since_cut[0] += started > self._round[0]
        if full:
            self._widen(now)
        if probe:
            self._raise(now)
        left = None if allowance is None else allowance.calls(self._usual_tokens)
        if left is not None:
            self._follow(now, started, *left)

    def _widen(self, now: float) -> None:
        """Let one more be in flight; with care where calls in flight were cut lately."""
        careful = now - self._cut_at < 4 * max(self._round_trip, 0.25)
        growth = 1 / self.cap if careful else 1.0 if self._limited else _FIRST_GROWTH
        self.cap = min(_LARGEST_CAP, self.cap + growth)

    def use(self, tokens: int) -> None:
        """Learn what a call has used, in place of what it was expected to."""
        if self._per_token:
            self._tokens_until += (tokens - self._usual_tokens) * self._per_token
        self._usual_tokens += (tokens - self._usual_tokens) * (0.2 if self._usual_tokens else 1.0)

    def _pause(self, now: float, seconds: float | None) -> None:
        if seconds is not None:
            self._paused_until = max(self._paused_until, now + min(seconds, _LONGEST_PAUSE))

    def _refuse(self, now: float, started: float) -> None:
        """Cut once for all calls that were under way when the last cut was made."""
        if started <= self._round[0]:
            return
        self._since_cut[1] += 1
        if self._hears(now):  # what is said of the limit is relied on
            self._refusals.begin(now)
        if started > self._round[1]:
            self._cut(now)
        else:
            self._deepen()
        back = self._refusals.look_back(now)
        lowest = min(self._refusals.floor if back is None else back, self.ceiling)
        self.rate = max(self.rate, lowest)

    def _cut(self, now: float) -> None:
        if self._limited:
            soon = now - self._cut_at < max(_SOON_ROUND_TRIPS * self._round_trip, _SOON_SECONDS)
            self._before_cut = self.rate if soon else math.inf
            self._bad = self.rate
            lately = max(_UNDONE_ROUND_TRIPS * self._round_trip, _UNDONE_SECONDS)
            earlier = [rate for moment, rate in self._raises if now - moment < lately]
            lowest = min([self.rate, *earlier])  # steps that a burst has let pass did not last
            self.rate = max(_CUT * max(lowest, _UNDONE * self.rate), _LOWEST)
            self._raises.clear()
            self._deepen()
        else:
            self._limited = True
            self._refusals.begin(now)
            few = self._since_cut[0] < FIRST_CAP
            self.rate = min(self.rate, (_DEEP_CUT if few else _CUT) * self._observed(now))
        self.cap = max(2.0, min(self.cap, 1.5 * self.in_flight + 2))
        self._round = self._round[1], now + self._round_trip
        self._cut_at = self._followed_at = now
        self._since_cut = [0, 0]
        self._next = max(self._next, now + 1.0 / self.rate)
        self._probe, self._probe_next = None, False
        self._rest(now)

    def _deepen(self) -> None:
        """Go down to the share answered, where the cut before the last was not deep enough."""
        if math.isfinite(self._before_cut):
            answers, refusals = self._since_cut
            share = (answers + _PRIOR) / (answers + refusals + _PRIOR)
            cut = max(_DEEP_CUT, min(share, _CUT))
            self.rate = max(cut * self._before_cut, _LOWEST)

    def _observed(self, now: float) -> float:
        """Return the rate of starts of late."""
        span = max(min(now - self._starts[0], 1.0), self._round_trip, _SHORTEST)
        return sum(moment >= now - span for moment in self._starts) / span

    def _rest(self, now: float) -> None:
        """Probe again soon where the limit may lie far above the rate, else later."""
        self._step = _SMALL_STEP
        rest = 2 * self._round_trip
        if self._bad < _NEAR * self.rate:
            rest = max(_REST_ROUND_TRIPS * self._round_trip, _REST_SECONDS)
        self._rest_until = now + rest

    def _raise(self, now: float) -> None:
        """Take the step that a probe has tried."""
        self._raises.append((now, self.rate))
        self.rate = min(self._factor() * self.rate, self.ceiling)
        if math.isinf(self._bad):
            self._step = min(1 + 2 * (self._step - 1), _LARGE_STEP)
        elif self.rate >= self._bad:
            self._bad, self._step = math.inf, _SMALL_STEP

    def _follow(self, now: float, started: float, remaining: float, limit: float) -> None:
        """Learn from what remained of the limit, in calls, after one that was answered."""
        self._heard_at = now
        if limit != self._limit:  # what was left of another limit says nothing of this one
            self._limit = limit
            self._samples.clear()
        self._samples.append((started, remaining))
        if math.isinf(self.rate):
            observed = self._observed(now)
            if remaining < _LOW * limit and remaining < _HORIZON * observed:
                self._limited = True
                self.rate, self._followed_at = _FULL * observed, now
            return
        seconds = max(_SAMPLED_SECONDS, _SAMPLED_CALLS / self.rate)
        while self._samples[0][0] < started - seconds:
            self._samples.popleft()
        if started <= self._followed_at or now - self._followed_at < 0.5 * self._round_trip:
            return
        rate = self._followed(limit, seconds)
        if rate is not None:
            bounded = min(rate, _LARGE_STEP * self.rate, self.ceiling)
            self.rate, self._followed_at = max(bounded, 0.7 * self.rate, _LOWEST), now

    def _followed(self, limit: float, seconds: float) -> float | None:
        """Return the rate that the samples speak for; ``None`` if they do not tell."""
        amounts = [left for _, left in self._samples]
        least, most = min(amounts), limit - 1
        self._scarce = least < 1
        if least >= _FULL * most:  # it overflows: more flows in than is used
            return _LARGE_STEP * self.rate if self._used and len(amounts) > 1 else None
        (first, before), (last, left) = self._samples[0], self._samples[-1]
        if self._scarce or last - first < 0.5 * seconds:
            return None
        inflow = (len(amounts) - 1 + left - before) / (last - first)
        rate = max(inflow + least / max(1.0, self._round_trip), left / _HORIZON)
        # Where it was full in between, part of what flowed in was lost.
        return max(rate, 0.97 * self.rate) if max(amounts) >= most else rate

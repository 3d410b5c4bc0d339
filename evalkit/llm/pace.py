"""When the next call of one connection may start: the arithmetic, without clock or loop.

Two limits work side by side, since neither can express the other: a *rate* of starts and a *cap*
of calls in flight.  The cap begins at `FIRST_CAP` and grows while it is used.  Where the provider
says what remains of its limit, `Remaining` works out the rate of that.  Elsewhere it is unknown
until the provider refuses a call; from then on it is searched for by *trials*: a few starts come
closer together than the rate has them, and the rate grows if all of them are answered.  A failed
trial so costs about one refusal, while a rate that is simply raised costs a whole round trip of
them.  Steps grow from 3 % to a doubling as long as trials succeed, and shrink when one fails.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from evalkit.llm.allowance import Allowance
from evalkit.llm.remaining import Remaining

Outcome = Literal["ok", "limited", "failed"]
"""``limited``: refused for its rate.  ``failed``: refused or lost for any other reason."""

FIRST_CAP: Final = 16
_FIRST_GROWTH: Final = 3.0
"""How much an answer widens the cap as long as no limit was met: fourfold in a round trip."""

_LARGEST_CAP: Final = 4096
_LONGEST_PAUSE: Final = 60.0
_LOWEST: Final = 1 / 60
_DEEPEST: Final = 4.0
_STEPS: Final = (1.03, 1.1, 1.25, 2.0)
_CUT: Final = 0.95
_NEAR: Final = 1.1
_MANY: Final = 3
_MANY_SHARE: Final = 0.15
_DEEP_CUT: Final = (0.5, 0.85)
"""Bounds of the cut where the calls that started after the last one are refused, too."""

_REST_CALLS: Final = 60
_REST_ROUND_TRIPS: Final = 6.0
_REST_SECONDS: Final = 4.5
"""Rest after a failed trial: so many calls or round trips, so that refusals stay rare, but not
longer than this, so that a limit that was raised is found."""

_TOLD_SECONDS: Final = 10.0
"""Seconds for which what a provider said of the rest is relied on."""

_SHORTEST: Final = 0.1
"""Seconds below which nothing is told of a rate."""


@dataclass(slots=True)
class _Trial:
    """Starts that come closer together, to see whether the provider takes them."""

    step: float
    left: int
    """Starts still to be made."""

    began: float
    ended: float | None = None
    pending: int = 0
    answered: int = 0
    refused: bool = False

    def covers(self, started: float) -> bool:
        """Whether a call that started at this moment is one of the trial's."""
        return started >= self.began and (self.ended is None or started <= self.ended)

    @property
    def over(self) -> bool:
        """Whether all of its calls have ended."""
        return self.ended is not None and self.pending <= 0


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
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        """Begin with an unknown rate, under the ceilings given."""
        self.ceiling = requests_per_minute / 60 if requests_per_minute else math.inf
        self.rate = self.ceiling
        """Starts a second; infinite as long as nothing was refused."""

        self.cap = float(FIRST_CAP)
        self.in_flight = 0
        self.refused = 0
        self._per_token = 60.0 / tokens_per_minute if tokens_per_minute else 0.0
        self._tokens_until = -math.inf
        self._usual_tokens = 0.0
        self._next = -math.inf
        self._paused_until = -math.inf
        self._round_trip = 0.0
        self._found = False
        """Whether a refusal has shown that there is a limit."""

        self._trial: _Trial | None = None
        self._place = 0
        self._rest_until = -math.inf
        self._proved_at = -math.inf
        """When the answers to calls at the present rate begin to come."""

        self._depth = 0.5
        """Seconds of starts above the rate that a provider was seen to take before it refused."""

        self._bad = math.inf
        """Lowest rate that was refused since it was last exceeded."""

        self._raises: list[tuple[float, float]] = []
        self._cut_at = -math.inf
        self._since_cut = [0, 0]
        self._starts: deque[float] = deque(maxlen=_LARGEST_CAP)
        self._remaining = Remaining()
        self._told_at = -math.inf
        """When the provider last said what remains."""

        self._left = (math.inf, math.inf)
        """What it said: calls that remain, and their limit."""

    def wait(self, now: float) -> float:
        """Return the seconds until a call may start; infinite until one has ended."""
        if self.in_flight >= int(self.cap):
            return math.inf
        until = max(self._next, self._paused_until)
        if self._per_token:
            until = max(until, self._tokens_until - _TOKEN_BURST_SECONDS)
        return max(0.0, until - now)

    def start(self, now: float) -> None:
        """Count a start, and set the moment of the next one."""
        self.in_flight += 1
        self._remaining.start(now)
        if not self._found:
            self._starts.append(now)
        if self._per_token:
            self._tokens_until = max(self._tokens_until, now) + self._usual_tokens * self._per_token
        if math.isinf(self.rate):
            return
        gap = 1.0 / self.rate
        if self._told(now):
            self._next = max(self._next, now - 0.5 * gap) + gap
            return
        used = now <= self._next + 0.5 * gap  # someone waited for it
        trial = self._trial
        if trial is not None and trial.ended is None:
            trial.left -= 1
            trial.pending += 1
            if trial.left <= 0:
                trial.ended = now
            else:
                gap /= trial.step
        elif trial is None and used and self._may_try(now):
            step = self._step()
            length = 1 + math.ceil(self._depth * self.rate)
            self._trial = _Trial(step, length, math.nextafter(now, math.inf))
            gap /= step
        self._next = now + gap

    def _told(self, now: float) -> bool:
        """Return whether the provider says what remains."""
        return now - self._told_at < max(_TOLD_SECONDS, 8 * self._round_trip)

    def _step(self) -> float:
        """Return by what to try to multiply the rate: at most halfway to one that was refused."""
        halfway = max(_STEPS[0], math.sqrt(self._bad / self.rate))
        return min(_STEPS[self._place], halfway, self.ceiling / self.rate)

    def _may_try(self, now: float) -> bool:
        return now >= max(self._rest_until, self._proved_at) and self.rate < self.ceiling

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
            started: What `start` was told.
            outcome: How it ended.
            allowance: What the provider says it still allows.
            retry_after: Seconds that the provider asks to wait.
        """
        full = self.in_flight >= int(self.cap)
        self.in_flight -= 1
        if outcome != "failed":
            self._time(now - started)
        if retry_after is not None:
            self._pause(now, retry_after)
        self._heed(now, started, outcome, allowance)
        if outcome == "ok" and full:
            self._widen(now)
        if self._told(now):
            self.refused += outcome == "limited"
            self._trial = None
            return
        trial = self._trial
        tried = trial is not None and trial.covers(started)
        if outcome == "limited":
            self.refused += 1
            if trial is not None and tried:
                self._fail(now, trial)
            else:
                self._refuse(now, started)
        elif outcome == "ok" and started > self._cut_at:
            self._since_cut[0] += 1
        if trial is not None and tried:
            trial.pending -= 1
            trial.answered += outcome == "ok"
        if trial is not None and trial is self._trial and trial.over:
            self._conclude(now, trial)

    def _time(self, seconds: float) -> None:
        known = self._round_trip
        self._round_trip = 0.8 * known + 0.2 * seconds if known else seconds

    def _widen(self, now: float) -> None:
        grown = 1 / self.cap if self._tight(now) else 1.0 if self._found else _FIRST_GROWTH
        self.cap = min(_LARGEST_CAP, self.cap + grown)

    def use(self, tokens: int) -> None:
        """Learn what a call has used, in place of what it was expected to."""
        if self._per_token:
            self._tokens_until += (tokens - self._usual_tokens) * self._per_token
        self._usual_tokens += (tokens - self._usual_tokens) * (0.2 if self._usual_tokens else 1.0)

    @property
    def _lately(self) -> float:
        """Seconds for which a new rate is not trusted."""
        return max(4 * self._round_trip, 2.0)

    def _tight(self, now: float) -> bool:
        """Whether calls in flight were cut so lately that the cap has to grow with care."""
        return now - self._cut_at < 4 * max(self._round_trip, 0.25)

    def _pause(self, now: float, seconds: float) -> None:
        self._paused_until = max(self._paused_until, now + min(seconds, _LONGEST_PAUSE))

    def _heed(
        self, now: float, started: float, outcome: Outcome, allowance: Allowance | None
    ) -> None:
        """Learn from what the provider says remains, and from refusals where it usually does."""
        if allowance is not None:
            if allowance.exhausted and allowance.reset is not None:
                self._pause(now, allowance.reset)
            left = allowance.calls(self._usual_tokens)
            if left is not None and outcome != "failed":
                if not self._told(now):
                    self._remaining.rate = self.rate
                self._told_at = now
                self._left = left
        if not self._told(now) or outcome == "failed":
            return
        remaining, limit = self._left
        if outcome == "limited":
            self._remaining.refused(now, started, limit=limit, round_trip=self._round_trip)
            self._next = max(self._next, now + 1.0 / self._remaining.rate)
        elif allowance is not None:
            self._remaining.answered(
                now, started, remaining=remaining, limit=limit, round_trip=self._round_trip
            )
        self.rate = min(self._remaining.rate, self.ceiling)
        self._found = self._found or math.isfinite(self._remaining.rate)

    def _refuse(self, now: float, started: float) -> None:
        """Cut, once for all calls that were under way when the last cut was made."""
        if started <= self._cut_at:
            return
        self._since_cut[1] += 1
        if self._found and self._since_cut[1] < _MANY and now - self._cut_at < 2 * self._round_trip:
            return
        before = self.rate
        if self._found:
            self.rate *= self._cut()
            self._bad = before
        else:
            self._found = True
            self.rate = min(self.rate, self._observed(now))
        self._undo(now)
        self.cap = max(2.0, min(self.cap, 1.5 * self.in_flight + 2))
        self._cut_at = now
        self._since_cut = [0, 0]
        self._next = max(self._next, now + 1.0 / self.rate)
        self._trial = None
        self._settle(now)
        self._starts.clear()

    def _observed(self, now: float) -> float:
        """Return the rate to begin with: that of late, halved where hardly a call was taken."""
        span = max(min(now - self._starts[0], 1.0), self._round_trip, _SHORTEST)
        recent = sum(1 for moment in self._starts if moment >= now - span)
        few = self._since_cut[0] < FIRST_CAP
        return (_DEEP_CUT[0] if few else _CUT) * recent / span

    def _cut(self) -> float:
        """Return by what to multiply: little for a lone refusal, the share accepted for many."""
        accepted, refused = self._since_cut
        share = refused / max(accepted + refused, 1)
        if refused < _MANY or share < _MANY_SHARE:
            return _CUT
        low, high = _DEEP_CUT
        return min(max(1.0 - share, low), high)

    def _undo(self, now: float) -> None:
        """Go back to the rate from before trials that showed what did not last."""
        lately = [rate for moment, rate in self._raises if now - moment < self._lately]
        self._raises.clear()
        if lately:
            self.rate = min(self.rate, max(_CUT * lately[0], _DEEP_CUT[0] ** 2 * self.rate))
            self._depth = min(max(2 * self._depth, 0.5), _DEEPEST)
        self.rate = max(self.rate, _LOWEST)

    def _rest(self) -> float:
        shortest = max(_REST_ROUND_TRIPS * self._round_trip, _SHORTEST)
        return min(max(_REST_CALLS / self.rate, shortest), max(shortest, _REST_SECONDS))

    def _fail(self, now: float, trial: _Trial) -> None:
        """End a trial whose answer is known before all of it was started."""
        if not trial.refused:
            trial.refused = True
            if trial.answered <= 1:
                self._depth = 0.0
        if trial.ended is None:
            trial.ended = now

    def _conclude(self, now: float, trial: _Trial) -> None:
        self._trial = None
        if not trial.refused:
            self._raise(now, trial.step)
            return
        self._bad = min(self._bad, self.rate * trial.step)
        self._settle(now)

    def _raise(self, now: float, step: float) -> None:
        """Take a step up, and the next one only once the answers tell of this one."""
        self._raises = [(m, rate) for m, rate in self._raises if now - m < self._lately]
        self._raises.append((now, self.rate))
        self.rate = min(self.rate * step, self.ceiling)
        passed = self.rate * _STEPS[0] >= self._bad
        self._bad = math.inf if passed else self._bad
        if self._depth:
            self._proved_at = now + self._round_trip
        climbed = min(max(self._place + 1, 2), len(_STEPS) - 1)
        self._place = climbed

    def _settle(self, now: float) -> None:
        """Look on at once where the limit may lie far above the rate, else rest."""
        near = self._bad < _NEAR * self.rate
        self._place = 0 if near else 2
        self._rest_until = now + (self._rest() if near else 2 * self._round_trip)


_TOKEN_BURST_SECONDS: Final = 5.0
"""Tokens of so many seconds may be used ahead of the ceiling's even flow."""

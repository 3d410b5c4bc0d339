"""The controller of one connection, against providers that live in a virtual clock."""

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from evalkit.llm.allowance import Allowance, read_allowance
from evalkit.llm.pace import FIRST_CAP, Pace

Rate = Callable[[float], float]


@dataclass
class Bucket:
    """A provider's bucket of requests: full at first, filled by the rate of the moment."""

    rate: Rate
    burst: float
    level: float = 0.0
    last: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.burst

    def take(self, now: float) -> tuple[bool, float | None]:
        """Take one if there is one; else return the seconds until there is."""
        rate = self.rate(now)
        self.level = min(self.burst, self.level + (now - self.last) * rate)
        self.last = now
        if self.level >= 1.0:
            self.level -= 1.0
            return True, None
        return False, (1.0 - self.level) / rate


@dataclass
class Log:
    """When calls were taken and refused."""

    taken: list[float] = field(default_factory=list[float])
    refused: list[float] = field(default_factory=list[float])
    started: list[float] = field(default_factory=list[float])


def simulate(
    pace: Pace,
    rate: Rate,
    *,
    burst: float = 1.0,
    latency: float = 0.5,
    seconds: float,
    concurrency: int = 64,
    told: bool = False,
) -> Log:
    """Ask without end, *concurrency* at a time, each refused call again; return what happened."""
    bucket, log, order = Bucket(rate, burst), Log(), itertools.count()
    events: list[tuple[float, int, tuple[float, bool, float | None, float] | None]] = []
    heapq.heappush(events, (0.0, next(order), None))
    waiting, alarm, wait = concurrency, -1.0, math.inf
    while events:
        now, _, ended = heapq.heappop(events)
        if now > seconds:
            break
        if ended is not None:
            started, taken, retry_after, level = ended
            allowance = Allowance(math.floor(level), burst) if told else None
            pace.end(now, started, "ok" if taken else "limited", allowance, retry_after)
            waiting += 1
        while waiting and (wait := pace.wait(now)) <= 0.0:
            pace.start(now)
            waiting -= 1
            taken, retry_after = bucket.take(now)
            (log.taken if taken else log.refused).append(now)
            log.started.append(now)
            answer = (now, taken, retry_after, bucket.level)
            heapq.heappush(events, (now + latency, next(order), answer))
        if waiting and math.isfinite(wait) and not now < alarm <= now + wait:
            alarm = now + wait
            heapq.heappush(events, (now + wait, next(order), None))
    return log


def stepping(now: float) -> float:
    """Return 5, then 50, then 10 requests a second, for a minute each."""
    return 5.0 if now < 60 else 50.0 if now < 120 else 10.0


STEPS = ((0.0, 60.0, 5.0), (60.0, 120.0, 50.0), (120.0, 180.0, 10.0))
ALLOWED = sum((stop - start) * rate for start, stop, rate in STEPS)


@pytest.mark.parametrize(
    ("burst", "told", "least", "most_refused"),
    [
        pytest.param(1, False, 0.9, 0.02, id="no-burst-no-headers"),
        pytest.param(5, True, 0.9, 0.01, id="burst-of-5-with-headers"),
        pytest.param(50, True, 0.9, 0.01, id="burst-of-50-with-headers"),
        pytest.param(50, False, 0.9, 0.04, id="burst-of-50-without-headers"),
    ],
)
def test_a_limit_that_steps_is_followed(
    burst: float, told: bool, least: float, most_refused: float
) -> None:
    log = simulate(Pace(), stepping, burst=burst, seconds=180.0, told=told)

    settled = [(start + 15.0, stop) for start, stop, _ in STEPS]
    refused = sum(start <= moment < stop for start, stop in settled for moment in log.refused)
    started = sum(start <= moment < stop for start, stop in settled for moment in log.started)
    assert len(log.taken) >= least * ALLOWED
    assert refused / started < most_refused


def test_without_a_limit_the_cap_is_all_there_is() -> None:
    log = simulate(Pace(), lambda _: 1e9, burst=1e9, latency=0.1, seconds=1.95)

    assert len(log.taken) >= 1000


def test_at_first_sixteen_are_under_way() -> None:
    log = simulate(Pace(), lambda _: 1e9, burst=1e9, seconds=0.4)

    assert len(log.taken) == FIRST_CAP


def test_requests_per_minute_are_a_ceiling_from_the_first_call_on() -> None:
    pace = Pace(requests_per_minute=120)
    log = simulate(pace, lambda _: 1e9, burst=1e9, seconds=60.0)

    assert 115 <= len(log.taken) <= 121
    gaps = [after - before for before, after in itertools.pairwise(log.started)]
    assert min(gaps) >= 0.5 - 1e-9


def test_tokens_per_minute_hold_back_what_would_use_more() -> None:
    pace, now, started = Pace(tokens_per_minute=6_000), 0.0, 0
    while now < 60.0:
        wait = pace.wait(now)
        if wait > 0.0:
            now += wait
            continue
        pace.start(now)
        pace.end(now, now, "ok")
        pace.use(100)
        started += 1

    assert 60 <= started <= 67


@pytest.mark.parametrize("asked", [0.5, 7.0])
def test_what_the_provider_asks_to_wait_is_waited(asked: float) -> None:
    pace = Pace()
    pace.start(0.0)
    pace.end(1.0, 0.0, "limited", retry_after=asked)

    assert pace.wait(1.0) >= asked


def test_nothing_starts_while_nothing_remains() -> None:
    pace = Pace()
    pace.start(0.0)
    pace.end(1.0, 0.0, "ok", Allowance(0, 100, 3.0))

    assert pace.wait(1.0) == pytest.approx(3.0)
    assert pace.wait(4.0) == 0.0


def test_many_refusals_of_one_moment_are_one_cut() -> None:
    pace = Pace()
    for _ in range(10):
        pace.start(0.0)
    pace.end(1.0, 0.0, "limited")
    rate = pace.rate
    for _ in range(9):
        pace.end(1.0, 0.0, "limited")

    assert pace.rate == rate


def test_other_failures_are_no_reason_to_slow_down() -> None:
    pace = Pace()
    for _ in range(10):
        pace.start(0.0)
        pace.end(0.1, 0.0, "failed")

    assert math.isinf(pace.rate)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, None, id="none"),
        pytest.param(
            {"x-ratelimit-remaining-requests": "3", "x-ratelimit-limit-requests": "60"},
            Allowance(3, 60),
            id="openai",
        ),
        pytest.param(
            {
                "x-ratelimit-remaining-requests": "30",
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-tokens": "10",
                "x-ratelimit-limit-tokens": "1000",
                "x-ratelimit-reset-tokens": "250ms",
            },
            Allowance(10, 1000, 0.25),
            id="tokens-are-scarcer",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2001-01-01T00:00:00Z",
            },
            Allowance(0, None, 0.0),
            id="anthropic-date-gone-by",
        ),
        pytest.param(
            {"x-ratelimit-remaining-requests": "many", "x-ratelimit-reset-requests": "soon"},
            None,
            id="no-numbers",
        ),
    ],
)
def test_headers_tell_what_remains(headers: dict[str, str], expected: Allowance | None) -> None:
    assert read_allowance(headers) == expected

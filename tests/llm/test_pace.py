"""The controller of one connection, against providers that live in a virtual clock."""

import functools
import heapq
import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from evalkit.llm.headers import Allowance, read_allowance
from evalkit.llm.pace import FIRST_CAP, Outcome, Pace

Rate = Callable[[float], float]


class Provider(Protocol):
    """Takes or refuses calls as they arrive."""

    def take(self, now: float) -> tuple[bool, float | None]:
        """Take one if the limit allows; else return the seconds until it does."""
        ...

    def told(self) -> tuple[float, float]:
        """Return what remains, and the limit, as the headers have them."""
        ...


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
        """Take one if there is one."""
        rate = self.rate(now)
        self.level = min(self.burst, self.level + (now - self.last) * rate)
        self.last = now
        if self.level >= 1.0:
            self.level -= 1.0
            return True, None
        return False, (1.0 - self.level) / rate

    def told(self) -> tuple[float, float]:
        """Return the level, and the most that there can be."""
        return self.level, self.burst


@dataclass
class SlidingWindow:
    """A provider that counts the calls of the last second."""

    rate: Rate
    taken: list[float] = field(default_factory=list[float])
    limit: float = 0.0

    def take(self, now: float) -> tuple[bool, float | None]:
        """Take one if the last second has room."""
        self.limit = self.rate(now)
        self.taken = [moment for moment in self.taken if moment > now - 1.0]
        if len(self.taken) < self.limit:
            self.taken.append(now)
            return True, None
        return False, self.taken[0] + 1.0 - now

    def told(self) -> tuple[float, float]:
        """Return the room in the last second, and the limit."""
        return max(self.limit - len(self.taken), 0.0), self.limit


@dataclass
class FixedWindow:
    """A provider that counts the calls of each second of its clock."""

    rate: Rate
    second: int = -1
    count: int = 0
    limit: float = 0.0

    def take(self, now: float) -> tuple[bool, float | None]:
        """Take one if this second has room."""
        self.limit = self.rate(now)
        if int(now) != self.second:
            self.second, self.count = int(now), 0
        if self.count < self.limit:
            self.count += 1
            return True, None
        return False, self.second + 1.0 - now

    def told(self) -> tuple[float, float]:
        """Return the room in this second, and the limit."""
        return max(self.limit - self.count, 0.0), self.limit


@dataclass
class Log:
    """When calls were taken and refused."""

    taken: list[float] = field(default_factory=list[float])
    refused: list[float] = field(default_factory=list[float])
    started: list[float] = field(default_factory=list[float])


def simulate(
    pace: Pace,
    provider: Provider,
    *,
    latency: float = 0.5,
    seconds: float,
    concurrency: int = 64,
    told: bool = False,
    jitter: float = 0.0,
    seed: int = 0,
) -> Log:
    """Ask without end, *concurrency* at a time, each refused call again; return what happened.

    Every way takes a time of its own, *jitter* seconds on average.
    """
    drawn = random.Random(seed)  # noqa: S311  no secret
    log, order = Log(), itertools.count()
    events: list[tuple[float, int, Callable[[float], None] | None]] = [(0.0, next(order), None)]
    waiting, alarm, wait = concurrency, -1.0, math.inf

    def later(now: float, event: Callable[[float], None]) -> None:
        late = drawn.expovariate(1 / jitter) if jitter else 0.0
        heapq.heappush(events, (now + late, next(order), event))

    def arrive(now: float, started: float) -> None:
        taken, retry_after = provider.take(now)
        (log.taken if taken else log.refused).append(now)
        log.started.append(now)
        remaining, limit = provider.told()
        allowance = Allowance(math.floor(remaining), limit) if told else None
        outcome: Outcome = "ok" if taken else "limited"

        def end(moment: float) -> None:
            nonlocal waiting
            pace.end(moment, started, outcome, allowance, retry_after)
            waiting += 1

        later(now + latency, end)

    while events:
        now, _, event = heapq.heappop(events)
        if now > seconds:
            break
        if event is not None:
            event(now)
        while waiting and (wait := pace.wait(now)) <= 0.0:
            pace.start(now)
            waiting -= 1
            later(now, functools.partial(arrive, started=now))
        if waiting and math.isfinite(wait) and not now < alarm <= now + wait:
            alarm = now + wait
            heapq.heappush(events, (alarm, next(order), None))
    return log


def stepping(now: float) -> float:
    """Return 5, then 50, then 10 requests a second, for a minute each."""
    return 5.0 if now < 60 else 50.0 if now < 120 else 10.0


STEPS = ((0.0, 60.0, 5.0), (60.0, 120.0, 50.0), (120.0, 180.0, 10.0))
ALLOWED = sum((stop - start) * rate for start, stop, rate in STEPS)


def shares(log: Log) -> tuple[float, float]:
    """Return the share answered of what was allowed, and the share refused once settled."""
    settled = [(start + 15.0, stop) for start, stop, _ in STEPS]
    refused = sum(start <= moment < stop for start, stop in settled for moment in log.refused)
    started = sum(start <= moment < stop for start, stop in settled for moment in log.started)
    return len(log.taken) / ALLOWED, refused / started


@pytest.mark.parametrize("jitter", [0.0, 0.003])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "provider",
    [
        pytest.param(lambda: Bucket(stepping, 5), id="bucket-of-5"),
        pytest.param(lambda: Bucket(stepping, 10), id="bucket-of-10"),
        pytest.param(lambda: Bucket(stepping, 50), id="bucket-of-50"),
        pytest.param(lambda: SlidingWindow(stepping), id="sliding-window"),
        pytest.param(lambda: FixedWindow(stepping), id="fixed-window"),
    ],
)
def test_a_limit_that_says_what_remains_is_followed_and_hardly_refuses(
    provider: Callable[[], Provider], seed: int, jitter: float
) -> None:
    log = simulate(Pace(), provider(), seconds=180.0, told=True, jitter=jitter, seed=seed)

    answered, refused = shares(log)
    assert answered >= 0.9
    assert refused < 0.02


@pytest.mark.parametrize(
    ("burst", "least", "most_refused"),
    [pytest.param(1, 0.85, 0.02, id="no-burst"), pytest.param(50, 0.9, 0.04, id="burst-of-50")],
)
def test_a_limit_that_says_nothing_is_followed(
    burst: float, least: float, most_refused: float
) -> None:
    answered, refused = shares(simulate(Pace(), Bucket(stepping, burst), seconds=180.0))

    assert answered >= least
    assert refused < most_refused


@pytest.mark.parametrize(
    ("left", "limit"),
    [pytest.param(5000, 14400, id="a-daily-limit"), pytest.param(50, 100, id="one-that-stands")],
)
def test_what_lasts_for_long_is_not_saved(left: float, limit: float) -> None:
    class Slow(Bucket):
        def told(self) -> tuple[float, float]:
            """Return what remains of a limit that comes back hardly or at once."""
            return (self.level, limit) if limit > 100 else (left, limit)

    provider = Slow(lambda _: limit / 86400, limit) if limit > 100 else Slow(lambda _: 1e9, 1e9)
    provider.level = left if limit > 100 else provider.level
    log = simulate(Pace(requests_per_minute=600), provider, seconds=100.0, told=True)

    assert len(log.taken) >= 0.9 * 100 * 10


@pytest.mark.parametrize("seed", range(20))
def test_whoever_is_refused_first_the_rate_is_found(seed: int) -> None:
    log = simulate(Pace(), Bucket(lambda _: 5.0, 5), seconds=30.0, jitter=0.003, seed=seed)

    assert len(log.taken) >= 0.8 * 30 * 5


def closed_loop(
    n: int, concurrency: int, refuses: Callable[[int], bool], wait: float | None
) -> tuple[float, int, Pace]:
    """Have *n* questions asked until each is answered; return the seconds, attempts, and pace."""
    pace, now, attempts, left = Pace(), 0.0, 0, n
    busy: list[tuple[float, float]] = []
    while left and not pace.hopeless:
        while len(busy) < min(concurrency, left) and pace.wait(now) <= 0.0:
            pace.start(now)
            heapq.heappush(busy, (now + 0.05, now))
        ready = pace.wait(now) if len(busy) < min(concurrency, left) else math.inf
        if busy and busy[0][0] <= now + ready:
            now, started = heapq.heappop(busy)
            attempts += 1
            refused = refuses(attempts)
            pace.end(now, started, "limited" if refused else "ok", None, wait if refused else None)
            left -= not refused
        else:
            now += ready
    return now, attempts, pace


@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize("wait", [None, 0.2])
@pytest.mark.parametrize("every", [2, 3])
def test_a_constant_share_of_refusals_takes_time_in_proportion_to_the_cases(
    concurrency: int, wait: float | None, every: int
) -> None:
    seconds = [
        closed_loop(n, concurrency, lambda attempt: attempt % every == 0, wait)[0]
        for n in (40, 80, 120, 480)
    ]

    assert seconds[1] < 3 * seconds[0]
    assert seconds[2] < 4.5 * seconds[0]
    assert seconds[3] < 18 * seconds[0]


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_a_server_that_refuses_all_is_given_up_once_waiting_has_not_helped(
    concurrency: int,
) -> None:
    seconds, attempts, pace = closed_loop(1000, concurrency, lambda _: True, 0.2)
    assert pace.hopeless
    assert attempts <= 64
    assert seconds < 30

    seconds, attempts, pace = closed_loop(1000, concurrency, lambda _: True, None)
    assert pace.hopeless
    assert attempts <= 100
    assert 60 <= seconds < 90


def test_one_answer_among_refusals_keeps_hope_up() -> None:
    assert not closed_loop(20, 4, lambda attempt: attempt % 15 != 0, 0.2)[2].hopeless


def test_without_a_limit_the_cap_is_all_there_is() -> None:
    log = simulate(Pace(), Bucket(lambda _: 1e9, 1e9), latency=0.1, seconds=1.95)

    assert len(log.taken) >= 1000


def test_at_first_sixteen_are_under_way() -> None:
    log = simulate(Pace(), Bucket(lambda _: 1e9, 1e9), seconds=0.4)

    assert len(log.taken) == FIRST_CAP


def test_requests_per_minute_are_a_ceiling_from_the_first_call_on() -> None:
    pace = Pace(requests_per_minute=120)
    log = simulate(pace, Bucket(lambda _: 1e9, 1e9), seconds=60.0)

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
            Allowance(10, 1000, 0.25, "tokens"),
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
            {"x-ratelimit-remaining-requests": "-1", "x-ratelimit-limit-requests": "-1"},
            None,
            id="no-limit-said-by-minus-one",
        ),
        pytest.param(
            {"x-ratelimit-remaining-requests": "0", "x-ratelimit-limit-requests": "0"},
            None,
            id="no-limit-said-by-zero",
        ),
        pytest.param({"x-ratelimit-remaining-requests": "nan"}, None, id="not-a-number"),
        pytest.param(
            {"x-ratelimit-remaining-requests": "many", "x-ratelimit-reset-requests": "soon"},
            None,
            id="no-numbers",
        ),
    ],
)
def test_headers_tell_what_remains(headers: dict[str, str], expected: Allowance | None) -> None:
    assert read_allowance(headers) == expected

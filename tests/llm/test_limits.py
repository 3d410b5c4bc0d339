"""Waiting for a turn."""

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalkit._internal.clock import monotonic
from evalkit.llm.headers import retry_after_seconds
from evalkit.llm.limits import PATIENCE, Controller, Controllers, Patience, admitted, under
from evalkit.llm.pace import FIRST_CAP, Pace
from evalkit.llm.session import ModelSession


def test_whoever_is_cancelled_while_waiting_is_cancelled_and_nothing_else() -> None:
    controller = Controller(Pace())

    async def attempt() -> None:
        started = controller.enter_now()
        if started is None:
            started = await controller.enter()
        try:
            await asyncio.sleep(60)
        finally:
            controller.leave(started, "failed")

    async def cancelled() -> list[BaseException | None]:
        tasks = [asyncio.create_task(attempt()) for _ in range(FIRST_CAP + 8)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(cancelled())

    assert {type(error) for error in found} == {asyncio.CancelledError}
    assert controller.pace.in_flight == 0


def test_waits_of_one_case_that_overlap_stop_its_clock_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0

    async def overlapping() -> tuple[bool, float, float]:
        nonlocal now
        monkeypatch.setattr("anyio.current_time", lambda: now)
        scope = anyio.CancelScope(deadline=130.0)
        patience = Patience(scope)
        patience.pause()
        now = 110.0
        patience.pause()
        now = 115.0
        patience.resume()
        stands = math.isinf(scope.deadline)
        now = 140.0
        patience.resume()
        return stands, scope.deadline, patience.waited

    assert asyncio.run(overlapping()) == (True, 170.0, 40.0)


def test_a_case_that_asks_two_models_at_once_keeps_its_time_limit() -> None:
    """Both of its calls wait for a turn, the first to come is the first to go on."""

    async def case() -> tuple[bool, float]:
        session = ModelSession(controllers=Controllers(requests_per_minute=600))
        patience = Patience()
        with anyio.move_on_after(300) as scope:
            patience.scope = scope
            PATIENCE.set(patience)
            before = scope.deadline

            async def attempt(place: str) -> None:
                async with admitted(place, None):
                    pass

            with under(session.admission()):
                async with anyio.create_task_group() as group:
                    for place in "aaabb":
                        group.start_soon(attempt, place)
            return math.isfinite(scope.deadline), scope.deadline - before - patience.waited
        raise AssertionError

    finite, difference = asyncio.run(case())
    assert finite
    assert abs(difference) < 1e-6


def test_loops_of_several_threads_share_the_turns_of_a_connection() -> None:
    controller = Controller(Pace(requests_per_minute=60_000))
    peak = 0

    async def attempt() -> None:
        nonlocal peak
        started = controller.enter_now()
        if started is None:
            started = await controller.enter()
        peak = max(peak, controller.pace.in_flight)
        await asyncio.sleep(0.001)
        controller.leave(started, "failed")

    async def many() -> int:
        with anyio.fail_after(120):
            await asyncio.gather(*(attempt() for _ in range(50)))
        return 50

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(asyncio.run, many()) for _ in range(4)]

    assert [one.result() for one in done] == [50] * 4
    assert controller.pace.in_flight == 0
    assert peak <= FIRST_CAP


def test_a_loop_that_ends_leaves_the_turns_to_the_others() -> None:
    """What was to wake the waiters of the other loop was set in this one."""
    controller = Controller(Pace(requests_per_minute=120))
    waiting = threading.Event()

    async def impatient() -> None:
        assert controller.enter_now() is not None
        with anyio.move_on_after(0.1):
            task = asyncio.create_task(controller.enter())
            await asyncio.sleep(0)
            waiting.set()
            await task

    async def patient() -> float:
        waiting.wait(30)
        with anyio.fail_after(60):
            return await controller.enter()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(asyncio.run, impatient())
        second = threads.submit(asyncio.run, patient())

    first.result()
    assert second.result() > 0


moments = st.one_of(
    st.text(),
    st.integers().map(str),
    st.floats().map(str),
    st.integers().map(lambda year: f"Mon, 01 Jan {year} 00:00:00 GMT"),
    st.integers().map(lambda hours: f"Mon, 01 Jan 2024 {hours}:00:00 +0000"),
    st.integers().map(lambda hours: f"9999-12-31T{hours}:00:00Z"),
    st.integers(0).map(lambda number: f"{number}h"),
)


@example("Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
@given(moments)
def test_whatever_a_server_says_of_its_limits_a_place_is_given_back(value: str) -> None:
    names = ["retry-after", "retry-after-ms"]
    kinds = ["limit", "remaining", "reset"]
    names += [f"x-ratelimit-{kind}-{unit}" for kind in kinds for unit in ("requests", "tokens")]
    headers = dict.fromkeys(names, value)

    async def attempt() -> None:
        started = controller.enter_now()
        assert started is not None
        controller.leave(started, "limited", headers)

    controller = Controller(Pace())
    asyncio.run(attempt())

    seconds = retry_after_seconds(headers)
    assert seconds is None or seconds >= 0
    assert controller.pace.in_flight == 0
    assert not math.isnan(controller.pace.wait(monotonic()))

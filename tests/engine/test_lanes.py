"""The thread lane: quick, ordered, and never in the way of the process's end."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

import evalkit
from evalkit.engine.lanes import MOST_ABANDONED, ThreadLane
from evalkit.errors import TargetError


def test_results_and_errors_come_back_to_their_callers() -> None:
    async def main() -> list[object]:
        lane = ThreadLane()
        calls = [lane.run(lambda n=n: 10 // n) for n in (1, 0, 2)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        lane.close()
        return list(found)

    first, second, third = asyncio.run(main())

    assert (first, third) == (10, 5)
    assert isinstance(second, ZeroDivisionError)


def test_as_many_threads_run_as_there_are_calls() -> None:
    barrier = threading.Barrier(20, timeout=300)

    async def main() -> set[int]:
        lane = ThreadLane()
        found = await asyncio.gather(*(lane.run(barrier.wait) for _ in range(20)))
        lane.close()
        return set(found)

    assert asyncio.run(main()) == set(range(20))


def test_an_overrun_is_abandoned_and_the_next_call_runs() -> None:
    release = threading.Event()

    async def main() -> tuple[int, str]:
        lane = ThreadLane()
        with pytest.raises(TimeoutError):
            await lane.run(release.wait, timeout_seconds=0.02)
        after = await lane.run(lambda: "next")
        release.set()
        lane.close()
        return lane.abandoned, after

    assert asyncio.run(main()) == (1, "next")


def test_abandoned_calls_are_bounded_and_what_they_leave_is_taken_again() -> None:
    release = threading.Event()
    before = threading.active_count()

    async def main() -> None:
        lane = ThreadLane()
        late = [lane.run(release.wait, timeout_seconds=0.05) for _ in range(MOST_ABANDONED)]
        errors = await asyncio.gather(*late, return_exceptions=True)
        assert all(isinstance(error, TimeoutError) for error in errors)
        for _ in range(300):
            with pytest.raises(TargetError, match="64 calls that overran their timeout"):
                await lane.run(release.wait, timeout_seconds=0.05)
        assert threading.active_count() <= before + MOST_ABANDONED
        assert await lane.run(lambda: "loaded") == "loaded"  # what cannot be abandoned goes on
        release.set()
        while lane.refusal is not None:  # noqa: ASYNC110  threads end, and tell nobody
            await asyncio.sleep(0.001)
        assert await lane.run(lambda: "next", timeout_seconds=60) == "next"
        lane.close()

    asyncio.run(main())


def test_a_target_that_hangs_fails_its_cases_and_leaves_few_threads() -> None:
    release = threading.Event()
    rows = [{"question": str(number), "expected": "a"} for number in range(150)]

    def bot(question: str) -> str:
        release.wait()
        return question

    @evalkit.scorer
    def slow(outputs: str) -> bool:
        return bool(release.wait()) and bool(outputs)

    runtime = evalkit.Runtime(store=False, timeout_seconds=0.02, concurrency=16)
    before = threading.active_count()
    called = evalkit.evaluate(bot, rows, "text.exact_match", runtime=runtime)
    scored = evalkit.evaluate(
        data=[{**row, "output": "a"} for row in rows], scorers=[slow], runtime=runtime
    )
    threads = threading.active_count()
    release.set()

    most = MOST_ABANDONED + 16  # those in flight when the bound is reached overrun too
    assert threads <= before + 2 * most + 8
    for result in (called, scored):
        failures = result.failures()
        assert set(failures.reason) == {"timeout"}
        assert len(failures) == 150
        refused = sum("Not begun: " in text for text in failures.explanation)
        assert 150 - most <= refused <= 150 - MOST_ABANDONED
        assert result.facts.notes == (
            f"{150 - refused} calls overran their timeout and were abandoned.",
        )


def test_an_abandoned_call_does_not_delay_the_end_of_the_process() -> None:
    code = (
        "import time, evalkit\n"
        "def bot(question): time.sleep(600)\n"
        "r = evalkit.evaluate(bot, [{'question': 'q', 'expected': 'a'}], 'text.exact_match',\n"
        "    runtime=evalkit.Runtime(store=False, timeout_seconds=0.05))\n"
        "print(r.failures().reason[0], r.facts.notes)\n"
    )
    started = time.monotonic()
    program = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )

    assert program.stdout.startswith("timeout ('1 calls overran")
    assert time.monotonic() - started < 300

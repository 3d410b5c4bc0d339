"""The thread lane: quick, ordered, and never in the way of the process's end."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from evalkit.engine.lanes import ThreadLane


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

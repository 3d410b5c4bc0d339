"""Measure how near calls in flight come to the ideal, and what a kill costs in repeated calls.

A target that sleeps 50 ms answers 1,000 cases, 100 at a time, as a plain and as an async function.
The ideal is 0.5 s; start-up is the time of evaluating one case whose target does not sleep, and is
added to the ideal.  Then a 10 ms target at a concurrency of 8 is killed (SIGKILL) and the run is
resumed by another process: each call is noted in a file before it starts, and those above the
number of cases were repeated.  Ends with an error where a bar is missed.

    python benchmarks/bench_concurrency.py [--rounds 5] [--kills 5]
"""

import argparse
import asyncio
import contextlib
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import evalkit

RATIO_BAR = 1.15
REPEATED_BAR = 8
CASES = 1_000
CONCURRENCY = 100
SLEEP_SECONDS = 0.05
KILLED_CASES = 300
KILLED_CONCURRENCY = 8
ROWS = [{"question": f"q{number}", "expected": f"q{number}"} for number in range(CASES)]
KILLED_PROGRAM = '''
import os, sys, time
import evalkit


def bot(question: str) -> str:
    """Note the call in one atomic write, then answer after 10 ms."""
    log = os.open("calls.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{question}\\n".encode())
    os.close(log)
    time.sleep(0.01)
    return question


def main(cases: int, concurrency: int) -> None:
    rows = [{"question": f"q{n}", "expected": f"q{n}"} for n in range(cases)]
    runtime = evalkit.Runtime(concurrency=concurrency)
    evalkit.evaluate("killed:bot", rows, "text.exact_match", name="killed", runtime=runtime)
'''


def sleeper(question: str) -> str:
    """Answer after 50 ms, on a thread."""
    time.sleep(SLEEP_SECONDS)
    return question


async def async_sleeper(question: str) -> str:
    """Answer after 50 ms, on the loop."""
    await asyncio.sleep(SLEEP_SECONDS)
    return question


def echo(question: str) -> str:
    """Answer at once."""
    return question


async def async_echo(question: str) -> str:
    """Answer at once, on the loop."""
    return question


def seconds_of(target: Callable[[str], str | Awaitable[str]], rows: list[dict[str, str]]) -> float:
    """Return the wall time of evaluating *target* on *rows*, all of which it answers right."""
    runtime = evalkit.Runtime(concurrency=CONCURRENCY, store="sqlite:///evalkit.db")
    began = time.perf_counter()
    result = evalkit.evaluate(target, rows, "text.exact_match", runtime=runtime)
    seconds = time.perf_counter() - began
    assert float(result["text.exact_match"]) == 1.0
    return seconds


def bench_overlap(rounds: int) -> list[str]:
    """Print the seconds of both kinds of target against the ideal; return the bars missed."""
    ideal = CASES / CONCURRENCY * SLEEP_SECONDS
    targets: dict[str, tuple[Any, Any]] = {
        "function": (sleeper, echo),
        "async function": (async_sleeper, async_echo),
    }
    found: dict[str, list[float]] = {name: [] for name in targets}
    starts: dict[str, list[float]] = {name: [] for name in targets}
    for turn in range(rounds + 1):
        for name, (target, instant) in targets.items():
            start, whole = seconds_of(instant, ROWS[:1]), seconds_of(target, ROWS)
            if turn:  # the first round imports and makes the database
                starts[name].append(start)
                found[name].append(whole)
    missed: list[str] = []
    for name, times in found.items():
        start, median = statistics.median(starts[name]), statistics.median(times)
        ratio = median / (ideal + start)
        met = "met" if ratio <= RATIO_BAR else "MISSED"
        print(
            f"{name:15} median {median:.3f} s (from {min(times):.3f} to {max(times):.3f}), ideal "
            f"{ideal:.2f} s + start-up {start:.3f} s: {ratio:.2f} x (bar {RATIO_BAR} x: {met})"
        )
        missed += [] if ratio <= RATIO_BAR else [f"overlap of a {name}"]
    return missed


def calls_of(folder: Path) -> int:
    """Return how many calls were started in *folder*."""
    log = folder / "calls.log"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def repeated_calls(share: float) -> int:
    """Kill a run when *share* of its calls were started, resume it, and count calls too many."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "killed.py").write_text(KILLED_PROGRAM)
        code = f"import killed; killed.main({KILLED_CASES}, {KILLED_CONCURRENCY})"
        with subprocess.Popen([sys.executable, "-c", code], cwd=folder) as program:
            while calls_of(folder) < share * KILLED_CASES and program.poll() is None:
                time.sleep(0.001)
            with contextlib.suppress(ProcessLookupError):
                os.kill(program.pid, signal.SIGKILL)
        assert program.returncode == -signal.SIGKILL, "the run ended before it was killed"
        code = "import evalkit; print(float(evalkit.resume('killed')['text.exact_match']))"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
        )
        assert done.stdout.split()[-1] == "1.0"
        return calls_of(folder) - KILLED_CASES


def bench_kills(kills: int) -> list[str]:
    """Print the calls repeated after each kill; return the bars missed."""
    repeated = [repeated_calls((kill + 0.5) / kills) for kill in range(kills)]
    met = "met" if max(repeated) <= REPEATED_BAR else "MISSED"
    print(
        f"{kills} kills of {KILLED_CASES} calls of 10 ms, {KILLED_CONCURRENCY} at once: "
        f"calls repeated {repeated} (bar {REPEATED_BAR}: {met})"
    )
    return [] if max(repeated) <= REPEATED_BAR else ["repeated calls"]


def main() -> None:
    """Measure overlap and kills, and check the bars."""
    parser = argparse.ArgumentParser(description="Calls in flight, and calls repeated.")
    parser.add_argument("--rounds", type=int, default=5, help="Rounds after the first.")
    parser.add_argument("--kills", type=int, default=5, help="Kills, spread over the run.")
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, evalkit {version('evalkit-ai')}; {CASES:,} cases, "
        f"{CONCURRENCY} at once, {1e3 * SLEEP_SECONDS:.0f} ms each"
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        missed = bench_overlap(options.rounds)
    missed += bench_kills(options.kills)
    assert not missed, f"missed: {', '.join(missed)}"


if __name__ == "__main__":
    main()

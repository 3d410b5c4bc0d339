"""Measure the limits of model calls in real time, against an endpoint in a process of its own.

1. 1,000 distinct calls, 100 ms endpoint, 64 at a time: seconds, beside the ideal of 1.56 s.
2. An endpoint at 0.5 s whose limit steps from 5 to 50 to 10 requests a second: the share of what
   it would allow that was answered, and the share of answers 429 once settled (15 s a step).
3. 10,000 calls that are recorded already: seconds.

Ends with an error where a bar is missed.

    python benchmarks/bench_limits.py [--burst 5] [--seconds 60] [--only speed|steps|cached]
"""

import argparse
import asyncio
import platform
import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from evalkit.llm.cache import Cache
from evalkit.llm.limits import Controllers
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import recording_of_call
from evalkit.llm.session import ModelSession
from evalkit.testing import ScriptedEndpoint
from evalkit.testing.endpoint import RateLimit

SPEED_BAR = 1.25 * 1000 * 0.1 / 64
ALLOWED_BAR = 0.90
REFUSED_BAR = 0.02
CACHED_BAR = 3.0
RATES = (5.0, 50.0, 10.0)
SETTLING = 15.0


def serve(pipe: Connection, latency: float, burst: int | None, seconds: float) -> None:
    """Answer in a process of its own until told to stop."""

    def rate(elapsed: float) -> float:
        return RATES[min(int(elapsed / seconds), len(RATES) - 1)]

    limit = None if burst is None else RateLimit(rate, burst=burst)
    with ScriptedEndpoint("yes", latency_seconds=latency, rate_limit=limit) as endpoint:
        pipe.send(endpoint.base_url)
        pipe.recv()


def question(number: int) -> ChatRequest:
    """Return one of many distinct questions."""
    return ChatRequest(messages=[{"role": "user", "content": f"question {number}"}])


async def speed(base_url: str) -> float:
    """Return the seconds of 1,000 calls, 64 at a time, after one that opens the connection."""
    model = open_chat_model("openai/m", base_url=base_url)
    session = ModelSession(controllers=Controllers())
    await session.complete(model, question(-1), role="judge")
    turns = asyncio.Semaphore(64)

    async def one(number: int) -> None:
        async with turns:
            await session.complete(model, question(number), role="judge")

    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(1000)))
    took = time.perf_counter() - began
    await model.aclose()
    return took


async def steps(base_url: str, seconds: float) -> tuple[float, float]:
    """Return the share answered of what was allowed, and the share refused once settled."""
    model = open_chat_model("openai/m", base_url=base_url)
    controllers = Controllers()
    session = ModelSession(controllers=controllers)
    began = time.perf_counter()
    end = began + seconds * len(RATES)
    answered: list[float] = []

    async def ask_on(first: int) -> None:
        number = first
        while time.perf_counter() < end:
            await session.complete(model, question(number), role="judge")
            answered.append(time.perf_counter() - began)
            number += 64

    refused: list[float] = []

    async def watch() -> None:
        """Note refusals as the controller counts them."""
        known = 0
        pace = controllers.of(base_url.removesuffix("/v1"), None).pace
        while time.perf_counter() < end:
            await asyncio.sleep(0.02)
            refused.extend([time.perf_counter() - began] * (pace.refused - known))
            known = pace.refused

    workers = [asyncio.create_task(ask_on(first)) for first in range(64)]
    await watch()
    for worker in workers:
        worker.cancel()
    lost = [
        one for one in await asyncio.gather(*workers, return_exceptions=True) if one is not None
    ]
    assert all(isinstance(one, asyncio.CancelledError) for one in lost), lost
    await model.aclose()
    for step, rate in enumerate(RATES):
        start, stop = step * seconds, (step + 1) * seconds
        got = sum(start <= moment < stop for moment in answered)
        settled = sum(start + SETTLING <= moment < stop for moment in refused)
        print(
            f"  {rate:g}/s: {got / (rate * seconds):.1%} answered, {settled} refused once settled"
        )
    in_time = sum(moment < seconds * len(RATES) for moment in answered)
    after = [m for m in answered if m % seconds >= SETTLING]
    late = [m for m in refused if m % seconds >= SETTLING]
    return in_time / (sum(RATES) * seconds), len(late) / (len(late) + len(after))


async def cached(folder: Path) -> float:
    """Return the seconds of 10,000 calls that are all recorded."""
    model: ChatModel = open_chat_model("openai/m", base_url="http://127.0.0.1:9/v1")
    cache = Cache(folder / "calls.db")
    for number in range(10_000):
        cache.put(recording_of_call(model, question(number), 0), {"text": "yes"})
    session = ModelSession(recorder=Recorder(mode="auto", places=[cache]))
    began = time.perf_counter()
    asked = (session.complete(model, question(number), role="judge") for number in range(10_000))
    replies: list[ChatReply] = await asyncio.gather(*asked)
    session.close()
    assert len(replies) == session.ledger["judge"].cached == 10_000
    return time.perf_counter() - began


def main() -> None:
    """Measure, print, and end with an error where a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--burst", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", choices=["speed", "steps", "cached"])
    chosen = parser.parse_args()
    print(platform.platform(), platform.python_version())
    missed: list[str] = []
    for name in [chosen.only] if chosen.only else ["speed", "cached", "steps"]:
        if name == "cached":
            with tempfile.TemporaryDirectory() as folder:
                took = asyncio.run(cached(Path(folder)))
            print(f"10,000 recorded calls: {took:.2f} s (bar {CACHED_BAR} s)")
            missed += [name] * (took > CACHED_BAR)
            continue
        here, there = get_context("spawn").Pipe()
        latency, burst = (0.1, None) if name == "speed" else (0.5, chosen.burst)
        server = get_context("spawn").Process(
            target=serve, args=(there, latency, burst, chosen.seconds)
        )
        server.start()
        base_url = here.recv()
        if name == "speed":
            took = asyncio.run(speed(base_url))
            print(f"1,000 calls of 100 ms, 64 at a time: {took:.2f} s (bar {SPEED_BAR:.2f} s)")
            missed += [name] * (took > SPEED_BAR)
        else:
            share, refused = asyncio.run(steps(base_url, chosen.seconds))
            print(
                f"steps, burst {burst}: {share:.1%} (bar {ALLOWED_BAR:.0%}), {refused:.2%} refused"
            )
            missed += [name] * (share < ALLOWED_BAR or refused >= REFUSED_BAR)
        here.send(None)
        server.join()
    if missed:
        sys.exit(f"Missed: {', '.join(missed)}.")


if __name__ == "__main__":
    main()

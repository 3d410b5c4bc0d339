"""Measure what calling a target costs above the call itself.

Binding a case to a function is timed alone.  An endpoint target and a chat target are timed against
bare aiohttp posting the same bytes to the same server, which runs in a process of its own, with 100
calls in flight; the median of alternating rounds is shown.  Ends with an error where a bar is
missed.

    python benchmarks/bench_targets.py [--calls 2000] [--rounds 7]
"""

import argparse
import asyncio
import platform
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Awaitable, Callable
from importlib.metadata import version

import aiohttp
import orjson

import evalkit.targets.chat
import evalkit.targets.endpoint
from evalkit.entities.case import Case
from evalkit.entities.target import Invocation
from evalkit.targets.binding import Binder
from evalkit.targets.callable import CallableTarget

BINDING_BAR_SECONDS = 3e-6
ENDPOINT_BAR_RATIO = 1.25
CHAT_BAR_RATIO = 1.6
CONCURRENCY = 100
SERVER = """
from evalkit.testing import ScriptedEndpoint
with ScriptedEndpoint("Paris") as server:
    print(server.url, flush=True)
    input()
"""
INVOCATION = Invocation(case=Case(inputs={"question": "Capital of France?", "language": "en"}))


def bot(question: str, language: str = "en") -> str:
    """Answer without any work."""
    return question or language


def bench_binding() -> None:
    """Print what binding and wrapping cost a call, and check the bar."""
    binder, target = Binder(bot), CallableTarget(bot)

    def best(statement: Callable[[], object]) -> float:
        return min(timeit.repeat(statement, number=20_000, repeat=7)) / 20_000

    binding = best(lambda: binder.arguments(INVOCATION))
    whole = best(lambda: target.call(INVOCATION))
    plain = best(lambda: bot("Capital of France?", language="en"))
    print(f"binding {binding * 1e6:.2f} us, whole call {(whole - plain) * 1e6:.2f} us above plain")
    assert binding <= BINDING_BAR_SECONDS, "binding is above its bar"


async def many(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """Return the seconds that *calls* calls take, `CONCURRENCY` of them in flight."""
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    return time.perf_counter() - began


async def bench_http(url: str, calls: int, rounds: int) -> None:
    """Print what the targets cost against bare aiohttp, and check the bars."""
    endpoint = evalkit.targets.endpoint.endpoint(url)
    chat = evalkit.targets.chat.chat(
        "m", base_url=f"{url}v1", prompt="{{ question }}", temperature=0.0
    )
    plain_body = orjson.dumps(dict(INVOCATION.case.inputs))
    chat_body = orjson.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "Capital of France?"}]}
    )
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(address: str, body: bytes) -> object:
            async with session.post(address, data=body, headers=headers) as response:
                return orjson.loads(await response.read())

        contestants: dict[str, Callable[[], Awaitable[object]]] = {
            "aiohttp, JSON": lambda: post(url, plain_body),
            "endpoint target": lambda: endpoint.acall(INVOCATION),
            "aiohttp, chat": lambda: post(f"{url}v1/chat/completions", chat_body),
            "chat target": lambda: chat.acall(INVOCATION),
        }
        seconds: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds + 1):
            for name, call in contestants.items():
                seconds[name].append(await many(call, calls))
    await endpoint.aclose()
    await chat.aclose()
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:16} {median / calls * 1e6:7.0f} us a call")
    for name, bare, bar in (
        ("endpoint target", "aiohttp, JSON", ENDPOINT_BAR_RATIO),
        ("chat target", "aiohttp, chat", CHAT_BAR_RATIO),
    ):
        ratios = [a / b for a, b in zip(seconds[name][1:], seconds[bare][1:], strict=True)]
        ratio = statistics.median(ratios)
        spread = f"from {min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name} / {bare}: {ratio:.2f} ({spread}), bar {bar}")
        assert ratio <= bar, f"{name} is above its bar"


def main() -> None:
    """Print a line for each measurement and check the bars."""
    parser = argparse.ArgumentParser(description="What calling a target costs.")
    parser.add_argument("--calls", type=int, default=2000, help="Calls in each round.")
    parser.add_argument("--rounds", type=int, default=7, help="Rounds after the first.")
    options = parser.parse_args()

    print(
        f"Python {platform.python_version()}, aiohttp {version('aiohttp')}, {CONCURRENCY} at once"
    )
    bench_binding()
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            asyncio.run(bench_http(url, options.calls, options.rounds))
        finally:
            server.communicate("\n")


if __name__ == "__main__":
    main()

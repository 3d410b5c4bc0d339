"""Measure 1,000 distinct judgements on an endpoint of 100 ms, beside litellm alone and mlflow.

All ask the same endpoint, a process of its own, to judge the same answers: ours by an evaluation
with its store, journal and cache on, 64 calls at a time; litellm by nothing but its asynchronous
completion, 64 at a time, with the messages and the schema that ours sends; mlflow by its own
``make_judge`` in ``mlflow.genai.evaluate``, with its default of 10 workers (more of them wait for
its SQLite store).  Each contestant
is a fresh process that first judges a few answers, so that imports, connections and new databases
are not counted; what an evaluation of a single answer takes beyond the endpoint's latency is ours
alone and printed as start-up.  The bar of ours counts without it.  A peer that is not installed is
left out, and said to be.  Ends with an error where a bar is missed.

    python benchmarks/bench_judges.py [--judgements 1000] [--mlflow 100] [--rounds 3]
"""

import argparse
import asyncio
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from evalkit.testing import ScriptedEndpoint
from evalkit.testing.replies import SeenRequest

LATENCY = 0.1
LIMIT = 64
IDEAL_BAR = 1.25
LITELLM_BAR = 4.0
MLFLOW_BAR = 10.0
WARM = 2 * LIMIT
DISTRIBUTIONS = {"evalkit": "evalkit-ai", "litellm": "litellm", "mlflow": "mlflow"}
QUESTION = "Is every claim in {{ outputs }} supported by {{ retrieved_context }}?"


def verdict(request: SeenRequest) -> Mapping[str, str]:
    """Answer in the form that is asked for: ours, or mlflow's."""
    name = "result" if '"result"' in json.dumps(request.json.get("response_format")) else "verdict"
    return {"rationale": "The passage says so.", name: "yes"}


def serve(pipe: Connection) -> None:
    """Answer in a process of its own until told to stop."""
    with ScriptedEndpoint(verdict, latency_seconds=LATENCY) as endpoint:
        pipe.send(endpoint.base_url)
        pipe.recv()


def rows(first: int, last: int) -> list[dict[str, Any]]:
    """Return distinct answers with the passage that they rest on."""
    return [
        {
            "question": f"How large is city {number}?",
            "outputs": f"City {number} has {number} thousand inhabitants.",
            "retrieved_context": [f"City {number} is home to {number},000 people."],
        }
        for number in range(first, last)
    ]


def own_judge(base_url: str) -> Any:
    """Return our judge."""
    import evalkit

    choices = {"yes": 1.0, "partly": 0.5, "no": 0.0}
    return evalkit.make_judge(
        "grounded", QUESTION, choices=choices, model="openai/m", base_url=base_url
    )


def run_evalkit(base_url: str, count: int) -> dict[str, float]:
    """Return the seconds of one evaluation, and its start-up."""
    import evalkit

    judge = own_judge(base_url)
    runtime = evalkit.Runtime(concurrency=LIMIT, store="sqlite:///evalkit.db")

    def seconds(data: Any) -> float:
        began = time.perf_counter()
        result = evalkit.evaluate(data=data, scorers=[judge], runtime=runtime)
        assert result["grounded"].n_scored == len(data)
        return time.perf_counter() - began

    seconds(rows(-WARM, 0))
    start = statistics.median(seconds(rows(-n - WARM - 1, -n - WARM)) for n in range(5)) - LATENCY
    return {"seconds": seconds(rows(0, count)), "start": start}


def run_litellm(base_url: str, count: int) -> dict[str, float]:
    """Return the seconds of litellm's own completions."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    litellm: Any = importlib.import_module("litellm")
    from evalkit.entities.case import Case
    from evalkit.llm.openai_compatible import response_format

    judge = own_judge(base_url)
    asked = [
        judge.messages(Case(outputs=row["outputs"], retrieved_context=row["retrieved_context"]))
        for row in rows(-WARM, count)
    ]
    form = response_format(judge.prepared.schema)

    async def judged() -> float:
        turns = asyncio.Semaphore(LIMIT)

        async def one(messages: Any) -> None:
            async with turns:
                reply = await litellm.acompletion(
                    model="openai/m",
                    base_url=base_url,
                    messages=messages,
                    temperature=0.0,
                    response_format=form,
                )
                assert json.loads(reply.choices[0].message.content)["verdict"] == "yes"

        await asyncio.gather(*map(one, asked[:WARM]))
        began = time.perf_counter()
        await asyncio.gather(*map(one, asked[WARM:]))
        return time.perf_counter() - began

    return {"seconds": asyncio.run(judged())}


def run_mlflow(base_url: str, count: int) -> dict[str, float]:
    """Return the seconds of mlflow's judge in its evaluation."""
    from typing import Literal

    os.environ |= {"MLFLOW_GENAI_EVAL_MAX_WORKERS": "10", "MLFLOW_DISABLE_TELEMETRY": "true"}
    importlib.import_module("mlflow").set_tracking_uri("sqlite:///mlflow.db")
    peer: Any = importlib.import_module("mlflow.genai")
    judges: Any = importlib.import_module("mlflow.genai.judges")
    judge = judges.make_judge(
        name="grounded",
        instructions="Is every claim in {{ outputs }} supported by {{ inputs }}?",
        model="openai:/m",
        base_url=f"{base_url}/chat/completions",
        feedback_value_type=Literal["yes", "partly", "no"],
    )

    def evaluate(first: int, last: int) -> float:
        data = [
            {
                "inputs": {"question": row["question"], "passages": row["retrieved_context"]},
                "outputs": row["outputs"],
            }
            for row in rows(first, last)
        ]
        began = time.perf_counter()
        result = peer.evaluate(data=data, scorers=[judge])
        took = time.perf_counter() - began
        said = [value for value in result.result_df["grounded/value"] if value == "yes"]
        print(f"mlflow kept {len(said)} of {len(data)} verdicts", file=sys.stderr)
        return took

    evaluate(-16, 0)
    return {"seconds": evaluate(0, count)}


CONTESTANTS: dict[str, Callable[[str, int], dict[str, float]]] = {
    "evalkit": run_evalkit,
    "litellm": run_litellm,
    "mlflow": run_mlflow,
}


def alone(name: str, base_url: str, count: int) -> dict[str, float]:
    """Return what a contestant measures in a process and a folder of its own."""
    arguments = ["--contestant", name, "--base-url", base_url, "--judgements", str(count)]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), *arguments],
            cwd=folder,
            env={**os.environ, "OPENAI_API_KEY": "none"},
            check=False,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    for line in done.stderr.splitlines():
        if line.startswith("mlflow kept"):
            print(f"  {line}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def installed(distribution: str) -> str | None:
    """Return the version of *distribution*, if it is there."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def race(base_url: str, sizes: dict[str, int], rounds: int) -> list[str]:
    """Print the time of each contestant, and return the bars that are missed."""
    for name in [name for name in sizes if installed(DISTRIBUTIONS[name]) is None]:
        print(f"{name} is not installed, so it is left out")
        del sizes[name]
    each: dict[str, list[float]] = {name: [] for name in sizes}
    starts: list[float] = []
    for _ in range(rounds):
        for name, size in sizes.items():
            found = alone(name, base_url, size)
            start = max(found.get("start", 0.0), 0.0)
            starts += [start] if name == "evalkit" else []
            each[name].append((found["seconds"] - start) / size)
    medians = {name: statistics.median(times) for name, times in each.items()}
    for name, times in each.items():
        label = f"{name} {installed(DISTRIBUTIONS[name])}, {sizes[name]:,} judgements"
        print(
            f"{label:40} median {1e3 * medians[name]:8.2f} ms each"
            f"  (from {1e3 * min(times):.2f} to {1e3 * max(times):.2f})"
        )
    print(f"start-up of ours: {1e3 * statistics.median(starts):.0f} ms")
    ratios = {"the ideal": medians["evalkit"] / (LATENCY / LIMIT)}
    bars = {"the ideal": IDEAL_BAR, "litellm": LITELLM_BAR, "mlflow": MLFLOW_BAR}
    ratios |= {n: medians[n] / medians["evalkit"] for n in medians if n != "evalkit"}
    missed: list[str] = []
    for name, ratio in ratios.items():
        met = ratio <= bars[name] if name == "the ideal" else ratio >= bars[name]
        told = f"evalkit / {name}" if name == "the ideal" else f"{name} / evalkit"
        print(f"{told}: {ratio:.2f} (bar {bars[name]:g}: {'met' if met else 'MISSED'})")
        missed += [] if met else [f"time beside {name}"]
    return missed


def main() -> None:
    """Race the peers, and check the bars."""
    parser = argparse.ArgumentParser(description="Judgements, beside peers.")
    parser.add_argument("--judgements", type=int, default=1000)
    parser.add_argument("--mlflow", type=int, default=100, help="Judgements of mlflow.")
    parser.add_argument("--rounds", type=int, default=3, help="Runs of each contestant.")
    parser.add_argument("--contestant", choices=tuple(CONTESTANTS), help=argparse.SUPPRESS)
    parser.add_argument("--base-url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant is not None:
        found = CONTESTANTS[options.contestant](options.base_url, options.judgements)
        print(json.dumps(found))
        return

    print(f"Python {platform.python_version()}, {platform.platform()}; {options.rounds} rounds")
    here, there = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=serve, args=(there,))
    server.start()
    sizes = {"evalkit": options.judgements, "litellm": options.judgements}
    try:
        missed = race(here.recv(), {**sizes, "mlflow": options.mlflow}, options.rounds)
    finally:
        here.send(None)
        server.join()
    assert not missed, f"missed: {', '.join(missed)}"


if __name__ == "__main__":
    main()

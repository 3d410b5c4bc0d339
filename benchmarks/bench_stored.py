"""Measure the time a row of scoring stored outputs, beside peers, and how it grows.

All score the same rows by equality: ours with `text.exact_match` and its store on, pydantic-evals
with its own equality evaluator (it has no store), mlflow with a code scorer and its SQLite store.
Each measurement is a fresh process that first evaluates a few rows, so that imports and new
databases are not counted; making the peers' case objects is not counted either.  Contestants take
turns; ratios are those of the medians.  Growth is measured from Parquet files, with the peak
memory of each process, in processor time, since the few milliseconds of 1,000 rows drown in what
other programs do to the clock; the time of a file of one row, evaluated by turns, is taken off as
start-up.  A peer that is not installed is left out, and said to be.  Ends with an error where a bar
is missed.

    python benchmarks/bench_stored.py [--rows 100000] [--rounds 3] [--part race|growth]
"""

import argparse
import asyncio
import gc
import importlib
import itertools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PYDANTIC_EVALS_BAR = 1 / 20
MLFLOW_BAR = 1 / 1000
MLFLOW_ROWS = 500
GROWTH_BAR = 1.5
MEMORY_BAR = 3.0
GROWTH_ROWS = (1_000, 10_000, 100_000, 1_000_000)
# Memory is that of a process that evaluates once where it counts.
GROWTH_ROUNDS = {1_000: 41, 10_000: 15, 100_000: 1, 1_000_000: 1}
WARM_ROWS = 20
DISTRIBUTIONS = {"evalkit": "evalkit-ai", "pydantic-evals": "pydantic-evals", "mlflow": "mlflow"}
Rows = list[dict[str, str]]


def made_up_rows(first: int, last: int) -> Rows:
    """Return questions with a reference and an answer, two of three right."""
    return [
        {
            "question": f"What is the capital of country number {number}?",
            "expected": f"City {number}",
            "output": f"City {number if number % 3 else 0}",
        }
        for number in range(first, last)
    ]


def share_right(rows: int) -> float:
    """Return the accuracy that every contestant has to find; row 0 is right by accident."""
    return sum(number % 3 != 0 or number == 0 for number in range(rows)) / rows


def seconds_of(work: Callable[[], float], expected: float) -> float:
    """Return the seconds that *work* takes, once its accuracy is checked."""
    gc.collect()
    began = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - began
    assert abs(found - expected) < 5e-4, f"accuracy {found}, not {expected}"
    return seconds


def run_evalkit(rows: int) -> float:
    """Return the seconds of one evaluation of rows in memory."""
    data = made_up_rows(0, rows)
    _evalkit(data[:WARM_ROWS])
    return seconds_of(lambda: _evalkit(data), share_right(rows))


def _evalkit(data: Any) -> float:
    import evalkit

    runtime = evalkit.Runtime(store="sqlite:///evalkit.db")
    result = evalkit.evaluate(data=data, scorers=["text.exact_match"], runtime=runtime)
    return float(result["text.exact_match"])


def run_pydantic_evals(rows: int) -> float:
    """Return the seconds of pydantic-evals: answers are looked up, equality is its own."""
    peer: Any = importlib.import_module("pydantic_evals")
    equals: Any = importlib.import_module("pydantic_evals.evaluators").EqualsExpected()
    data = made_up_rows(0, rows)
    answers = {row["question"]: row["output"] for row in data}
    cases = [peer.Case(inputs=row["question"], expected_output=row["expected"]) for row in data]

    async def answer(question: str) -> str:
        return answers[question]

    def evaluate(chosen: list[Any]) -> float:
        dataset = peer.Dataset(name="stored", cases=chosen, evaluators=[equals])
        report = asyncio.run(dataset.evaluate(answer, progress=False))
        return float(report.averages().assertions)

    evaluate(cases[:WARM_ROWS])
    return seconds_of(lambda: evaluate(cases), share_right(rows))


def run_mlflow(rows: int) -> float:
    """Return the seconds of mlflow, with 10 workers and a SQLite store."""
    os.environ |= {"MLFLOW_GENAI_EVAL_MAX_WORKERS": "10", "MLFLOW_DISABLE_TELEMETRY": "true"}
    importlib.import_module("mlflow").set_tracking_uri("sqlite:///mlflow.db")
    peer: Any = importlib.import_module("mlflow.genai")

    def exact_match(outputs: str, expectations: dict[str, str]) -> bool:
        return outputs == expectations["expected_response"]

    scorer = peer.scorers.scorer(exact_match)
    data = [
        {
            "inputs": {"question": row["question"]},
            "outputs": row["output"],
            "expectations": {"expected_response": row["expected"]},
        }
        for row in made_up_rows(0, rows)
    ]

    def evaluate(chosen: list[Any]) -> float:
        result = peer.evaluate(data=chosen, scorers=[scorer])
        return float(result.metrics["exact_match/mean"])

    evaluate(data[:WARM_ROWS])
    return seconds_of(lambda: evaluate(data), share_right(rows))


CONTESTANTS: dict[str, Callable[[int], float]] = {
    "evalkit": run_evalkit,
    "pydantic-evals": run_pydantic_evals,
    "mlflow": run_mlflow,
}


def processor_seconds(path: Path) -> float:
    """Return the processor time that evaluating the rows of *path* takes."""
    began = time.process_time()
    _evalkit(path)
    return time.process_time() - began


def run_file(path: Path, rounds: int) -> dict[str, float]:
    """Return seconds beyond start-up, start-up, and peak memory of evaluating a Parquet file."""
    one = Path("one.parquet")
    write_parquet(one, 1)
    _evalkit(one)
    starts: list[float] = []
    beyond: list[float] = []
    for _ in range(rounds):
        starts.append(processor_seconds(one))
        beyond.append(processor_seconds(path) - starts[-1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": statistics.median(beyond),
        "start": statistics.median(starts),
        "megabytes": peak / (2**20 if sys.platform == "darwin" else 2**10),
    }


def alone(*arguments: str) -> Any:
    """Return what this script prints as JSON in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), *arguments],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def installed(distribution: str) -> str | None:
    """Return the version of *distribution*, if it is there."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def race(rows: int, rounds: int) -> list[str]:
    """Print the time a row of each contestant, and return the bars that are missed."""
    sizes = {"evalkit": rows, "pydantic-evals": rows, "mlflow": min(rows, MLFLOW_ROWS)}
    for name in [name for name in sizes if installed(DISTRIBUTIONS[name]) is None]:
        print(f"{name} is not installed, so it is left out")
        del sizes[name]
    found: dict[str, list[float]] = {name: [] for name in sizes}
    for _ in range(rounds):
        for name, size in sizes.items():
            found[name].append(1e6 * float(alone("--contestant", name, "--rows", str(size))) / size)
    medians = {name: statistics.median(times) for name, times in found.items()}
    for name, times in found.items():
        label = f"{name} {installed(DISTRIBUTIONS[name])}, {sizes[name]:,} rows"
        print(
            f"{label:40} median {medians[name]:10.2f} us a row"
            f"  (from {min(times):.2f} to {max(times):.2f})"
        )
    missed: list[str] = []
    for name, bar in (("pydantic-evals", PYDANTIC_EVALS_BAR), ("mlflow", MLFLOW_BAR)):
        if name in medians:
            ratio = medians["evalkit"] / medians[name]
            met = "met" if ratio <= bar else "MISSED"
            print(f"evalkit / {name}: 1/{1 / ratio:,.0f} (bar 1/{1 / bar:,.0f}: {met})")
            missed += [] if ratio <= bar else [f"time beside {name}"]
    return missed


def write_parquet(path: Path, rows: int) -> None:
    """Write made-up rows to *path*, a part at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    part = 50_000
    schema = pa.Table.from_pylist(made_up_rows(0, 1)).schema
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, rows, part):
            table = pa.Table.from_pylist(made_up_rows(first, min(first + part, rows)), schema)
            writer.write_table(table)


def growth() -> list[str]:
    """Print time a row and peak memory at each size, and return the bars that are missed."""
    each: dict[int, float] = {}
    megabytes: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for rows in GROWTH_ROWS:
            path = Path(folder) / f"{rows}.parquet"
            write_parquet(path, rows)
            found = alone("--file", str(path), "--rounds", str(GROWTH_ROUNDS[rows]))
            each[rows] = 1e6 * found["seconds"] / rows
            megabytes[rows] = found["megabytes"]
            print(
                f"{rows:9,} rows from Parquet  {each[rows]:6.2f} us a row beyond a start-up of "
                f"{1e3 * found['start']:.0f} ms, peak memory {megabytes[rows]:.0f} MB"
            )
    steepest = max(each[b] / each[a] for a, b in itertools.combinations(GROWTH_ROWS, 2))
    memory = megabytes[1_000_000] / megabytes[100_000]
    linear, kept = steepest <= GROWTH_BAR, memory <= MEMORY_BAR
    print(
        f"a row among more rows / among fewer, at worst: {steepest:.2f} "
        f"(linear: up to {GROWTH_BAR}: {'met' if linear else 'MISSED'})"
    )
    print(
        f"peak memory of 1,000,000 rows / of 100,000: {memory:.2f} "
        f"(bar {MEMORY_BAR}: {'met' if kept else 'MISSED'})"
    )
    return [] if linear and kept else ["linear cost" if kept else "peak memory"]


def main() -> None:
    """Race the peers, measure growth, and check the bars."""
    parser = argparse.ArgumentParser(description="Scoring stored outputs, beside peers.")
    parser.add_argument("--rows", type=int, default=100_000, help="Rows of the race.")
    parser.add_argument("--rounds", type=int, default=3, help="Runs of each contestant.")
    parser.add_argument("--part", choices=("race", "growth"), help="Measure this part only.")
    parser.add_argument("--contestant", choices=tuple(CONTESTANTS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant is not None:
        print(json.dumps(CONTESTANTS[options.contestant](options.rows)))
        return
    if options.file is not None:
        print(json.dumps(run_file(options.file, options.rounds)))
        return

    print(f"Python {platform.python_version()}, {platform.platform()}; {options.rounds} rounds")
    missed = [] if options.part == "growth" else race(options.rows, options.rounds)
    missed += [] if options.part == "race" else growth()
    assert not missed, f"missed: {', '.join(missed)}"


if __name__ == "__main__":
    main()

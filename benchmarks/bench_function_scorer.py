"""Measure what a Python function as a scorer costs a row, above the function itself.

The whole evaluation of stored outputs is timed, its data and store included, and the time of
calling the function on the same values in a plain loop is taken off.  A function that returns two
metrics, and the function as a second scorer, are shown beside it.  Contestants take turns; the
figure is the difference of medians.  Ends with an error above the bar.

    python benchmarks/bench_function_scorer.py [--rows 100000] [--rounds 5]
"""

import argparse
import contextlib
import gc
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import evalkit

BAR_MICROSECONDS = 40.0


def same(outputs: str, expectations: dict[str, Any]) -> bool:
    """Say whether the answer is the expected one."""
    return bool(outputs == expectations["target"])


def shape(outputs: str) -> dict[str, float]:
    """Return two metrics."""
    return {"length": len(outputs), "words": outputs.count(" ") + 1}


def seconds_of(work: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Time the evaluation and the bare function by turns, and check the bar."""
    parser = argparse.ArgumentParser(description="What a function as a scorer costs a row.")
    parser.add_argument("--rows", type=int, default=100_000, help="Rows of each round.")
    parser.add_argument("--rounds", type=int, default=5, help="Rounds.")
    options = parser.parse_args()
    count: int = options.rows

    answers = [f"City {number if number % 3 else 0}" for number in range(count)]
    rows = [
        {"question": f"Capital of country {n}?", "expected": f"City {n}", "output": answers[n]}
        for n in range(count)
    ]
    expectations = [{"target": row["expected"]} for row in rows]
    runtime = evalkit.Runtime(store="sqlite:///evalkit.db")

    def evaluate(scorers: Any, data: Any = rows) -> None:
        result = evalkit.evaluate(data=data, scorers=scorers, runtime=runtime)
        assert result.coverage == 1.0, "a function failed"

    contestants: dict[str, Callable[[], object]] = {
        "the function, in a plain loop": lambda: [
            same(outputs=output, expectations=expected)
            for output, expected in zip(answers, expectations, strict=True)
        ],
        "evaluated with the function": lambda: evaluate([same]),
        "with a function of two metrics": lambda: evaluate([shape]),
        "with text.exact_match": lambda: evaluate(["text.exact_match"]),
        "with text.exact_match and the function": lambda: evaluate(["text.exact_match", same]),
    }
    found: dict[str, list[float]] = {name: [] for name in contestants}
    print(f"Python {platform.python_version()}, evalkit {version('evalkit-ai')}; {count:,} rows")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        evaluate(["text.exact_match", same, shape], rows[:100])
        for _ in range(options.rounds):
            for name, work in contestants.items():
                found[name].append(1e6 * seconds_of(work) / count)
    medians = {name: statistics.median(times) for name, times in found.items()}
    for name, times in found.items():
        print(
            f"{name:40} median {medians[name]:7.2f} us a row"
            f"  (from {min(times):.2f} to {max(times):.2f})"
        )
    plain, whole, _, first, both = medians.values()
    above = whole - plain
    met = "met" if above <= BAR_MICROSECONDS else "MISSED"
    print(
        f"whole evaluation above the function: {above:.2f} us a row "
        f"(bar {BAR_MICROSECONDS:.0f} us: {met})"
    )
    print(f"the function beside another scorer, above the function: {both - first - plain:.2f} us")
    assert above <= BAR_MICROSECONDS, "a function as a scorer is above its bar"


if __name__ == "__main__":
    main()

"""Measure a comparison of two runs: time, and the peak memory of the process that compares.

Two systems' stored answers are evaluated with five scorers, BLEU among them, and kept on disk.
A fresh process then opens both runs and compares all metrics, BLEU with 2,000 draws of its
statistics for the interval and 2,000 for the p-value.  Opening the runs counts; making them does
not.  Ends with an error where a bar is missed.

    python benchmarks/bench_compare.py [--cases 100000] [--rounds 3] [--profile]
"""

import argparse
import cProfile
import json
import platform
import pstats
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SECONDS_BAR = 15.0
MEMORY_BAR = 1024.0
SCORERS = (
    "text.exact_match",
    "text.token_f1",
    "text.bleu",
    "text.edit_distance",
    {"text.rouge": {"variants": ("rougeL",)}},
)
WORDS = [f"word{number}" for number in range(400)]


def answers(cases: int, share: float, seed: int) -> list[dict[str, Any]]:
    """Return made-up sentences, of whose words a *share* is right."""
    found: list[dict[str, Any]] = []
    for number in range(cases):
        asked = random.Random(number)  # noqa: S311  no secret
        wanted = asked.choices(WORDS, k=asked.randint(5, 40))  # few have equal statistics
        own = random.Random(f"{seed}/{number}")  # noqa: S311  no secret
        got = [word if own.random() < share else own.choice(WORDS) for word in wanted]
        found.append(
            {
                "id": str(number),
                "question": f"Question {number}?",
                "expected": " ".join(wanted),
                "output": " ".join(got),
            }
        )
    return found


def make(folder: Path, cases: int) -> None:
    """Evaluate both systems and keep their runs in *folder*."""
    import evalkit

    store = f"sqlite:///{folder}/evalkit.db"
    for seed, (name, share) in enumerate((("old", 0.7), ("new", 0.72))):
        evalkit.evaluate(
            data=answers(cases, share, seed),
            scorers=SCORERS,
            name=name,
            runtime=evalkit.Runtime(store=store, progress=False),
        )


def measure(folder: Path, *, profile: bool) -> dict[str, Any]:
    """Open both runs and compare them."""
    import evalkit
    from evalkit import tracking

    tracking.set_tracking_uri(f"sqlite:///{folder}/evalkit.db")
    profiler = cProfile.Profile()
    started = time.perf_counter()
    if profile:
        profiler.enable()
    table = evalkit.compare("old", "new").table()
    if profile:
        profiler.disable()
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("cumulative").print_stats(35)
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    shown = table[["metric", "difference", "low", "high", "p_value", "method"]]
    return {"seconds": seconds, "mebibytes": memory, "rows": shown.to_dict("records")}


def measured(folder: Path, *, profile: bool) -> dict[str, Any]:
    """Measure in a process of its own."""
    words = [sys.executable, __file__, "--folder", str(folder)]
    done = subprocess.run(
        [*words, "--profile"] if profile else words, stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """Measure, and say whether the bars are kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder is not None:
        print(json.dumps(measure(given.folder, profile=given.profile)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), given.cases)
        found = [measured(Path(folder), profile=given.profile) for _ in range(given.rounds)]
    seconds = statistics.median(one["seconds"] for one in found)
    memory = max(one["mebibytes"] for one in found)
    for row in found[0]["rows"]:
        print(
            f"{row['metric']:30} {row['difference']:+.5f} [{row['low']:.5f}, {row['high']:.5f}] "
            f"p={row['p_value']:.2g} {row['method']}"
        )
    print(f"{given.cases:,} cases, Python {platform.python_version()}")
    print(f"compare: {seconds:.1f} s (bar {SECONDS_BAR:g} s)")
    print(f"memory:  {memory:.0f} MiB (bar {MEMORY_BAR:g} MiB)")
    return int(seconds > SECONDS_BAR or memory > MEMORY_BAR)


if __name__ == "__main__":
    sys.exit(main())

"""Measure what a user of the command line waits for: ``--help``, a small evaluation, the demo.

Each command runs in fresh processes in an empty folder; the first of each is not counted, since it
writes the compiled files.  Ends with an error if the median of ``evalkit --help``, the start of
Python included, or of ``evalkit demo`` is above its bar.

    python benchmarks/bench_command_line.py [--repeats 9]
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELP_BAR_SECONDS = 0.150
DEMO_BAR_SECONDS = 60.0
START = "import sys; from evalkit.cli.main import main; sys.exit(main())"
ROWS = '{"question": "1+1?", "expected": "2", "output": "2"}\n'


def seconds(words: list[str], folder: str, repeats: int) -> float:
    """Print and return the median wall time of ``evalkit`` with *words*."""
    found: list[float] = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", START, *words], cwd=folder, check=True, capture_output=True
        )
        found.append(time.perf_counter() - began)
    median = statistics.median(found[1:])
    spread = f"from {min(found[1:]):.3f} to {max(found[1:]):.3f}"
    print(f"evalkit {' '.join(words)[:40]:42} median {median:7.3f} s  ({spread})")
    return median


def main() -> None:
    """Print a line for each command and check the bars."""
    parser = argparse.ArgumentParser(description="What a user of the command line waits for.")
    parser.add_argument("--repeats", type=int, default=9, help="Processes for each command.")
    repeats: int = parser.parse_args().repeats

    print(f"Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.jsonl").write_text(ROWS, encoding="utf-8")
        shown = seconds(["--help"], folder, repeats)
        seconds(["scorers", "list"], folder, repeats)
        seconds(["evaluate", "--data", "a.jsonl", "--scorer", "text.bleu"], folder, repeats)
        tour = seconds(["demo"], folder, max(1, repeats // 3))
    assert shown <= HELP_BAR_SECONDS, f"evalkit --help is above {HELP_BAR_SECONDS * 1e3:.0f} ms"
    assert tour <= DEMO_BAR_SECONDS, f"evalkit demo is above {DEMO_BAR_SECONDS:.0f} s"


if __name__ == "__main__":
    main()

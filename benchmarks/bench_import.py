"""Measure what ``import evalkit`` costs, beside its peers where they are installed.

Each import runs in fresh interpreters; the median time of an interpreter that imports nothing is
taken off.  The first start of each is not counted: it writes the compiled files.  Ends with an
error if the median of ``import evalkit`` is above the bar.

    python benchmarks/bench_import.py [--repeats 9] [--peers OTHER_ENVIRONMENT/bin/python]
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version

BAR_SECONDS = 0.150
EVERY_NAME = "import evalkit; [getattr(evalkit, name) for name in evalkit.__all__]"
PEERS = {"pydantic_evals": "pydantic-evals", "mlflow": "mlflow"}


def start_seconds(python: str, statement: str, repeats: int) -> list[float]:
    """Return the wall times of *repeats* interpreters that run *statement*, after one for free."""
    seconds: list[float] = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        subprocess.run([python, "-c", statement], check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def installed(python: str, distribution: str) -> str | None:
    """Return the version of *distribution* beside *python*, if it is there."""
    statement = f"from importlib.metadata import version; print(version({distribution!r}))"
    done = subprocess.run([python, "-c", statement], check=False, capture_output=True, text=True)
    return done.stdout.strip() or None


def cost(python: str, label: str, statement: str, repeats: int) -> float:
    """Print and return the median seconds of *statement* above an empty start of *python*."""
    bare = statistics.median(start_seconds(python, "pass", repeats))
    above = [total - bare for total in start_seconds(python, statement, repeats)]
    median = statistics.median(above)
    spread = f"from {min(above) * 1e3:.1f} to {max(above) * 1e3:.1f}"
    print(f"{label:36} median {median * 1e3:8.1f} ms  ({spread})")
    return median


def main() -> None:
    """Print a line for each import and check the bar."""
    parser = argparse.ArgumentParser(description="What an import costs.")
    parser.add_argument("--repeats", type=int, default=9, help="Interpreters for each import.")
    parser.add_argument("--peers", default=sys.executable, help="The peers' interpreter.")
    options = parser.parse_args()
    repeats: int = options.repeats
    peers: str = options.peers

    print(f"Python {platform.python_version()}, {platform.platform()}; {repeats} starts each")
    ours = f"evalkit {version('evalkit-ai')}"
    median = cost(sys.executable, ours, "import evalkit", repeats)
    cost(sys.executable, f"{ours}, every public name used", EVERY_NAME, repeats)
    for module, distribution in PEERS.items():
        found = installed(peers, distribution)
        if found is None:
            print(f"{distribution:36} not installed")
        else:
            cost(peers, f"{distribution} {found}", f"import {module}", repeats)
    assert median <= BAR_SECONDS, f"import evalkit is above {BAR_SECONDS * 1e3:.0f} ms"


if __name__ == "__main__":
    main()

"""Measure what the pytest plug-in costs where no suite is used.

One test that does nothing is run by fresh interpreters, by turns with the plug-in and with
``-p no:evalkit``; the figure is the median of the paired differences in processor time, which
other programs disturb less than the time on the clock.  It also has to print nothing: the output
of both runs must be equal but for the seconds.  Ends with an error above the bar.

    python benchmarks/bench_pytest.py [--rounds 15]
"""

import argparse
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

BAR_SECONDS = 0.030
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


def spent() -> float:
    """Return the processor time of all finished child processes, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(folder: Path, *options: str) -> tuple[float, str]:
    """Return the seconds of one pytest run in *folder*, and what it printed without times."""
    began = spent()
    done = subprocess.run(
        [*PYTEST, *options], cwd=folder, check=True, capture_output=True, text=True
    )
    seconds = spent() - began
    return seconds, re.sub(r"\d+\.\d+s", "", done.stdout + done.stderr)


def main() -> None:
    """Run pytest with and without the plug-in by turns, and check the bar."""
    parser = argparse.ArgumentParser(description="What the unused pytest plug-in costs.")
    parser.add_argument("--rounds", type=int, default=15, help="Pairs of runs.")
    options = parser.parse_args()

    with_plugin: list[float] = []
    without: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        run(folder)  # writes the compiled files
        for _ in range(options.rounds):
            bare, quiet = run(folder, "-p", "no:evalkit")
            whole, printed = run(folder)
            assert printed == quiet, f"the unused plug-in prints: {printed}"
            without.append(bare)
            with_plugin.append(whole)
    above = [whole - bare for whole, bare in zip(with_plugin, without, strict=True)]
    median = statistics.median(above)
    met = "met" if median <= BAR_SECONDS else "MISSED"
    print(
        f"Python {platform.python_version()}, evalkit {version('evalkit-ai')}, "
        f"pytest {version('pytest')}; {options.rounds} pairs"
    )
    print(f"without the plug-in  median {1e3 * statistics.median(without):7.1f} ms")
    print(f"with it, unused      median {1e3 * statistics.median(with_plugin):7.1f} ms")
    print(
        f"paired difference    median {1e3 * median:7.1f} ms (from {1e3 * min(above):.1f} to "
        f"{1e3 * max(above):.1f}; bar {1e3 * BAR_SECONDS:.0f} ms: {met})"
    )
    assert median <= BAR_SECONDS, "the unused plug-in is above its bar"


if __name__ == "__main__":
    main()

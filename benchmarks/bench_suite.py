"""Measure a pytest suite of 200 cases whose target is an endpoint that takes 100 ms.

The suite runs concurrently, with a limit of 50; the figure is the time of the whole pytest process
less that of the same process with ``--evalkit-skip``, which imports and collects nothing of the
suite.  For comparison the same calls are made one after the other.  Ends with an error above the
bar.

    python benchmarks/bench_suite.py [--rounds 3]
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

from evalkit.testing import ScriptedEndpoint

CASES = 200
LATENCY_SECONDS = 0.1
LIMIT = 50
BAR_SECONDS = 3.0
SERIAL_SECONDS = 20.0
SUITE = """
import json, urllib.request
import evalkit

qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match", "text.token_f1"], name="qa",
                   runtime=evalkit.Runtime(concurrency={limit}))

@qa.cases(must="text.exact_match >= 1")
def test_bot(case):
    request = urllib.request.Request("{url}", json.dumps(case.inputs).encode())
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["output"]

@qa.gates("text.exact_match >= 0.95", "coverage >= 0.98")
def test_quality(evaluation):
    assert len(evaluation) == {cases}
"""


def timed(folder: Path, *options: str) -> tuple[float, str]:
    """Return the seconds of one pytest process in *folder*, and what it printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return time.perf_counter() - began, done.stdout


def serial(url: str) -> float:
    """Return the seconds of the same calls, one after the other."""
    began = time.perf_counter()
    for number in range(CASES):
        request = urllib.request.Request(url, json.dumps({"question": f"q{number}"}).encode())  # noqa: S310
        with urllib.request.urlopen(request) as reply:  # noqa: S310  our own loopback server
            reply.read()
    return time.perf_counter() - began


def main() -> None:
    """Run the suite, and check the bars."""
    parser = argparse.ArgumentParser(description="A suite of 200 cases on a slow endpoint.")
    parser.add_argument("--rounds", type=int, default=3, help="Runs of the suite.")
    options = parser.parse_args()
    rows = [{"id": f"c{n}", "question": f"q{n}", "expected": "ok"} for n in range(CASES)]
    with (
        tempfile.TemporaryDirectory() as name,
        ScriptedEndpoint("ok", latency_seconds=LATENCY_SECONDS) as endpoint,
    ):
        folder = Path(name)
        (folder / "qa.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        suite = SUITE.format(url=endpoint.url, limit=LIMIT, cases=CASES)
        (folder / "test_qa.py").write_text(suite)
        timed(folder)  # writes the compiled files and the store
        whole: list[float] = []
        bare: list[float] = []
        for _ in range(options.rounds):
            bare.append(timed(folder, "--evalkit-skip")[0])
            seconds, printed = timed(folder)
            assert f"{CASES + 3} passed" in printed, printed
            whole.append(seconds)
        peak = endpoint.peak_in_flight
        one_by_one = serial(endpoint.url)
    above = statistics.median(w - b for w, b in zip(whole, bare, strict=True))
    met = "met" if above <= BAR_SECONDS and one_by_one > SERIAL_SECONDS else "MISSED"
    print(
        f"Python {platform.python_version()}, evalkit {version('evalkit-ai')}, "
        f"pytest {version('pytest')}; {options.rounds} rounds, {CASES} cases, "
        f"{1e3 * LATENCY_SECONDS:.0f} ms each, limit {LIMIT}"
    )
    print(f"pytest with the suite     median {statistics.median(whole):6.2f} s")
    print(f"pytest with it skipped    median {statistics.median(bare):6.2f} s")
    print(f"the suite                 median {above:6.2f} s (bar {BAR_SECONDS:g} s: {met})")
    print(f"the calls one by one             {one_by_one:6.2f} s; peak in flight {peak}")
    assert met == "met", "the suite is above its bar"


if __name__ == "__main__":
    main()

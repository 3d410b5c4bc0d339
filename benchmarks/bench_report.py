"""Size and time of an HTML report, and how long chromium takes to open and to search it.

Usage: python benchmarks/bench_report.py [ROWS ...]
"""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import evalkit
from evalkit.evaluation.result import EvaluationResult

WORDS = [f"word{i}" for i in range(4000)]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def made(rows: int) -> EvaluationResult:
    """Evaluate stored answers of about sixty words, in six slices."""
    draw = random.Random(7)  # noqa: S311  texts, not secrets
    data = [
        {
            "id": f"case-{i}",
            "question": f"Question {i}: " + " ".join(draw.choices(WORDS, k=12)),
            "expected": (expected := " ".join(draw.choices(WORDS, k=30))),
            "output": expected[: draw.randrange(len(expected))] + " " + draw.choice(WORDS),
            "topic": f"topic {i % 6}",
        }
        for i in range(rows)
    ]
    return evalkit.evaluate(
        data=data,
        scorers=["text.token_f1", "text.exact_match"],
        gates=["text.token_f1 >= 0.4"],
        name=f"{rows} rows",
        runtime=evalkit.Runtime(store=False, progress=False),
    )


@contextmanager
def chromium(folder: Path) -> Generator[str | None]:
    """Start a browser and give the address of its WebDriver session; ``None`` without one."""
    driver = shutil.which("chromedriver")
    if driver is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL) as process:
        try:
            root = f"http://127.0.0.1:{port}"
            wait_for(port)
            options = {"args": [*FLAGS, f"--user-data-dir={folder / 'profile'}"]}
            wanted = {"goog:chromeOptions": options, "timeouts": {"script": 300_000}}
            session = call(root, "/session", {"capabilities": {"alwaysMatch": wanted}})
            yield f"{root}/session/{session['sessionId']}"
            call(f"{root}/session/{session['sessionId']}", "", None, method="DELETE")
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    """Wait until something listens at *port*."""
    for _ in range(1000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError("chromedriver does not answer")


def call(root: str, path: str, content: Any, *, method: str = "POST") -> Any:
    """Send one WebDriver command and return its value."""
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(root + path, data, method=method)  # noqa: S310  loopback
    with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
        return json.loads(answer.read())["value"]


def run(session: str, script: str, *arguments: Any) -> Any:
    """Run a script in the page; it calls its last argument when it is done."""
    return call(session, "/execute/async", {"script": script, "args": list(arguments)})


READY = """
const done = arguments[0];
const ask = () => {
  const found = performance.getEntriesByName("evalkit-ready");
  if (found.length) done(found[0].startTime); else setTimeout(ask, 5);
};
ask();
"""
SEARCH = """
const [text, done] = arguments;
performance.clearMeasures();
const box = document.querySelector("#cases input");
box.value = text;
box.dispatchEvent(new Event("input"));
const ask = () => {
  const found = performance.getEntriesByName("evalkit-search");
  if (found.length) done([found[0].duration, document.querySelector("#cases .state").textContent]);
  else setTimeout(ask, 5);
};
ask();
"""


def measure(rows: int, session: str | None, folder: Path) -> None:
    """Write and open one report and print the figures."""
    result = made(rows)
    _ = result.estimates, result.verdict
    began = time.perf_counter()
    path = result.report(folder / f"{rows}.html")
    seconds = time.perf_counter() - began
    print(f"{rows:>9,} rows: {path.stat().st_size / 1e6:.2f} MB, written in {seconds:.2f} s")
    if session is None:
        print("            (no chromedriver: not opened)")
        return
    call(session, "/url", {"url": path.as_uri()})
    print(f"            ready {run(session, READY):.0f} ms after navigation")
    first, _ = run(session, SEARCH, "word77")
    print(f"            first search {first:.0f} ms (unpacks what is still packed)")
    for text in ("word123 word7", f'"question {rows // 2}:"', "no such text"):
        again, found = run(session, SEARCH, text)
        print(f"            search {text!r}: {again:.0f} ms, {found}")


def main() -> None:
    """Measure the sizes given on the command line, or 1,000 and 100,000 rows."""
    sizes = [int(text) for text in sys.argv[1:]] or [1_000, 100_000]
    with tempfile.TemporaryDirectory() as name, chromium(Path(name)) as session:
        for rows in sizes:
            measure(rows, session, Path(name))


if __name__ == "__main__":
    main()

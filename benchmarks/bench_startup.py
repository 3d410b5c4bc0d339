"""Measure what starting costs: the first import, the first evaluation, opening a result.

Each is a fresh process, measured in processor time (its own and that of its children), which other
programs on the machine disturb least; the smallest of several rounds counts, and the time of an
interpreter that does nothing is taken off.  Modules are compiled once, into a folder of its own, as
an installation does it, whatever ``PYTHONDONTWRITEBYTECODE`` says.  Beside them stand the imports
of numpy, Arrow and SQLAlchemy, in the same rounds: a machine that is slower for all shows in the
ratios.  Ends with an error where a bar is missed.

With a store, a third of the first evaluation is SQLAlchemy's own import, which no change here can
take away, and how long that takes differs by machine: its bar is a ratio to the imports of the
three libraries in the same rounds.  Before there was a bar it took 2.8 of them (1,171 ms), and 0.53
of that (from 0.94 s to 0.5 s on another machine) is 1.5.

    python benchmarks/bench_startup.py [--rounds 7]
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

IMPORT = "from evalkit import evaluate, scorer"
EVALUATION = """
import sys
from evalkit import Runtime, evaluate
rows = [
    {"question": f"q{i}?", "expected": f"City {i}", "output": f"City {i if i % 3 else 0}"}
    for i in range(int(sys.argv[1]))
]
store = sys.argv[2] and f"sqlite:///{sys.argv[2]}"
result = evaluate(
    data=rows,
    scorers="text.exact_match",
    gates="text.exact_match >= 0.5",
    runtime=Runtime(store=store or False),
)
print(result.folder.path)
"""
OPENING = """
import sys
from evalkit import EvaluationResult
result = EvaluationResult.load(sys.argv[1])
assert result.verdict.status == "PASS"
assert result.estimates
"""
BARS = {"first import": 0.150, "first evaluation": 0.5, "opening a result": 0.150}
BARS_IN_LIBRARIES = {"first evaluation, with a store": 1.5}
LIBRARIES = ("import numpy", "import pyarrow.parquet", "import sqlalchemy")
ROWS, OPENED_ROWS = 500, 1000


def cpu_seconds(compiled: str, statement: str, *arguments: str) -> float:
    """Run *statement* in a fresh interpreter and return the processor time that it took."""
    command = [sys.executable, "-c", statement, *arguments]
    settings = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=settings) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, statement
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print a line for each beginning and check the bars."""
    parser = argparse.ArgumentParser(description="What starting costs.")
    parser.add_argument("--rounds", type=int, default=7, help="Fresh processes for each.")
    rounds: int = parser.parse_args().rounds

    with tempfile.TemporaryDirectory() as folder:
        made = [sys.executable, "-c", EVALUATION, str(OPENED_ROWS), f"{folder}/opened.db"]
        done = subprocess.run(made, check=True, capture_output=True, text=True)
        opened = done.stdout.strip()
        least: dict[str, float] = {}
        for number in range(rounds):
            database = str(Path(folder) / f"{number}.db")
            contestants = {
                "nothing": ("pass",),
                "import numpy": ("import numpy",),
                "import pyarrow.parquet": ("import pyarrow.parquet",),
                "import sqlalchemy": ("import sqlalchemy",),
                "first import": (IMPORT,),
                "first evaluation": (EVALUATION, str(ROWS), ""),
                "first evaluation, with a store": (EVALUATION, str(ROWS), database),
                "opening a result": (OPENING, opened),
            }
            for name, command in contestants.items():
                least[name] = min(
                    least.get(name, float("inf")), cpu_seconds(f"{folder}/compiled", *command)
                )

    libraries = ("evalkit-ai", "numpy", "pyarrow", "sqlalchemy")
    print(f"Python {platform.python_version()}, {platform.platform()}; least of {rounds}")
    print(", ".join(f"{name} {version(name)}" for name in libraries))
    print(f"{ROWS} rows are evaluated, a result of {OPENED_ROWS:,} cases is opened")
    bare = least.pop("nothing")
    numpy = least["import numpy"] - bare
    together = sum(least[name] - bare for name in LIBRARIES)
    bars = BARS | {name: ratio * together for name, ratio in BARS_IN_LIBRARIES.items()}
    for name, seconds in least.items():
        above = seconds - bare
        bar = bars.get(name)
        beside = "" if bar is None else f"  bar {bar * 1e3:4.0f} ms"
        print(f"{name:32} {above * 1e3:7.1f} ms  {above / numpy:5.1f} × numpy{beside}")
    for name, bar in bars.items():
        assert least[name] - bare <= bar, f"{name} is above {bar * 1e3:.0f} ms"


if __name__ == "__main__":
    main()

"""Measure reading and spooling: microseconds a row, and peak memory as the data grows.

Ends with an error where a bar is missed.  Each figure is processor time (of all threads), so that
other programs on the machine do not count, and the best of several runs in this process; memory is
measured in fresh ones.

    python benchmarks/bench_spool.py [--rows 100000] [--repeats 5] [--no-memory]
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from evalkit.data.columns import Mapper
from evalkit.data.open import open_data
from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool
from evalkit.data.table import transposed
from evalkit.entities.dataset import Chunk

READ_BAR = 1.5
MAP_BAR = 2.0
SPOOL_BAR = 6.0
MEMORY_BAR = 3.0
# Linux counts the peak of the parent, too, in a child's ru_maxrss; VmHWM starts anew.
PEAK = """
import re, sys
from pathlib import Path
from evalkit.data.spool import spool
spool(sys.argv[1], sys.argv[2])
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def row(number: int) -> dict[str, str]:
    """Return a row of a small question with a reference and an answer."""
    return {
        "question": f"What is the capital of country number {number}?",
        "expected": f"City {number}",
        "output": f"It is City {number}.",
    }


def best(work: Callable[[], object], rows: int, repeats: int) -> float:
    """Return the microseconds a row of the best of *repeats* runs."""
    seconds: list[float] = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds) / rows * 1e6


def line(label: str, figure: float, bar: float | None = None) -> None:
    """Print one figure and check its bar."""
    print(f"{label:44} {figure:8.2f} us/row" + (f"   (bar {bar})" if bar else ""))
    assert bar is None or figure <= bar, f"{label} is above its bar"


def read(data: object) -> None:
    """Read all rows of *data* and keep none."""
    for _ in open_data(data).chunks:
        pass


def spooled(data: object) -> Spool:
    """Spool *data* into a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        return spool(data, folder)


def iterate(found: Spool) -> None:
    """Decode inputs, outputs and expectations of every case."""
    for batch in found.batches():
        assert len(batch.inputs) == len(batch.outputs) == len(batch.expectations)


def peak_megabytes(rows: int, folder: Path) -> int:
    """Return the peak memory of a fresh process that spools *rows* rows from Parquet."""
    path = folder / f"{rows}.parquet"

    def tables() -> Iterator[pa.Table]:
        for start in range(0, rows, 50_000):
            yield pa.Table.from_pylist([row(n) for n in range(start, min(start + 50_000, rows))])

    first = next(tables())
    with pq.ParquetWriter(path, first.schema) as writer:
        for table in tables():
            writer.write_table(table)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path), str(folder / f"spool-{rows}")],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


def main() -> None:
    """Print a line for each figure and check the bars."""
    parser = argparse.ArgumentParser(description="What reading and spooling cost.")
    parser.add_argument("--rows", type=int, default=100_000, help="Rows for each run.")
    parser.add_argument("--repeats", type=int, default=5, help="Runs for each figure.")
    parser.add_argument("--no-memory", action="store_true", help="Leave out peak memory.")
    options = parser.parse_args()
    count: int = options.rows
    repeats: int = options.repeats
    rows = [row(number) for number in range(count)]
    print(f"Python {platform.python_version()}, {platform.platform()}; best of {repeats}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jsonl, parquet = folder / "a.jsonl", folder / "a.parquet"
        jsonl.write_text("".join(json.dumps(r) + "\n" for r in rows))
        frame = pd.DataFrame(rows)
        frame.to_parquet(parquet)
        frame.to_csv(folder / "a.csv", index=False)
        mapper, table = Mapper(), transposed(Chunk(rows=rows), 1)
        line(
            "map a flat table of three columns",
            best(lambda: mapper.fields(table), count, repeats),
            MAP_BAR,
        )
        line("read JSON Lines", best(lambda: read(jsonl), count, repeats), READ_BAR)
        line("read Parquet", best(lambda: read(parquet), count, repeats))
        line("read CSV", best(lambda: read(folder / "a.csv"), count, repeats))
        line("read a pandas frame", best(lambda: read(frame), count, repeats))
        line("spool mappings", best(lambda: spooled(rows), count, repeats), SPOOL_BAR)
        line("spool JSON Lines", best(lambda: spooled(jsonl), count, repeats))
        line("spool Parquet", best(lambda: spooled(parquet), count, repeats))
        found = spool(rows, folder / "spool")
        line("read cases back, decoded", best(lambda: iterate(found), count, repeats))
        if not options.no_memory:
            small, large = (peak_megabytes(n, folder) for n in (100_000, 1_000_000))
            print(f"peak memory from Parquet: {small} MB at 100,000 rows, {large} MB at 1,000,000")
            assert large <= MEMORY_BAR * small, "peak memory is above its bar"


if __name__ == "__main__":
    main()

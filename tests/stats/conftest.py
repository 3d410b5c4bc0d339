"""What the checks of statistics share: published data, and equality to the last printed digit."""

import csv
import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

ROOT = Path(__file__).resolve().parents[2]

Equal = Callable[[float | None, str], bool]


@pytest.fixture(scope="session")
def as_printed() -> Equal:
    """Tell whether a number equals a printed one to the last digit that is printed."""

    def equal(value: float | None, printed: str) -> bool:
        unit = 10.0 ** int(Decimal(printed).as_tuple().exponent)
        return value is not None and abs(value - float(printed)) <= 0.5000001 * unit

    return equal


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data sets."""
    folder = Path(os.environ.get("EVALKIT_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no published data: EVALKIT_SHARED_DATA names no folder")
    return folder


@pytest.fixture(scope="session")
def gsm8k(shared_data: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Whether each of four models solved each of 1,319 problems, in the order stored."""
    with (shared_data / "gsm8k/correctness.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    models = [name for name in rows[0] if name != "item"]
    return {name: np.array([float(row[name]) for row in rows]) for name in models}


@pytest.fixture(scope="session")
def tau_bench(shared_data: Path) -> npt.NDArray[np.float64]:
    """Rewards of 50 tasks in 4 trials each."""
    rewards = np.full((50, 4), np.nan)
    with (shared_data / "tau_bench/rewards.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rewards[int(row["task_id"]), int(row["trial"])] = float(row["reward"])
    return rewards


@pytest.fixture(scope="session")
def mtbench(shared_data: Path) -> dict[str, list[dict[str, Any]]]:
    """Human votes and GPT-4's verdicts on pairs of answers."""
    folder = shared_data / "mtbench_human"
    return {
        name: [
            json.loads(line)
            for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        for name in ("human", "gpt4_pair")
    }

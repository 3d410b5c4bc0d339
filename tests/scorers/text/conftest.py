"""What tests of text scorers share: a batch of outputs and references, and the published data."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalkit.plugin import CaseBatch

MakeBatch = Callable[[Sequence[Any], Sequence[Any]], CaseBatch]


def make_batch(outputs: Sequence[Any], references: Sequence[Any]) -> CaseBatch:
    expectations = [{} if one is None else {"expected_response": one} for one in references]
    return CaseBatch({"outputs": outputs, "expectations": expectations}, length=len(outputs))


@pytest.fixture(scope="session")
def batch() -> MakeBatch:
    return make_batch


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data; set EVALKIT_SHARED_DATA where it lies elsewhere."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    folder = Path(os.environ.get("EVALKIT_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no published data at {folder}; name its folder in EVALKIT_SHARED_DATA")
    return folder

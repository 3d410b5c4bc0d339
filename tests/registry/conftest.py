from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit import tracking


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path) -> Iterator[None]:
    """Give each test a store of its own and leave no choice behind."""
    tracking.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    yield
    while tracking.active_run() is not None:
        tracking.end_run()
    tracking.set_experiment(None)
    tracking.set_tracking_uri(None)

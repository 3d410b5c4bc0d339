"""What the tests of data share: a way to spool rows into a fresh folder."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool

Spooled = Callable[..., Spool]


@pytest.fixture
def spooled(tmp_path: Path) -> Spooled:
    folders = count()

    def make(data: Any, **settings: Any) -> Spool:
        return spool(data, tmp_path / f"spool-{next(folders)}", **settings)

    return make

"""Every test of evaluations works in a folder, and so a store, of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit.tracking import set_tracking_uri


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder; the store is made there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVALKIT_TRACKING_URI", raising=False)
    set_tracking_uri(None)
    yield tmp_path
    set_tracking_uri(None)

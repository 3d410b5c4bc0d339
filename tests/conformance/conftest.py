"""What conformance tests share: the published data, and a folder of their own."""

import json
import os
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder; nothing is stored."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data; set EVALKIT_SHARED_DATA where it lies elsewhere."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    found = Path(os.environ.get("EVALKIT_SHARED_DATA", beside))
    if not found.is_dir():
        pytest.skip(f"no published data at {found}; name its folder in EVALKIT_SHARED_DATA")
    return found


@pytest.fixture(scope="session")
def published(shared_data: Path) -> list[dict[str, Any]]:
    """The rows of ``published_expectations.json``."""
    rows: list[dict[str, Any]] = json.loads(
        (shared_data / "published_expectations.json").read_text(encoding="utf-8")
    )
    return rows

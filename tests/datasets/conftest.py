"""What the tests of sources share: all rows that a source yields."""

from collections.abc import Callable
from typing import Any

import pytest

from evalkit.entities.dataset import Chunk, DatasetSource

ReadAll = Callable[..., list[Any]]


@pytest.fixture
def read_all() -> ReadAll:
    def read(source: DatasetSource, data: Any, chunk_rows: int = 8192) -> list[Any]:
        chunks: list[Chunk] = list(source.read(data, chunk_rows=chunk_rows))
        assert all(0 < len(chunk.rows) <= chunk_rows for chunk in chunks)
        return [row for chunk in chunks for row in chunk.rows]

    return read

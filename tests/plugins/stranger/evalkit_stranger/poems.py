"""Poems: files of verses, one question and answer each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.plugin import Chunk, DataError


class Poems:
    """Reads ``.poem`` files: on each line an output and a reference, with a slash between."""

    name = "poem"
    extensions = (".poem",)
    schemes = ()

    def accepts(self, data: object) -> bool:
        """Say no: poems lie in files."""
        del data
        return False

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the verses of the file *data*."""
        path = Path(data)
        lines = path.read_text(encoding="utf-8").splitlines()
        for start in range(0, len(lines), chunk_rows):
            numbers = range(start + 1, min(start + chunk_rows, len(lines)) + 1)
            rows = [self._row(path, number, lines[number - 1]) for number in numbers]
            yield Chunk(rows=rows, file=str(path), lines=numbers)

    def _row(self, path: Path, number: int, line: str) -> dict[str, Any]:
        verse, slash, reference = line.partition(" / ")
        if not slash:
            raise DataError("there is no ' / ' in the verse", file=str(path), line=number)
        expected = {"expected_response": reference}
        return {"inputs": {"verse": number}, "outputs": verse, "expectations": expected}

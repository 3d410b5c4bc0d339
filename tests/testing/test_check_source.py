"""The contract suite of data sources finds each broken law, and says so."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalkit.hooks.catalog import catalog
from evalkit.plugin import Chunk
from evalkit.testing import check_source


class Numbers:
    """Reads ranges, and keeps every law; the others break one each."""

    name = "numbers"
    extensions: Sequence[str] = ()
    schemes: Sequence[str] = ("range",)

    def accepts(self, data: object) -> bool:
        return isinstance(data, range | list)

    def rows(self, data: Any) -> list[Any]:
        return [{"n": number} for number in data]

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        rows = self.rows(data)
        for start in range(0, len(rows), chunk_rows):
            part: list[Mapping[str, Any]] = rows[start : start + chunk_rows]
            yield Chunk(rows=part, lines=range(start + 1, start + 1 + len(part)))


class Greedy(Numbers):
    def accepts(self, data: object) -> bool:
        del data
        return True


class Whole(Numbers):
    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        del chunk_rows
        yield Chunk(rows=self.rows(data))


class Dropping(Numbers):
    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        for chunk in super().read(data, chunk_rows=chunk_rows):
            if chunk_rows > 2 or len(chunk.rows) == chunk_rows:
                yield chunk


class Consuming(Numbers):
    def rows(self, data: Any) -> list[Any]:
        return [{"n": data.pop()} for _ in range(len(data) - 1)]


class Changing(Numbers):
    def rows(self, data: Any) -> list[Any]:
        rows = [{"n": int(number)} for number in data]
        data[:] = map(float, data)
        return rows


class Positional(Numbers):
    def rows(self, data: Any) -> list[Any]:
        return [(number,) for number in data]


class Numbered(Numbers):
    def rows(self, data: Any) -> list[Any]:
        return [{0: number} for number in data]


class Objects(Numbers):
    def rows(self, data: Any) -> list[Any]:
        return [{"n": object()} for _ in data]


class Unlined(Numbers):
    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        for chunk in super().read(data, chunk_rows=chunk_rows):
            yield Chunk(rows=chunk.rows, lines=list(chunk.lines or ())[::-1])


class Dotless(Numbers):
    extensions = ("num",)


class Loud(Numbers):
    schemes = ("RANGE:",)


def test_a_source_that_keeps_the_laws_passes() -> None:
    check_source(Numbers(), range(5))


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (Greedy(), "declares what it reads"),
        (Dotless(), "declares what it reads"),
        (Loud(), "declares what it reads"),
        (Whole(), "never holds all rows"),
        (Dropping(), "yields the same rows in chunks of any size"),
        (Consuming(), "yields the same rows each time"),
        (Changing(), "leaves the data as it is"),
        (Positional(), "yields mappings"),
        (Numbered(), "names columns by texts"),
        (Objects(), "yields what JSON can hold"),
        (Unlined(), "numbers its lines"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_broken_law_is_named(broken: Numbers, law: str) -> None:
    with pytest.raises(AssertionError, match=f"Source 'numbers' breaks the law '{law}'"):
        check_source(broken, [1, 2, 3])


def test_a_file_without_a_declared_extension_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="neither extension nor scheme"):
        check_source(Numbers(), tmp_path / "numbers.txt")


def test_one_row_is_too_little_to_check() -> None:
    with pytest.raises(ValueError, match="at least two rows"):
        check_source(Numbers(), range(1))


ROWS = [{"question": f"q{n}", "answer": n} for n in range(7)]


@pytest.mark.parametrize("name", ["rows", "pandas", "pyarrow", "polars", "jsonl", "json", "csv"])
def test_first_party_sources_keep_the_laws(name: str, tmp_path: Path) -> None:
    check_source(catalog().datasets[name].item, _data(name, tmp_path))


def _data(name: str, folder: Path) -> Any:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    frame = pd.DataFrame(ROWS)
    path = folder / f"data.{name}"
    match name:
        case "pandas":
            return frame
        case "pyarrow":
            return pa.Table.from_pylist(ROWS)
        case "polars":
            return pl.DataFrame(ROWS)
        case "jsonl":
            path.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
        case "json":
            path.write_text(json.dumps(ROWS), encoding="utf-8")
        case "csv":
            frame.to_csv(path, index=False)
        case _:
            return ROWS
    return path

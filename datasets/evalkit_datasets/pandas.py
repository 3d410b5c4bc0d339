"""pandas frames, without importing pandas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.plugin import Chunk, DataError


@dataclass(frozen=True, slots=True)
class PandasFrame:
    """Reads a pandas DataFrame; its index is not read."""

    name: str = "pandas"
    extensions: Sequence[str] = ()
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:
        """Say whether *data* is a pandas DataFrame, by the name of its type."""
        return any(
            kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"
            for kind in type(data).__mro__
        )

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows.

        Raises:
            DataError: If two columns have one name.
        """
        names = column_names(data)
        dtypes = {
            name: str(kind)
            for name, kind in zip(names, data.dtypes, strict=True)
            if str(kind) not in {"object", "str", "string"}
        }
        whole = [holds_whole_numbers(data.iloc[:, place]) for place in range(len(names))]
        for start in range(0, len(data), chunk_rows):
            part = data.iloc[start : start + chunk_rows]
            columns = [plain_values(part.iloc[:, at], whole=whole[at]) for at in range(len(names))]
            rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
            yield Chunk(rows=rows, dtypes=dtypes)


def column_names(frame: Any) -> list[str]:
    """Return the names of the columns as texts.

    Raises:
        DataError: If two are alike.
    """
    names = [
        ".".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns
    ]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise DataError("two columns have this name", column=name)
    return names


def holds_whole_numbers(series: Any) -> bool:
    """Say whether a column of floats is one of integers that has missing values.

    pandas turns integers into floats where one is missing; read as integers, the data is the same
    as in every other format.
    """
    if series.dtype.kind != "f" or not series.hasnans:
        return False
    known = series.dropna()
    return bool(len(known)) and bool(((known % 1) == 0).all())


def plain_values(series: Any, *, whole: bool) -> list[Any]:
    """Return the values of a column as Python's, shape ``(n,)``; ``None`` where missing."""
    missing = series.isna()
    if not missing.any():
        values: list[Any] = series.tolist()
        return values
    values = series.astype(object).tolist()
    gone = missing.tolist()
    if whole:
        return [None if no else int(v) for v, no in zip(values, gone, strict=True)]
    return [None if no else v for v, no in zip(values, gone, strict=True)]

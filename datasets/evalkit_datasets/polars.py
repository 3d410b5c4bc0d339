"""polars frames, without importing polars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evalkit.plugin import Chunk

_DTYPES: Final = {"Boolean": "bool", "Categorical": "category", "Enum": "category"}
_NUMBERS: Final = ("Int", "UInt", "Float")


@dataclass(frozen=True, slots=True)
class PolarsFrame:
    """Reads a polars DataFrame, or a LazyFrame, which is collected."""

    name: str = "polars"
    extensions: Sequence[str] = ()
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:
        """Say whether *data* is a polars frame, by the name of its type."""
        return type(data).__module__.partition(".")[0] == "polars" and type(data).__name__ in {
            "DataFrame",
            "LazyFrame",
        }

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows."""
        frame = data.collect() if type(data).__name__ == "LazyFrame" else data
        dtypes = {
            name: pandas for name, kind in frame.schema.items() if (pandas := pandas_type(kind))
        }
        for part in frame.iter_slices(chunk_rows):
            yield Chunk(rows=part.to_dicts(), dtypes=dtypes)


def pandas_type(kind: Any) -> str | None:
    """Return the pandas name of a polars type that JSON would lose, else ``None``."""
    name = str(kind).partition("(")[0]
    if name.startswith(_NUMBERS):
        return name.lower()
    return _DTYPES.get(name)

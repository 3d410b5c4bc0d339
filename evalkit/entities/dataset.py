"""Where cases come from: the protocol of data sources, and what they yield."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some consecutive rows of a source."""

    rows: Sequence[Mapping[str, Any]]
    """Rows as mappings of column to value, or of case field to value; in order."""

    file: str | None = None
    """File that the rows come from, as the user named it."""

    lines: Sequence[int] | None = None
    """Line (or row) of each row in that file, counted from 1."""

    dtypes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Column types that JSON would lose, as pandas names them (``category``, ``int32``)."""

    def __post_init__(self) -> None:
        kind = type(self.file).__name__
        if not isinstance(self.file, (str, type(None))):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the file of a Chunk must be a text, got {kind}")
        if self.lines is not None and len(self.lines) != len(self.rows):
            raise ValueError(f"a Chunk of {len(self.rows)} rows has {len(self.lines)} lines")
        if self.lines is not None and not all(isinstance(x, Integral) for x in self.lines):
            raise TypeError("the lines of a Chunk must be whole numbers")


@runtime_checkable
class DatasetSource(Protocol):
    """Reads one kind of data.

    A source is chosen by file extension, by scheme, or by `accepts` for objects in memory.
    """

    @property
    def name(self) -> str:
        """Name in the catalog, such as ``jsonl``."""
        ...

    @property
    def extensions(self) -> Sequence[str]:
        """File extensions with their dot, such as ``.jsonl``, or file name patterns with ``*``."""
        ...

    @property
    def schemes(self) -> Sequence[str]:
        """URI schemes without colon, such as ``hf``."""
        ...

    def accepts(self, data: object) -> bool:
        """Say whether *data* is an object in memory that this source reads; must be cheap.

        It must not import the library of *data*: look at the type's module and name.  A plug-in's
        source is asked before evalkit's own.
        """
        ...

    def read(self, data: Any, *, chunk_rows: int) -> Iterable[Chunk]:
        """Yield the rows of *data* in order, about *chunk_rows* at a time, never all at once.

        Args:
            data: A path (``pathlib.Path``), a URI (``str``) or the object that was accepted.
            chunk_rows: Rows a chunk, at least 1.

        Raises:
            DataError: If the data cannot be read; names file, line and column.
        """
        ...

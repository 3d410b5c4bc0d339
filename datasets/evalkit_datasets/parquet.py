"""Parquet files, one batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.plugin import Chunk, DataError
from evalkit_datasets.arrow import pandas_types, rows_of


@dataclass(frozen=True, slots=True)
class Parquet:
    """Reads Parquet files of any size; rows are numbered from 1."""

    name: str = "parquet"
    extensions: Sequence[str] = (".parquet", ".pq")
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:  # noqa: ARG002  files only
        """Return false: objects in memory have sources of their own."""
        return False

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows of the file.

        Raises:
            DataError: If it is not Parquet, or two columns have one name.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        name = str(Path(data))
        try:
            with pq.ParquetFile(data, pre_buffer=False) as file:
                dtypes = pandas_types(file.schema_arrow, name)
                for batch in file.iter_batches(batch_size=chunk_rows, use_threads=False):
                    yield Chunk(rows=rows_of(batch), file=name, dtypes=dtypes)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            said = str(error).partition("\n")[0]
            raise DataError(f"this Parquet file cannot be read: {said}", file=name) from error

"""Hugging Face datasets: objects in memory, and ``hf:`` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.plugin import Chunk, DataError, require


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """Reads ``hf:owner/name@config``, and the library's datasets, streamed ones too.

    Where there are several splits, each row says which one it is of: choose one by ``split=``.
    """

    name: str = "huggingface"
    extensions: Sequence[str] = ()
    schemes: Sequence[str] = ("hf",)

    def accepts(self, data: object) -> bool:
        """Say whether *data* is a dataset, or a mapping of splits to datasets."""
        return type(data).__module__.partition(".")[0] == "datasets"

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows of every split.

        Raises:
            DataError: If an ``hf:`` name has no such data set, config or file.
            MissingExtraError: If an ``hf:`` name is given and the library is not installed.
        """
        file = None
        if isinstance(data, str):
            file, data = data, load(data)
        parts = data.items() if isinstance(data, Mapping) else [(None, data)]
        for split, part in parts:
            plain = part.with_format(None) if hasattr(part, "with_format") else part
            number = 1
            for batch in plain.iter(batch_size=chunk_rows):
                names = list(batch)
                rows = [
                    dict(zip(names, row, strict=True)) for row in zip(*batch.values(), strict=True)
                ]
                if split is not None:
                    rows = [{**row, "split": str(split)} for row in rows]
                name = file if split is None or file is None else f"{file} ({split})"
                yield Chunk(rows=rows, file=name, lines=range(number, number + len(rows)))
                number += len(rows)


def load(uri: str) -> Any:
    """Return the data set that ``hf:owner/name@config`` names, from the library's cache or hub.

    Raises:
        DataError: If there is none.
        MissingExtraError: If the library is not installed.
    """
    library = require("datasets", extra="huggingface")
    name, _, config = uri.partition(":")[2].removeprefix("//").partition("@")
    if not name:
        raise DataError("name a data set, as in hf:owner/name or hf:owner/name@config", file=uri)
    try:
        return library.load_dataset(name, config or None)
    except (FileNotFoundError, ValueError, ConnectionError) as error:
        said = str(error).partition("\n")[0]
        raise DataError(f"the data set cannot be loaded: {said}", file=uri) from error

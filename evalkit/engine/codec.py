"""Score columns as bytes: a JSON header, then the arrays as they lie in memory."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.scoring.column import ScoreColumn, column_of, column_parts

if TYPE_CHECKING:
    import numpy.typing as npt

_HEADER: Final = struct.Struct("<I")


def encode_columns(columns: Mapping[str, ScoreColumn]) -> bytes:
    """Return *columns* as bytes; `decode_columns` gives back equal ones, to the last bit."""
    arrays: list[npt.NDArray[Any]] = []
    # Lists of pairs: JSON sorts mappings, and the arrays lie in the order of the columns.
    headers = [
        (key, column.binary, [(n, _place(p, arrays)) for n, p in column_parts(column).items()])
        for key, column in columns.items()
    ]
    header = canonical_json(headers)
    return b"".join([_HEADER.pack(len(header)), header, *(array.tobytes() for array in arrays)])


def _place(part: Any, arrays: list[npt.NDArray[Any]]) -> dict[str, Any]:
    """Append an array to what follows the header; texts and mappings stand in the header."""
    if isinstance(part, Mapping):
        return {"rows": list(part), "cells": list(part.values())}
    if part.dtype == object:
        return {"texts": part.tolist()}
    arrays.append(part)
    return {"dtype": part.dtype.str, "shape": part.shape}


def decode_columns(data: bytes) -> dict[str, ScoreColumn]:
    """Return the columns that `encode_columns` wrote."""
    import numpy as np

    (length,) = _HEADER.unpack_from(data)
    offset = _HEADER.size + length

    def part(place: Mapping[str, Any]) -> Any:
        nonlocal offset
        if "rows" in place:
            return dict(zip(place["rows"], place["cells"], strict=True))
        if "texts" in place:
            texts = np.empty(len(place["texts"]), dtype=object)
            texts[:] = place["texts"]
            return texts
        shape = place["shape"]
        array = np.frombuffer(data, place["dtype"], math.prod(shape), offset)
        offset += array.nbytes
        return array.reshape(shape).copy()

    return {
        key: column_of({name: part(place) for name, place in places}, binary=binary)
        for key, binary, places in parse_json(data[_HEADER.size : offset])
    }

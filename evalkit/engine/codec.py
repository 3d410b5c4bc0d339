"""Score columns as bytes: a JSON header, then the arrays as they lie in memory."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.scoring.column import Additive, Rows, ScoreColumn, Statistics

if TYPE_CHECKING:
    import numpy.typing as npt

_HEADER: Final = struct.Struct("<I")
_SPARSE: Final = ("labels", "reasons", "explanations", "metadata")


def encode_columns(columns: Mapping[str, ScoreColumn]) -> bytes:
    """Return *columns* as bytes; `decode_columns` gives back equal ones, to the last bit."""
    arrays: list[npt.NDArray[Any]] = []
    headers = {key: _header(column, arrays) for key, column in columns.items()}
    header = canonical_json(headers)
    return b"".join([_HEADER.pack(len(header)), header, *(array.tobytes() for array in arrays)])


def _header(column: ScoreColumn, arrays: list[npt.NDArray[Any]]) -> dict[str, Any]:
    header: dict[str, Any] = {
        "n": len(column),
        "binary": column.binary,
        "values": _place(column.values, arrays),
        "status": _place(column.status, arrays),
    }
    if column.weights is not None:
        header["weights"] = _place(column.weights, arrays)
    for name in _SPARSE:
        found: dict[int, Any] = getattr(column, name)
        if found:
            header[name] = [list(found), list(found.values())]
    if isinstance(column.statistics, Additive):
        header["additive"] = _place(column.statistics.vectors, arrays)
    elif isinstance(column.statistics, Rows):
        header["rows"] = [
            [name, _place(array, arrays)] for name, array in column.statistics.columns.items()
        ]
    return header


def _place(array: npt.NDArray[Any], arrays: list[npt.NDArray[Any]]) -> Any:
    """Append *array* to what follows the header, or write its texts into the header."""
    if array.dtype == object:
        return {"texts": array.tolist()}
    arrays.append(array)
    return {"dtype": array.dtype.str, "shape": array.shape}


def decode_columns(data: bytes) -> dict[str, ScoreColumn]:
    """Return the columns that `encode_columns` wrote."""
    (length,) = _HEADER.unpack_from(data)
    headers = parse_json(data[_HEADER.size : _HEADER.size + length])
    reader = _Reader(data, _HEADER.size + length)
    return {key: _column(header, reader) for key, header in headers.items()}


class _Reader:
    """Takes arrays from a buffer in the order in which they were placed."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data = data
        self._offset = offset

    def take(self, place: Mapping[str, Any]) -> npt.NDArray[Any]:
        import numpy as np

        if "texts" in place:
            texts = np.empty(len(place["texts"]), dtype=object)
            texts[:] = place["texts"]
            return texts
        dtype, shape = np.dtype(place["dtype"]), tuple(place["shape"])
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(self._data, dtype=dtype, count=count, offset=self._offset)
        self._offset += array.nbytes
        return array.reshape(shape).copy()


def _column(header: Mapping[str, Any], reader: _Reader) -> ScoreColumn:
    column = ScoreColumn(
        reader.take(header["values"]), reader.take(header["status"]), binary=header["binary"]
    )
    if "weights" in header:
        column.weights = reader.take(header["weights"])
    for name in _SPARSE:
        if name in header:
            setattr(column, name, dict(zip(*header[name], strict=True)))
    column.statistics = _statistics(header, reader)
    return column


def _statistics(header: Mapping[str, Any], reader: _Reader) -> Statistics | None:
    if "additive" in header:
        return Additive(reader.take(header["additive"]))
    if "rows" in header:
        return Rows({name: reader.take(place) for name, place in header["rows"]})
    return None

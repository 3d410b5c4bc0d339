"""Arrow arrays made of their buffers, and read from them.

``pyarrow.array`` and ``to_numpy`` import pandas, to see whether they deal with a thing of pandas,
which takes longer than a small evaluation does.  What is made here is equal to what they make.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Generator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit._internal.surrogates import without_surrogates
from evalkit.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@contextlib.contextmanager
def reading_parquet(path: Path) -> Generator[None]:
    """Have a Parquet file that is cut off or spoilt be one clear error where it is read.

    Raises:
        DataError: Naming *path*.
    """
    import pyarrow as pa

    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        why = str(error).partition("\n")[0].rstrip(".")
        problem = f"this file cannot be read, bring it back from a copy: {why}"
        raise DataError(problem, file=str(path)) from error


def text_array(cells: Sequence[str | bytes | None]) -> pa.StringArray:
    """Return texts, or UTF-8, as an Arrow array; ``None`` is null, half a character U+FFFD.

    Raises:
        OverflowError: If all texts together have 2 GiB or more.

    Examples:
        >>> text_array(["a", None, "é".encode()]).to_pylist()
        ['a', None, 'é']
    """
    import numpy as np
    import pyarrow as pa

    try:
        written = [cell.encode() if isinstance(cell, str) else cell for cell in cells]
    except UnicodeEncodeError:
        return text_array([without_surrogates(c) if isinstance(c, str) else c for c in cells])
    absent = np.fromiter((cell is None for cell in written), dtype=bool, count=len(written))
    full = [cell or b"" for cell in written]
    offsets = array("i", accumulate(map(len, full), initial=0))
    buffers = [_validity(absent), pa.py_buffer(offsets), pa.py_buffer(b"".join(full))]
    return pa.Array.from_buffers(pa.string(), len(full), buffers, int(absent.sum()))


def number_array(values: npt.NDArray[Any], absent: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Return numbers of any type of numpy, shape ``(n,)``, as an Arrow array; *absent* are null.

    Examples:
        >>> import numpy as np
        >>> number_array(np.array([1.5, 2.5]), np.array([False, True])).to_pylist()
        [1.5, None]
    """
    import numpy as np
    import pyarrow as pa

    kind, n = pa.from_numpy_dtype(values.dtype), len(values)
    if values.dtype == bool:
        values = np.packbits(values, bitorder="little")
    held = pa.py_buffer(np.ascontiguousarray(values))
    if absent is None:
        return pa.Array.from_buffers(kind, n, [None, held], 0)
    return pa.Array.from_buffers(kind, n, [_validity(absent), held], int(absent.sum()))


def numbers_of(column: pa.Array) -> npt.NDArray[Any]:
    """Return the numbers of an Arrow array as a new array of numpy; null becomes NaN.

    Examples:
        >>> import numpy as np
        >>> numbers_of(number_array(np.array([1.5, 2.5]), np.array([False, True])))
        array([1.5, nan])
    """
    import numpy as np
    import pyarrow as pa

    start, stop = column.offset, column.offset + len(column)
    valid, held = column.buffers()
    if held is None:
        return np.empty(0, dtype=column.type.to_pandas_dtype())
    if pa.types.is_boolean(column.type):
        bits = np.unpackbits(np.frombuffer(held, dtype=np.uint8), bitorder="little")
        values: npt.NDArray[Any] = bits[start:stop].astype(bool)
    else:
        values = np.frombuffer(held, dtype=column.type.to_pandas_dtype())[start:stop].copy()
    if column.null_count:
        bits = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")
        values = np.where(bits[start:stop], values, np.nan)
    return values


def _validity(absent: npt.NDArray[np.bool_]) -> pa.Buffer | None:
    import numpy as np
    import pyarrow as pa

    return pa.py_buffer(np.packbits(~absent, bitorder="little")) if absent.any() else None

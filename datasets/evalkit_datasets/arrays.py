"""``(X, y)``: features and targets as scikit-learn takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.plugin import Chunk, DataError
from evalkit_datasets.pandas import PandasFrame
from evalkit_datasets.polars import PolarsFrame

_DIMENSIONS = 2


@dataclass(frozen=True, slots=True)
class Arrays:
    """Reads a pair of features (frame, series, array or list) and targets.

    Columns of a frame and a series keep their names, those of an array are called ``x0``, ``x1``,
    …; they are the inputs, and the target is the expectation ``target``.
    """

    name: str = "arrays"
    extensions: Sequence[str] = ()
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:
        """Say whether *data* is a pair whose first part is a table."""
        return isinstance(data, tuple) and len(data) == _DIMENSIONS and _is_table(data[0])

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows.

        Raises:
            DataError: If the parts differ in length, or the features have no two dimensions.
        """
        features, targets = data
        expected = _targets(targets)
        length = features.shape[0] if hasattr(features, "shape") else len(features)
        if length != len(expected):
            problem = f"X has {length} rows, and y has {len(expected)}"
            raise DataError(f"{problem}; they must be as many")
        start = 0
        for chunk in _feature_chunks(features, chunk_rows):
            rows = [
                {f"inputs.{name}": value for name, value in row.items()}
                | {"expectations": {"target": target}}
                for row, target in zip(chunk.rows, expected[start:], strict=False)
            ]
            start += len(rows)
            dtypes = {f"inputs.{name}": kind for name, kind in chunk.dtypes.items()}
            yield Chunk(rows=rows, dtypes=dtypes)


def _is_table(features: object) -> bool:
    if isinstance(features, list):
        return bool(features) and isinstance(features[0], (list, tuple, str, int, float))
    return len(getattr(features, "shape", ())) in {1, _DIMENSIONS}


def _feature_chunks(features: Any, chunk_rows: int) -> Iterator[Chunk]:
    for source in (PandasFrame(), PolarsFrame()):
        if source.accepts(features):
            yield from source.read(features, chunk_rows=chunk_rows)
            return
    if hasattr(features, "toarray"):
        raise DataError("X is a sparse matrix; give X.toarray(), or a frame with named columns")
    shape = getattr(features, "shape", None)
    if len(shape) == 1 if shape is not None else not isinstance(features[0], (list, tuple)):
        yield from _single(features, chunk_rows)
        return
    dtype = getattr(features, "dtype", None)
    kind = str(dtype) if dtype is not None and dtype.kind in "biuf" else None
    count = features.shape[0] if hasattr(features, "shape") else len(features)
    for start in range(0, count, chunk_rows):
        part = features[start : start + chunk_rows]
        values = part.tolist() if hasattr(part, "tolist") else part
        rows = [{f"x{place}": value for place, value in enumerate(row)} for row in values]
        yield Chunk(rows=rows, dtypes={} if kind is None else dict.fromkeys(rows[0], kind))


def _single(values: Any, chunk_rows: int) -> Iterator[Chunk]:
    """Yield a sole feature: texts, mostly."""
    name = getattr(values, "name", None)
    name = "x0" if name is None else str(name)
    dtype = getattr(values, "dtype", None)
    kind = str(dtype) if getattr(dtype, "kind", "") in "biuf" and dtype is not None else None
    listed = list(values.tolist() if hasattr(values, "tolist") else values)
    for start in range(0, len(listed), chunk_rows):
        rows = [{name: value} for value in listed[start : start + chunk_rows]]
        yield Chunk(rows=rows, dtypes={} if kind is None else {name: kind})


def _targets(targets: Any) -> list[Any]:
    """Return the targets as Python values; a frame of one column is that column."""
    if PandasFrame().accepts(targets):
        if len(targets.columns) == 1:
            return _targets(targets.iloc[:, 0])
        return [list(row) for row in targets.itertuples(index=False, name=None)]
    for method in ("to_list", "tolist"):
        convert: Any = getattr(targets, method, None)
        if convert is not None:
            return [v[0] if isinstance(v, list) and len(v) == 1 else v for v in convert()]
    return list(targets)

"""Types of arrays, for annotations alone: numpy is imported where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    AnyArray = npt.NDArray[Any]
    ArrayLike = npt.ArrayLike
    BoolArray = npt.NDArray[np.bool_]
    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
else:
    AnyArray = ArrayLike = BoolArray = FloatArray = IntArray = Any

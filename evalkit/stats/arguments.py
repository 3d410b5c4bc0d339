"""Check the arguments that every statistic takes: arrays, levels, weights and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# Gates need a quantile and a plan, no arrays: numpy is imported by what computes.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
else:
    FloatArray = IntArray = Any


def as_values(values: npt.ArrayLike, name: str = "values") -> FloatArray:
    """Return *values* as a finite float array of shape ``(n,)``; ``n`` may be 0.

    Raises:
        ValueError: If *values* is not one-dimensional or holds a NaN or an infinity.

    Examples:
        >>> as_values([True, False])
        array([1., 0.])
    """
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must have shape (n,), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; leave missing scores out before calling")
    return array


def as_sample(values: npt.ArrayLike, name: str = "values") -> FloatArray:
    """Return *values* as a finite float array of shape ``(n,)`` with ``n >= 1``.

    Raises:
        ValueError: As `as_values`, or if there are no values.

    Examples:
        >>> as_sample([0.5])
        array([0.5])
    """
    array = as_values(values, name)
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one value")
    return array


def as_weights(weights: npt.ArrayLike | None, n: int) -> FloatArray | None:
    """Return *weights* as an array of shape ``(n,)``, or ``None`` where all are equal.

    Equal weights change no mean and no variance, so callers may take their unweighted path.

    Raises:
        ValueError: If the shape differs, a weight is negative or not finite, or all are zero.

    Examples:
        >>> as_weights([1.0, 3.0], 2)
        array([1., 3.])
        >>> as_weights([2.0, 2.0], 2) is None
        True
    """
    if weights is None:
        return None
    array = as_values(weights, "weights")
    if array.size != n:
        raise ValueError(f"weights must have one entry a value, got {array.size} for {n}")
    if (array < 0).any() or (n > 0 and not array.any()):
        raise ValueError("weights must not be negative, and one at least must be positive")
    if n == 0 or (array == array[0]).all():
        return None
    return array


def as_group_codes(groups: npt.ArrayLike, n: int) -> tuple[IntArray, int]:
    """Return codes ``0 .. G-1`` of shape ``(n,)``, numbered by first appearance, and ``G``.

    Numbering by first appearance keeps seeded resampling the same when groups are renamed.

    Raises:
        ValueError: If *groups* does not have one entry a value.

    Examples:
        >>> as_group_codes(["b", "a", "b"], 3)
        (array([0, 1, 0]), 2)
    """
    import numpy as np

    array = np.asarray(groups)
    if array.ndim != 1 or array.size != n:
        raise ValueError(f"groups must have shape ({n},), got {array.shape}")
    if array.dtype == object:
        seen: dict[object, int] = {}
        codes = np.fromiter(
            (seen.setdefault(label, len(seen)) for label in array.tolist()), np.int64, n
        )
        return codes, len(seen)
    labels, first, inverse = np.unique(array, return_index=True, return_inverse=True)
    rank = np.empty(labels.size, dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(labels.size)
    return rank[inverse.reshape(-1)], int(labels.size)


def check_level(level: float) -> float:
    """Return *level* if it is a confidence level, a fraction strictly between 0 and 1.

    Raises:
        ValueError: If it is not; 95 instead of 0.95 is named as the likely slip.

    Examples:
        >>> check_level(0.95)
        0.95
    """
    if not 0.0 < level < 1.0:
        hint = f" Did you mean {level / 100}?" if 1.0 < level < 100.0 else ""  # noqa: PLR2004
        raise ValueError(f"level must lie in (0, 1), got {level}.{hint}")
    return float(level)


def check_bounds(bounds: tuple[float, float], values: FloatArray) -> tuple[float, float]:
    """Return ``(low, high)`` if it is a finite range that holds every value.

    Raises:
        ValueError: If the range is empty or infinite, or a value lies outside it.

    Examples:
        >>> import numpy as np
        >>> check_bounds((0, 1), np.array([0.5]))
        (0.0, 1.0)
    """
    import numpy as np

    low, high = float(bounds[0]), float(bounds[1])
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"bounds must be a finite (low, high) with low < high, got {bounds}")
    slack = 1e-9 * (high - low)
    if values.size and (values.min() < low - slack or values.max() > high + slack):
        outside = values[(values < low - slack) | (values > high + slack)][0]
        raise ValueError(f"a value of {outside} lies outside its bounds [{low}, {high}]")
    return low, high

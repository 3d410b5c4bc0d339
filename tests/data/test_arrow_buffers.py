"""Arrow arrays made of their buffers are those that Arrow makes itself."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit._internal.arrow import number_array, numbers_of, text_array

TEXTS = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])))


@given(cells=TEXTS)
def test_texts_equal_those_of_arrow(cells: list[str | None]) -> None:
    made = text_array(cells)

    made.validate(full=True)
    assert made.equals(pa.array(cells, type=pa.string()))
    assert text_array([None if cell is None else cell.encode() for cell in cells]).equals(made)


@given(values=st.lists(st.floats(allow_nan=False) | st.none()))
def test_numbers_equal_those_of_arrow(values: list[float | None]) -> None:
    absent = np.array([value is None for value in values], dtype=bool)
    given_values = np.array([value or 0.0 for value in values], dtype=np.float64)

    made = number_array(given_values, absent)

    made.validate(full=True)
    assert made.equals(pa.array([v if v is None else v or 0.0 for v in values], type=pa.float64()))


@pytest.mark.parametrize("kind", ["bool", "int8", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 8, 9, 1000])
def test_numbers_of_every_type_equal_those_of_arrow(kind: str, n: int) -> None:
    values = (np.arange(2 * n) % 3).astype(kind)[::2]

    assert number_array(values).equals(pa.array(values))
    assert number_array(values).null_count == 0


@pytest.mark.parametrize("kind", ["bool", "int8", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 9, 1000])
def test_numbers_come_back_as_they_were(kind: str, n: int) -> None:
    values = (np.arange(n) % 3).astype(kind)
    whole = numbers_of(number_array(values))
    part = numbers_of(number_array(values)[n // 3 :])

    assert whole.dtype == values.dtype
    assert whole.flags.writeable
    assert whole.tolist() == values.tolist()
    assert part.tolist() == values[n // 3 :].tolist()


def test_null_comes_back_as_nan_wherever_the_array_begins() -> None:
    values = np.arange(20.0)
    made = number_array(values, values % 3 == 0)

    assert str(numbers_of(made[4:]).tolist()) == str(made[4:].to_numpy(False).tolist())


def test_half_a_character_is_replaced() -> None:
    assert text_array(["a\ud800", None, b"b"]).to_pylist() == ["a\ufffd", None, "b"]

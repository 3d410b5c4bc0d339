from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from evalkit.data.open import open_data
from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool
from evalkit.entities.case import Case
from evalkit.errors import DataError

FRAME = pd.DataFrame(
    {
        "age": np.array([30, 40, 50], np.int32),
        "height": np.array([1.5, np.nan, 1.0], np.float32),
        "plan": pd.Categorical(["a", "b", None]),
        "member": [True, False, True],
        "target": [1, 0, 1],
    }
)
Made = Callable[..., Spool]


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return lambda data, **settings: spool(data, tmp_path_factory.mktemp("spool"), **settings)


class Streamed:
    """Stands for a data set of the library of that name: what we use of its interface."""

    __module__ = "datasets.arrow_dataset"

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def with_format(self, kind: None) -> "Streamed":
        assert kind is None
        return self

    def iter(self, batch_size: int) -> Iterator[dict[str, list[Any]]]:
        for start in range(0, len(self.rows), batch_size):
            part = self.rows[start : start + batch_size]
            yield {name: [row[name] for row in part] for name in part[0]}


class Splits(dict[str, Streamed]):
    __module__ = "datasets.dataset_dict"


@pytest.mark.parametrize(
    ("data", "source"),
    [
        pytest.param([{"a": 1}], "rows", id="list"),
        pytest.param(({"a": 1}, {"a": 2}), "rows", id="tuple-of-rows"),
        pytest.param([Case(inputs={"a": 1})], "rows", id="cases"),
        pytest.param(iter([{"a": 1}]), "rows", id="iterator"),
        pytest.param(({"a": n} for n in range(3)), "rows", id="generator"),
        pytest.param({"x": {"a": 1}}.values(), "rows", id="view"),
        pytest.param(pd.DataFrame({"a": [1]}), "pandas", id="pandas"),
        pytest.param(pl.DataFrame({"a": [1]}), "polars", id="polars"),
        pytest.param(pl.LazyFrame({"a": [1]}), "polars", id="lazy"),
        pytest.param(pa.table({"a": [1]}), "pyarrow", id="table"),
        pytest.param(pa.table({"a": [1]}).to_batches()[0], "pyarrow", id="batch"),
        pytest.param(pa.table({"a": [1]}).to_reader(), "pyarrow", id="reader"),
        pytest.param(Streamed([{"a": 1}]), "huggingface", id="huggingface"),
        pytest.param((np.zeros((2, 2)), [0, 1]), "arrays", id="arrays"),
        pytest.param(([[1, 2]], [0]), "arrays", id="lists"),
        pytest.param((pd.DataFrame({"a": [1]}), pd.Series([1])), "arrays", id="frame-and-series"),
    ],
)
def test_a_source_is_chosen_by_type(data: Any, source: str) -> None:
    opened = open_data(data)

    assert opened.source == source
    assert [row for chunk in opened.chunks for row in chunk.rows]


def test_an_estimator_gets_its_columns_and_types_back(made: Made) -> None:
    found = made(FRAME, leftover="inputs", has_model=True)

    assert list(found.input_names) == ["age", "height", "plan", "member"]
    assert dict(found.dtypes) == {
        "age": "int32",
        "height": "float32",
        "plan": "category",
        "member": "bool",
    }
    assert found.batch(0, 3).inputs == [
        {"age": 30, "height": 1.5, "plan": "a", "member": True},
        {"age": 40, "height": None, "plan": "b", "member": False},
        {"age": 50, "height": 1.0, "plan": None, "member": True},
    ]
    assert found.batch(0, 3).expectations == [{"target": 1}, {"target": 0}, {"target": 1}]


@pytest.mark.parametrize("convert", [pa.Table.from_pandas, pl.from_pandas], ids=["arrow", "polars"])
def test_frames_have_the_same_types_in_every_library(
    made: Made, convert: Callable[[pd.DataFrame], Any]
) -> None:
    expected, found = (made(d, leftover="inputs") for d in (FRAME, convert(FRAME)))

    assert found.dtypes == expected.dtypes
    assert found.dataset_digest == expected.dataset_digest


@pytest.mark.parametrize(
    ("data", "names"),
    [
        pytest.param((FRAME[["age", "member"]], FRAME["target"]), ["age", "member"], id="pandas"),
        pytest.param((pl.DataFrame({"a": [1, 2]}), pl.Series([0, 1])), ["a"], id="polars"),
        pytest.param((np.eye(3, 2, dtype=np.float32), np.arange(3)), ["x0", "x1"], id="numpy"),
        pytest.param(([[1, 2], [3, 4]], ["a", "b"]), ["x0", "x1"], id="lists"),
        pytest.param((np.eye(2), pd.DataFrame({"y": [0, 1]})), ["x0", "x1"], id="frame-of-targets"),
        pytest.param((np.eye(2), np.array([[0], [1]])), ["x0", "x1"], id="column-of-targets"),
    ],
)
def test_features_and_targets_become_inputs_and_expectations(
    made: Made, data: Any, names: list[str]
) -> None:
    found = made(data, chunk_rows=2)

    assert list(found.input_names) == names
    assert all(list(row) == names for row in map(sorted, found.batch(0, found.n).inputs))
    expected = [next(iter(row.values())) for row in found.batch(0, found.n).expectations]
    assert expected == np.asarray(data[1]).ravel().tolist()


def test_the_type_of_an_array_is_kept(made: Made) -> None:
    found = made((np.eye(2, dtype=np.float32), [0, 1]))

    assert dict(found.dtypes) == {"x0": "float32", "x1": "float32"}


def test_a_feature_can_be_a_tag_as_well(made: Made) -> None:
    found = made((FRAME[["age", "plan"]], FRAME["target"]), columns={"tags": ["plan"]})

    assert found.batch(0, 1).inputs == [{"age": 30, "plan": "a"}]
    assert found.batch(0, 1).column("tags") == [{"plan": "a"}]


def test_features_and_targets_must_be_as_many() -> None:
    with pytest.raises(DataError, match="X has 2 rows, and y has 3"):
        list(open_data((np.eye(2), [0, 1, 2])).chunks)


def test_splits_of_a_data_set_can_be_chosen(made: Made) -> None:
    data = Splits(
        train=Streamed([{"question": "a", "expected": 1}]),
        test=Streamed([{"question": f"q{i}", "expected": i} for i in range(5)]),
    )

    assert made(data).n == 6
    assert made(data, split="test", chunk_rows=2).batch(0, 5).expectations == [
        {"target": i} for i in range(5)
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pd.DataFrame([[1, 2]], columns=["a", "a"]), id="pandas"),
        pytest.param(pa.table([[1], [2]], names=["a", "a"]), id="arrow"),
    ],
)
def test_two_columns_of_one_name_are_an_error(data: Any) -> None:
    with pytest.raises(DataError, match="column 'a': two columns have this name"):
        list(open_data(data).chunks)


def test_a_frame_is_left_as_it_was(made: Made) -> None:
    before = FRAME.copy(deep=True)

    made(FRAME, leftover="inputs", sample=2)

    pd.testing.assert_frame_equal(FRAME, before)


def test_the_index_of_a_frame_is_not_read(made: Made) -> None:
    frame = pd.DataFrame({"question": ["a", "b"]}, index=[7, 7])

    assert made(frame).dataset_digest == made(frame.reset_index(drop=True)).dataset_digest


def test_inputs_keep_the_order_of_the_data(made: Made) -> None:
    names = [f"x{place}" for place in range(12)]

    found = made((np.arange(24).reshape(2, 12), [0, 1]))

    assert [list(row) for row in found.batch(0, 2).inputs] == [names, names]
    assert list(found.batch(1, 2).inputs[0].values()) == list(range(12, 24))


def test_mappings_keep_the_order_of_the_data(made: Made) -> None:
    rows = [{"inputs": {"b": 1, "a": 2}}, {"inputs": {"c": 0, "a": 3, "b": 4}}, {"inputs": {}}]

    found = made(rows).values("inputs")

    assert [list(row) for row in found] == [["b", "a"], ["b", "a", "c"], []]


@pytest.mark.parametrize(
    "convert", [pa.Table.combine_chunks, pl.from_arrow], ids=["arrow", "polars"]
)
def test_types_with_missing_values_are_those_that_pandas_gives_them(
    made: Made, convert: Callable[[pa.Table], Any]
) -> None:
    table = pa.table(
        {
            "whole": pa.array([1, 2, 3], pa.int16()),
            "gaps": pa.array([1, 2, None], pa.int16()),
            "flags": pa.array([True, None, False]),
        }
    )

    found = made(convert(table), leftover="inputs", chunk_rows=2)

    assert dict(found.dtypes) == {
        name: str(kind) for name, kind in table.to_pandas().dtypes.items()
    }
    frame = pd.DataFrame(found.values("inputs")).astype(dict(found.dtypes))
    pd.testing.assert_frame_equal(frame, table.to_pandas())

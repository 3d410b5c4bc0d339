import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.data.open import open_data
from evalkit.errors import DataError
from evalkit_datasets.json import Json
from evalkit_datasets.jsonl import JsonLines
from evalkit_datasets.parquet import Parquet
from evalkit_datasets.yaml import Yaml

ReadAll = Callable[..., list[Any]]
ROWS = [{"a": 1, "b": "é"}, {"a": None}]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def test_json_lines_keep_their_numbers_past_blank_ones(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\n  \n{"a": 2}')

    (chunk,) = JsonLines().read(file, chunk_rows=10)

    assert chunk.rows == [{"a": 1}, {"a": 2}]
    assert chunk.lines == [1, 4]
    assert chunk.file == str(file)


def test_json_lines_may_hold_what_python_writes(tmp_path: Path, read_all: ReadAll) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"a": NaN}\n{"a": -Infinity}\n')

    assert str(read_all(JsonLines(), file)) == "[{'a': nan}, {'a': -inf}]"


@given(st.lists(st.dictionaries(st.text(max_size=3), values), max_size=4), st.integers(1, 3))
def test_an_array_is_what_json_reads(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], indent: int
) -> None:
    file = tmp_path_factory.mktemp("json") / "a.json"
    file.write_text(json.dumps(rows, indent=indent), encoding="utf-8")

    chunks = list(Json().read(file, chunk_rows=2))

    assert [row for chunk in chunks for row in chunk.rows] == rows


def test_items_of_an_array_have_the_lines_that_they_start_in(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('\n[{"a":\n 1}, {"a": 2},\n\n {"a": 3}]\n')

    (chunk,) = Json().read(file, chunk_rows=10)

    assert chunk.lines == [2, 3, 5]


@pytest.mark.parametrize("text", ['[{"a": 1}', '[{"a": 1} {"a": 2}]', '[{"a": 1}] x', "[1,"])
def test_a_broken_array_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(text)

    with pytest.raises(DataError, match="line 1: this is not JSON"):
        list(Json().read(file, chunk_rows=10))


@pytest.mark.parametrize("key", ["cases", "data"])
def test_an_object_may_hold_the_list(tmp_path: Path, read_all: ReadAll, key: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"name": "qa", key: ROWS}))

    assert read_all(Json(), file) == ROWS


@pytest.mark.parametrize(
    "text",
    ["- a: 1\n  b: é\n- a:\n", "name: qa\ncases:\n- {a: 1, b: é}\n- {a: null}\n"],
    ids=["list", "mapping"],
)
def test_yaml_holds_a_list_of_cases(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yml"
    file.write_text(text, encoding="utf-8")

    (chunk,) = Yaml().read(file, chunk_rows=10)

    assert chunk.rows == ROWS
    assert chunk.lines == [
        number for number, line in enumerate(text.split("\n"), 1) if "- " in line
    ]


def test_yaml_builds_no_objects(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("- a: !!python/object/apply:os.getcwd []\n")

    with pytest.raises(DataError, match="this is not YAML: could not determine a constructor"):
        list(Yaml().read(file, chunk_rows=10))


def test_yaml_merges_and_anchors_are_resolved(tmp_path: Path, read_all: ReadAll) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("shared: &s {a: 1}\ncases:\n- {<<: *s, b: 2}\n")

    assert read_all(Yaml(), file) == [{"a": 1, "b": 2}]


def test_parquet_is_read_in_chunks_with_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "a": pa.array([1, None, 3], pa.int32()),
            "b": pa.array(["x", "y", "x"]).dictionary_encode(),
            "c": pa.array([{"d": [1.5]}, None, {"d": []}]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)

    chunks = list(Parquet().read(tmp_path / "a.parquet", chunk_rows=2))

    assert [row for chunk in chunks for row in chunk.rows] == table.to_pylist()
    assert chunks[0].dtypes == {"a": "int32", "b": "category"}


def test_a_pattern_reads_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "c.csv"):
        (tmp_path / name).write_text(name if name == "c.csv" else f'{{"question": "{name}"}}\n')
    (tmp_path / "c.csv").write_text("question\nc.csv\n")
    (tmp_path / "d.jsonl").mkdir()

    opened = open_data(str(tmp_path / "*.*"))

    assert opened.files == tuple(str(tmp_path / name) for name in ("a.jsonl", "b.jsonl", "c.csv"))
    assert [row["question"] for chunk in opened.chunks for row in chunk.rows] == [
        "a.jsonl",
        "b.jsonl",
        "c.csv",
    ]


def test_two_stars_look_into_folders(tmp_path: Path) -> None:
    (tmp_path / "x" / "y").mkdir(parents=True)
    (tmp_path / "x" / "y" / "a.jsonl").write_text("{}")

    assert open_data(f"{tmp_path}/**/*.jsonl").files == (str(tmp_path / "x" / "y" / "a.jsonl"),)


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    file = tmp_path / "a[1].jsonl"
    file.write_text('{"a": 1}')

    assert open_data(file).files == (str(file),)


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.JSONL").write_text('{"a": 1}')
    monkeypatch.setenv("HOME", str(tmp_path))

    assert open_data("~/a.JSONL").files == (os.path.join(tmp_path, "a.JSONL"),)  # noqa: PTH118

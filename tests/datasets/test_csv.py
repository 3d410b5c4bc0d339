import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit_datasets.csv import Csv

ReadAll = Callable[..., list[Any]]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(["1", "-2", "+3", "0"], [1, -2, 3, 0], id="integers"),
        pytest.param(["1", "", "3"], [1, None, 3], id="an-empty-cell-is-missing"),
        pytest.param(["1", "2.5", "1e3", ".5"], [1.0, 2.5, 1000.0, 0.5], id="floats"),
        pytest.param(["true", "False", "TRUE"], [True, False, True], id="booleans"),
        pytest.param(["1", "true"], ["1", "true"], id="mixed-cells-are-text"),
        pytest.param(["01", "2"], ["01", "2"], id="a-leading-zero-is-text"),
        pytest.param(["1_000", "2"], ["1_000", "2"], id="an-underscore-is-text"),
        pytest.param(["nan", "1"], ["nan", "1"], id="nan-is-text"),
        pytest.param(["yes", "no"], ["yes", "no"], id="yes-and-no-are-text"),
        pytest.param([" 1", "2"], [" 1", "2"], id="a-space-is-text"),
        pytest.param(["٣", "2"], ["٣", "2"], id="other-digits-are-text"),
        pytest.param(["", ""], [None, None], id="nothing-at-all"),
    ],
)
def test_a_column_has_the_first_type_that_fits_all_its_cells(
    tmp_path: Path, read_all: ReadAll, cells: list[str], expected: list[Any]
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b\n" + "".join(f"x,{cell}\n" for cell in cells), encoding="utf-8")

    values = [row["b"] for row in read_all(Csv(), file)]

    assert values == expected
    assert list(map(type, values)) == list(map(type, expected))


def test_one_late_cell_decides_for_all_chunks(tmp_path: Path, read_all: ReadAll) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a\n" + "1\n" * 20_000 + "true\n")

    assert {type(row["a"]) for row in read_all(Csv(), file, 100)} == {str}


@given(
    st.lists(st.lists(st.text(max_size=4), min_size=2, max_size=2), min_size=1), st.integers(1, 9)
)
def test_any_text_comes_back_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], chunk_rows: int
) -> None:
    file = tmp_path_factory.mktemp("csv") / "a.csv"
    with file.open("w", encoding="utf-8", newline="", errors="replace") as stream:
        csv.writer(stream).writerows([["a", "b"], ["word", "word"], *rows])

    chunks = list(Csv().read(file, chunk_rows=chunk_rows))

    found = [list(row.values()) for chunk in chunks for row in chunk.rows]
    assert found[1:] == [[cell or None for cell in row] for row in rows]


def test_lines_are_those_that_a_row_starts_in(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('a,b\n1,"x\ny"\n\n2,z\n')

    (chunk,) = Csv().read(file, chunk_rows=10)

    assert chunk.lines == [2, 5]


def test_tabs_separate_in_a_tsv_file_and_a_mark_is_passed_over(
    tmp_path: Path, read_all: ReadAll
) -> None:
    file = tmp_path / "a.tsv"
    file.write_text("a\tb\n1\tx, y\n", encoding="utf-8-sig")

    assert read_all(Csv(), file) == [{"a": 1, "b": "x, y"}]


def test_a_cell_may_be_long(tmp_path: Path, read_all: ReadAll) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a\n" + "x" * 200_000 + "\n")

    assert len(read_all(Csv(), file)[0]["a"]) == 200_000

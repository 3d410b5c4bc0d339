import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.plugin import DataError, as_text
from evalkit_datasets.csv import Csv

ReadAll = Callable[..., list[Any]]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(["1", "-2", "0", str(2**70)], [1, -2, 0, 2**70], id="integers"),
        pytest.param(["1", "", "3"], [1, None, 3], id="an-empty-cell-is-missing"),
        pytest.param(["1.0", "2.5", "0.5"], [1.0, 2.5, 0.5], id="floats"),
        pytest.param(["True", "False"], [True, False], id="booleans"),
        pytest.param(["true", "FALSE"], ["true", "FALSE"], id="other-words-of-truth-are-text"),
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


@pytest.mark.parametrize("cells", [["1", "2.5"], ["1.10", "1.1"], ["+3", ".5"], ["1e3", "-0"]])
def test_a_number_keeps_how_it_was_written(
    tmp_path: Path, read_all: ReadAll, cells: list[str]
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a\n" + "\n".join(cells) + "\n")

    values = [row["a"] for row in read_all(Csv(), file)]

    assert values == [float(cell) for cell in cells]
    assert [as_text(value) for value in values] == cells


@given(st.lists(st.text("0123456789.-+eaTrue", min_size=1, max_size=5), min_size=1, max_size=6))
def test_as_text_a_cell_is_what_was_written_whatever_stands_around_it(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    file = tmp_path_factory.mktemp("csv") / "a.csv"
    file.write_text("a,b\n" + "".join(f"x,{cell}\n" for cell in cells))

    (chunk,) = Csv().read(file, chunk_rows=10)

    assert [as_text(row["b"]) for row in chunk.rows] == cells


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_says_what_separates(tmp_path: Path, read_all: ReadAll, delimiter: str) -> None:
    file = tmp_path / "a.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows([["q", "a"], ["x, y", "z; 1|2"]])

    assert read_all(Csv(), file) == [{"q": "x, y", "a": "z; 1|2"}]


@pytest.mark.parametrize(
    ("options", "encoding", "text"),
    [
        pytest.param("?encoding=cp1252", "cp1252", "q;a\ncafé;1\n", id="encoding"),
        pytest.param("?delimiter=;&encoding=latin-1", "latin-1", "q;a\ncafé;1\n", id="both"),
        pytest.param("?delimiter=tab", "utf-8", "q\ta\ncafé\t1\n", id="a-word"),
        pytest.param("", "utf-16", "q;a\ncafé;1\n", id="a-mark-says-it"),
    ],
)
def test_an_address_says_delimiter_and_encoding(
    tmp_path: Path, read_all: ReadAll, options: str, encoding: str, text: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text, encoding=encoding)

    assert read_all(Csv(), f"csv:{file}{options}") == [{"q": "café", "a": 1}]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("", "not UTF-8.* csv:FILE\\?encoding=cp1252"),
        ("?encoding=klingon", "no encoding 'klingon'"),
        ("?delimeter=;", "no option of CSV. Did you mean 'delimiter'"),
        ("?delimiter=ab&encoding=cp1252", "a delimiter is one character"),
        ("?encoding=ascii", "this is not ascii"),
    ],
)
def test_a_wrong_form_is_an_error_with_a_way_out(
    tmp_path: Path, read_all: ReadAll, options: str, problem: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("q;a\ncafé;1\n".encode("cp1252"))

    with pytest.raises(DataError, match=problem):
        read_all(Csv(), f"csv:{file}{options}")


def test_a_row_of_another_width_names_what_separates(tmp_path: Path, read_all: ReadAll) -> None:
    file = tmp_path / "a.csv"
    file.write_text("q;a\nx;y;z\n")

    with pytest.raises(DataError, match="3 cells, and the header has 2, separated by ';'"):
        read_all(Csv(), file)


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

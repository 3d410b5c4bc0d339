import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool
from evalkit.errors import DataError, JournalError, UnknownSourceError

Spooled = Callable[..., Spool]
GOOD = b'{"question": "q%d", "expected": 1}\n'


def lines(bad: bytes, at: int) -> bytes:
    return b"".join(bad + b"\n" if number == at else GOOD % number for number in range(1, 1000))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param(
            "a.jsonl",
            lines(b'{"question": "q"', 812),
            "{file}, line 812: this is not JSON: ",
            id="broken-json",
        ),
        pytest.param(
            "a.jsonl",
            lines(b'{"question": "caf\xe9"}', 812),
            "{file}, line 812: this is not UTF-8: byte 18 is 0xe9; save the file as UTF-8",
            id="latin-1",
        ),
        pytest.param(
            "a.jsonl",
            lines(b'{"question": %s}' % (b"[" * 600 + b"]" * 600), 812),
            "{file}, line 812: this is nested too deeply to be read",
            id="nested-too-deeply",
        ),
        pytest.param(
            "a.jsonl",
            '{"a": 1}\n'.encode("utf-16"),
            "{file}, line 1: this is UTF-16; save the file as UTF-8",
            id="utf-16",
        ),
        pytest.param(
            "a.jsonl",
            lines(b"[1]", 5),
            "{file}, line 5: a line must hold a JSON object, and this one holds a list",
            id="no-object",
        ),
        pytest.param("a.jsonl", b"", "{file}: there are no rows", id="empty-jsonl"),
        pytest.param("a.jsonl", b"\n \n", "{file}: there are no rows", id="blank-jsonl"),
        pytest.param(
            "a.jsonl",
            lines(b'{"question": "q", "expected": "one"}', 812),
            "{file}, line 812, column 'expected': mixed types: this is text ('one'), and line 1 "
            "has a number; make the column one type",
            id="mixed-types",
        ),
        pytest.param(
            "a.jsonl",
            lines(b'{"question": "q", "expected": true}', 900),
            "{file}, line 900, column 'expected': mixed types: this is a truth value (True), and "
            "line 1 has a number",
            id="booleans-are-no-numbers",
        ),
        pytest.param(
            "a.jsonl",
            b'{"id": "a", "q": 1}\n{"id": "b", "q": 1}\n\n{"id": "a", "q": 2}\n',
            "{file}, line 4, column 'id': the id 'a' was used before, in line 1 of {file}; ",
            id="duplicate-ids",
        ),
        pytest.param(
            "a.jsonl",
            b'{"question": "q", "weight": -1}\n',
            "{file}, line 1, column 'weight': this must be a finite number, at least 0, not -1",
            id="negative-weight",
        ),
        pytest.param(
            "a.jsonl",
            b'{"question": "q", "weight": "heavy"}\n',
            "{file}, line 1, column 'weight': this must be a finite number, at least 0, not",
            id="weight-in-words",
        ),
        pytest.param(
            "a.jsonl",
            b'{"question": "q", "turn": 1.5}\n',
            "{file}, line 1, column 'turn': this must be a whole number, at least 0, not 1.5",
            id="half-a-turn",
        ),
        pytest.param(
            "a.jsonl",
            b'{"question": "q", "must": [1]}\n',
            "{file}, line 1, column 'must': must is a condition or a list of conditions",
            id="must",
        ),
        pytest.param(
            "a.jsonl",
            b'{"question": "q", "tool_calls": "f()"}\n',
            "{file}, line 1, column 'tool_calls': tool_calls is a list of mappings",
            id="tool-calls",
        ),
        pytest.param(
            "a.jsonl",
            b'{"question": "q", "labels": "yes"}\n',
            "{file}, line 1, column 'labels': labels must be a mapping, not str; name its keys",
            id="bare-label",
        ),
        pytest.param(
            "a.jsonl",
            b'{"question": "q", "session": {"id": 1}}\n',
            "{file}, line 1, column 'session': this must be a text or a number",
            id="session",
        ),
        pytest.param(
            "a.csv",
            b"question,expected\na,1\nb\n",
            "{file}, line 3: the row has 1 cells, and the header has 2",
            id="ragged-csv",
        ),
        pytest.param(
            "a.csv",
            b'question,expected\n"a\nb",1\nb,2,3\n',
            "{file}, line 4: the row has 3 cells, and the header has 2",
            id="ragged-after-a-cell-of-two-lines",
        ),
        pytest.param(
            "a.csv",
            b"question,expected\na,1\ncaf\xe9,2\n",
            "{file}, line 3: this is not UTF-8: byte 4 is 0xe9",
            id="latin-1-csv",
        ),
        pytest.param("a.csv", b"", "{file}: the file is empty", id="empty-csv"),
        pytest.param("a.csv", b"question\n", "{file}: there are no rows", id="csv-of-a-header"),
        pytest.param(
            "a.csv", b"q,q\n1,2\n", "{file}, line 1, column 'q': two columns", id="csv-names"
        ),
        pytest.param("a.csv", b'q\n"a', "{file}, line 2: this is not CSV: ", id="open-quote"),
        pytest.param(
            "a.json",
            b'[{"question": "a"},\n {"question": }]',
            "{file}, line 2: this is not JSON: ",
            id="broken-array",
        ),
        pytest.param(
            "a.json",
            b'[{"question": "a"},\n\n 3]',
            "{file}, line 3: a case must be an object, not a number",
            id="array-of-numbers",
        ),
        pytest.param(
            "a.json",
            b'{"question": "a"}',
            "{file}: the file must hold a list of objects, or an object with such a list as",
            id="one-object",
        ),
        pytest.param("a.json", b" ", "{file}: the file is empty", id="empty-json"),
        pytest.param(
            "a.yaml", b"- question: a\n- b: [\n", "{file}, line 3: this is not YAML", id="yaml"
        ),
        pytest.param(
            "a.yaml", b"- question: a\n- 3\n", "{file}, line 2: a case must be", id="yaml-number"
        ),
        pytest.param("a.yaml", b"", "{file}: the file is empty", id="empty-yaml"),
        pytest.param(
            "a.yaml", b"a: 1\n", "{file}, line 1: the file must hold a list", id="yaml-map"
        ),
        pytest.param("a.parquet", b"no", "{file}: this Parquet file cannot be read", id="parquet"),
        pytest.param("a.eval", b"no", "{file}: this is not a whole log of Inspect", id="eval"),
    ],
)
def test_bad_data_is_one_error_with_file_line_and_column(
    tmp_path: Path, spooled: Spooled, name: str, content: bytes, message: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)

    with pytest.raises(DataError) as caught:
        spooled(str(file))

    assert str(caught.value).startswith(message.format(file=file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "turn",
    [2**63, 10**30, 1e30, 10**400, 10**5000, float("inf")],
    ids=["64-bits", "10**30", "1e30", "10**400", "10**5000", "inf"],
)
def test_a_turn_of_more_than_64_bits_is_an_error_with_its_place(
    spooled: Spooled, turn: float
) -> None:
    with pytest.raises(DataError, match=r"line 1, column 'turn': .*, not (1|9|inf|a number)"):
        spooled([{"question": "a", "session": "s", "turn": turn}])


def test_a_duplicate_id_far_behind_the_first_names_both_lines(spooled: Spooled) -> None:
    rows = [{"id": f"q{i}", "question": "q"} for i in range(9000)]
    rows[8999]["id"] = "q10"

    with pytest.raises(DataError, match=r"line 9000, .* 'q10' was used before, in line 11"):
        spooled(rows, chunk_rows=1000)


def test_the_same_id_in_two_files_names_both(tmp_path: Path, spooled: Spooled) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text('{"id": "x", "question": "q"}\n')

    with pytest.raises(DataError) as caught:
        spooled(tmp_path / "?.jsonl")

    assert str(caught.value).startswith(f"{tmp_path / 'b.jsonl'}, line 1, column 'id'")
    assert f"in line 1 of {tmp_path / 'a.jsonl'}" in str(caught.value)


def test_what_has_no_json_form_is_named(spooled: Spooled) -> None:
    with pytest.raises(DataError, match=r"line 2, column 'question': .* object has no JSON form"):
        spooled([{"question": "q"}, {"question": object()}])


def test_a_missing_file_shows_files_of_like_names(tmp_path: Path, spooled: Spooled) -> None:
    (tmp_path / "answers.jsonl").write_text("{}")

    with pytest.raises(DataError, match=r"there is no such file\. Did you mean 'answers.jsonl'\?"):
        spooled(tmp_path / "answer.jsonl")


def test_a_missing_folder_is_named(tmp_path: Path, spooled: Spooled) -> None:
    with pytest.raises(DataError, match=f"and no folder {tmp_path / 'no'}"):
        spooled(tmp_path / "no" / "a.jsonl")


def test_a_folder_is_no_file(tmp_path: Path, spooled: Spooled) -> None:
    with pytest.raises(DataError, match=r"this is a folder; name a file in it, or a pattern"):
        spooled(tmp_path)


def test_a_pattern_without_files_says_so(tmp_path: Path, spooled: Spooled) -> None:
    with pytest.raises(DataError, match="no file matches this pattern"):
        spooled(str(tmp_path / "*.jsonl"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_must_not_be_read_says_so(tmp_path: Path, spooled: Spooled) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("{}")
    file.chmod(0)

    with pytest.raises(DataError, match="permission denied"):
        spooled(file)


def test_a_text_that_is_no_path_shows_the_extensions(spooled: Spooled) -> None:
    with pytest.raises(DataError, match=r"ending in one of: .*\.csv.*\.jsonl"):
        spooled("What is the capital of France?".rstrip("?"))


def test_an_unknown_extension_shows_those_that_are_known(tmp_path: Path, spooled: Spooled) -> None:
    file = tmp_path / "a.xlsx"
    file.write_text("")

    with pytest.raises(
        UnknownSourceError, match=r"reads '\.xlsx'\..* Known are: .*\.csv, .*\.json"
    ):
        spooled(file)


def test_an_unknown_scheme_shows_those_that_are_known(spooled: Spooled) -> None:
    with pytest.raises(UnknownSourceError, match=r"reads 's3:'.* Known are: csv:, hf:"):
        spooled("s3://bucket/a.jsonl")


def test_an_object_that_nothing_reads_is_named(spooled: Spooled) -> None:
    with pytest.raises(UnknownSourceError, match=r"reads 'builtins\.int'"):
        spooled(3)


def test_a_list_of_texts_is_a_list_of_files(spooled: Spooled) -> None:
    with pytest.raises(DataError, match=r"a\.jsonl: there is no such file"):
        spooled(["a.jsonl"])
    with pytest.raises(DataError, match="a list of files holds dict, which is no path"):
        spooled(["a.jsonl", {"question": "q"}])


def test_a_full_disk_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.link", full)
    monkeypatch.setattr(Path, "replace", full)

    with pytest.raises(JournalError, match="cannot be written: No space left on device"):
        spool([{"question": "q"}], tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")

    with pytest.raises(JournalError, match="cannot be written"):
        spool([{"question": "q"}], tmp_path / "run")

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import DataError
from evalkit.plugin import as_text
from evalkit_datasets.json import Json
from evalkit_datasets.jsonl import JsonLines
from evalkit_datasets.yaml import Yaml

ReadAll = Callable[..., list[Any]]
OFF = evalkit.Runtime(store=False, progress=False)
BIG = 265252859812191058636308480000000


@pytest.mark.parametrize("source", [Json(), JsonLines()], ids=["json", "jsonl"])
@pytest.mark.parametrize("number", [BIG, -BIG, 2**63, 2**64 + 1, -(2**63) - 1])
def test_whole_numbers_keep_their_digits(
    tmp_path: Path, read_all: ReadAll, source: Any, number: int
) -> None:
    file = tmp_path / "a.json"
    text = f'{{"question": "30!", "facts": [{number}, "{number}"]}}'
    file.write_text(f"[{text}]" if source.name == "json" else text + "\n")

    assert read_all(source, file) == [{"question": "30!", "facts": [number, str(number)]}]


@pytest.mark.parametrize("suffix", ["json", "jsonl", "yaml", "csv"])
def test_neighbours_beyond_64_bits_do_not_match(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a.{suffix}"
    row = f'{{"question": "30!", "expected": {BIG}, "output": {BIG + 1}}}'
    texts = {"json": f"[{row}]", "yaml": f"- {row}", "jsonl": row}
    file.write_text(texts.get(suffix, f"question,expected,output\n30!,{BIG},{BIG + 1}\n"))

    result = evalkit.evaluate(data=file, scorers=["text.exact_match"], runtime=OFF)

    assert result["text.exact_match"].value == 0.0


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("2024-01-02", "2024-01-02"),
        ("=", "="),
        ("true", True),
        ("17", 17),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("~", None),
        (".inf", float("inf")),
    ],
)
def test_yaml_is_read_as_it_is_meant(
    tmp_path: Path, read_all: ReadAll, written: str, value: Any
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"- {{question: q, expected: {written}}}\n")

    (row,) = read_all(Yaml(), file)

    assert (row["expected"], type(row["expected"]) is type(value)) == (value, written != "1e3")


def test_a_number_in_yaml_keeps_how_it_was_written(tmp_path: Path, read_all: ReadAll) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("- {question: q, expected: 1.10}\n")

    assert as_text(read_all(Yaml(), file)[0]["expected"]) == "1.10"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (JsonLines(), '{"q": "\\": x", "a": 1}\n{"q": 1, "a": {"b": 1, "b" : 2}}\n'),
        (Json(), '[{"q": 1},\n{"q": 1, "a": 1, "a": 2}]'),
        (Json(), '{"cases": [{"q": 1, "q": 2}]}'),
        (Yaml(), "- q: 1\n- {q: 1, a: 1, a: 2}\n"),
    ],
    ids=["jsonl", "json-list", "json-object", "yaml"],
)
def test_a_repeated_key_is_refused(
    tmp_path: Path, read_all: ReadAll, source: Any, text: str
) -> None:
    file = tmp_path / "data"
    file.write_text(text)

    with pytest.raises(DataError, match="twice"):
        read_all(source, file)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (JsonLines(), "[" * 100_000),
        (JsonLines(), '{"a": ' * 50_000 + "1" + "}" * 50_000),
        (JsonLines(), '{"a": 1}\n{"a": ' + "[" * 900 + "]" * 900 + "}"),
        (Json(), "[" * 100_000),
        (Json(), '{"a": ' * 50_000),
    ],
    ids=[
        "jsonl-lists",
        "jsonl-objects",
        "jsonl-deeper-than-can-be-kept",
        "json-lists",
        "json-objects",
    ],
)
def test_what_is_nested_too_deeply_is_one_line(
    tmp_path: Path, read_all: ReadAll, source: Any, text: str
) -> None:
    file = tmp_path / "data"
    file.write_text(text)

    with pytest.raises(DataError) as caught:
        read_all(source, file)

    assert len(str(caught.value)) < 300

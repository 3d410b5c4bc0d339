"""Options that are given twice: both count, or it is an error; none is dropped without a word."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Type = Callable[..., Any]
SCORED = ("--scorer", "text.exact_match", "--no-store")


def test_data_given_twice_is_read_twice(type_in: Type) -> None:
    Path("a.jsonl").write_text('{"question": "a", "expected": "x", "output": "x"}\n')
    Path("b.csv").write_text("question,expected,output\nb,x,y\n")

    done = type_in("evaluate", "--data", "a.jsonl", "--data", "b.csv", *SCORED, "--json")

    estimate = done.json["estimates"]["text.exact_match"]
    assert (estimate["value"], estimate["n_total"]) == (0.5, 2)


@pytest.mark.parametrize(
    "options",
    [
        ("--level", "0.9", "--level", "0.5"),
        ("--limit", "1", "--limit", "2"),
        ("--seed", "1", "--seed", "1"),
    ],
)
def test_an_option_of_one_value_is_not_given_twice(type_in: Type, options: tuple[str, ...]) -> None:
    done = type_in("evaluate", "--data", "answers.jsonl", *SCORED, *options)

    assert done.code == 2
    assert f"{options[0]} is given more than once" in done.err


def test_a_specification_may_list_files(type_in: Type) -> None:
    Path("a.jsonl").write_text('{"question": "a", "expected": "x", "output": "x"}\n')
    Path("b.jsonl").write_text('{"question": "b", "expected": "x", "output": "x"}\n')
    Path("s.yaml").write_text("data: [a.jsonl, b.jsonl]\nscorers: text.exact_match\n")

    done = type_in("evaluate", "s.yaml", "--no-store", "--json")

    assert done.json["estimates"]["text.exact_match"]["n_total"] == 2


@pytest.mark.parametrize("name", [b"a\xff.jsonl", b"caf\xe9/a.jsonl"])
def test_a_path_that_is_not_utf_8_is_read(type_in: Type, name: bytes) -> None:
    path = Path(os.fsdecode(name))
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"question": "a", "expected": "x", "output": "x"}\n')

    done = type_in("evaluate", "--data", str(path), *SCORED[:2], "--json")
    lost = type_in("evaluate", "--data", f"{path}.csv", *SCORED[:2])

    assert (done.code, lost.code) == (0, 2)
    assert "there is no such file" in lost.err

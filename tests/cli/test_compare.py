"""``evalkit compare``, baselines of gates, and the comparison of several models."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Type = Callable[..., Any]
SYSTEMS = """
import random


def made(share):
    def answer(question):
        right = random.Random(question).random() < share
        return question.removeprefix("q") if right else "wrong"
    return answer


old, new = made(0.4), made(0.8)
"""
EVALUATE = ("evaluate", "--data", "cases.jsonl", "--scorer", "text.exact_match", "--no-progress")


@pytest.fixture
def models(
    folder: Path, write: Callable[[Path, list[dict[str, Any]]], None], type_in: Type
) -> list[str]:
    """The runs of an old and a new system on 80 cases."""
    (folder / "systems.py").write_text(SYSTEMS)
    rows = [
        {"question": f"q{i}", "expected": str(i), "topic": ["odd", "even"][i % 2]}
        for i in range(80)
    ]
    write(folder / "cases.jsonl", rows)
    return [
        type_in(*EVALUATE, "--model", f"systems:{name}", "--name", name, "--json").json["run_id"]
        for name in ("old", "new")
    ]


def test_the_first_run_is_the_baseline(type_in: Type, models: list[str]) -> None:
    done = type_in("compare", *models, "--json")

    assert done.code == 0
    assert done.json["baseline"] == "old"
    (row,) = done.json["rows"]
    assert row["outcome"] == "better"
    assert row["n_pairs"] == 80
    assert done.json["verdict"] == "NONE"


def test_the_table_tells_difference_slices_and_cases(type_in: Type, models: list[str]) -> None:
    shown = type_in("compare", *models, "--cases", "1", "--by", "topic", "--adjust", "holm").out

    assert "new is better than old on text.exact_match" in shown
    assert "even" in shown
    assert "new fixed" in shown
    assert "− wrong" in shown


def test_reports_are_written_by_extension(type_in: Type, models: list[str], folder: Path) -> None:
    done = type_in("compare", *models, "--report", "c.html", "--report", "out/c.md")

    assert "Wrote c.html" in done.err
    assert (folder / "c.html").stat().st_size > 1000
    assert "## new against old" in (folder / "out" / "c.md").read_text()


@pytest.mark.parametrize(
    ("gate", "swapped", "code"),
    [
        pytest.param("no_regression(text.exact_match)", False, 0, id="pass"),
        pytest.param("no_regression(text.exact_match)", True, 1, id="fail"),
        pytest.param("improves(text.exact_match, by=0.4)", False, 3, id="inconclusive"),
        pytest.param("improves(text.exact_match", False, 2, id="unreadable"),
    ],
)
def test_the_exit_code_tells_the_verdict(
    type_in: Type, models: list[str], gate: str, swapped: bool, code: int
) -> None:
    first, second = reversed(models) if swapped else models

    assert type_in("compare", first, second, "--gate", gate).code == code
    assert type_in("gate", second, "--baseline", first, "--gate", gate).code == code


def test_a_baseline_file_stands_for_the_run(type_in: Type, models: list[str], folder: Path) -> None:
    assert type_in("report", models[0], "-o", "tests/old.baseline.json").code == 0
    assert "wrong" not in (folder / "tests" / "old.baseline.json").read_text()

    by_file = type_in("compare", "tests/old.baseline.json", models[1], "--json").json["rows"]
    by_run = type_in("compare", *models, "--json").json["rows"]
    assert by_file == [row | {"a": "old.baseline.json"} for row in by_run]
    evaluated = type_in(
        *EVALUATE, "--model", "systems:new", "--baseline", "tests/old.baseline.json",
        "--gate", "improves(text.exact_match, by=0.1)", "--json",
    )  # fmt: skip
    assert evaluated.code == 0
    (condition,) = evaluated.json["conditions"]
    assert condition["difference"]["n"] == 80


@pytest.mark.usefixtures("models")
def test_without_a_baseline_a_gate_that_compares_is_inconclusive(type_in: Type) -> None:
    done = type_in("gate", "latest", "--gate", "no_regression(text.exact_match)")

    assert done.code == 3
    assert "--baseline" in " ".join(done.out.split())


@pytest.mark.usefixtures("models")
def test_several_models_are_compared_at_the_end(type_in: Type) -> None:
    both = ("--model", "systems:old", "--model", "systems:new")
    shown = type_in(*EVALUATE, *both)
    told = type_in(*EVALUATE, *both, "--json").json

    assert "systems:new is better than systems:old" in " ".join(shown.out.split())
    assert told["comparison"]["rows"][0]["outcome"] == "better"
    assert len(told["runs"]) == 2


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("runs", "message"),
    [
        pytest.param(["latest"], "at least two", id="one"),
        pytest.param(["nowhere", "latest"], "nowhere", id="unknown"),
        pytest.param(["new", "other"], "their dataset differs", id="other-data"),
    ],
)
def test_what_cannot_be_compared_is_wrong_usage(
    type_in: Type, runs: list[str], message: str
) -> None:
    type_in(
        "evaluate", "--data", "answers.jsonl", "--scorer", "text.exact_match", "--name", "other"
    )
    done = type_in("compare", *runs)

    assert done.code == 2
    assert message in done.err


def test_a_report_that_cannot_be_written_is_one_line(
    type_in: Type, models: list[str], folder: Path
) -> None:
    (folder / "file").write_text("in the way", encoding="utf-8")
    done = type_in("compare", *models, "--report", "file/comment.md")

    assert done.code == 2
    assert [line for line in done.err.splitlines() if "Cannot write file/comment.md" in line] == [
        done.err.splitlines()[-1]
    ]

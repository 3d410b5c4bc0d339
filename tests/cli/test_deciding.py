"""``evalkit plan``, and evaluations that end when they are decided."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Type = Callable[..., Any]
Write = Callable[[Path, list[dict[str, Any]]], None]


@pytest.fixture
def many(folder: Path, write: Write) -> Path:
    """Four hundred stored answers, nine in ten of them right."""
    rows = [
        {"id": f"c{i}", "question": f"q{i}", "expected": "y" if i % 10 else "n", "output": "y"}
        for i in range(400)
    ]
    write(folder / "many.jsonl", rows)
    return folder


def evaluated(type_in: Type, *words: str) -> Any:
    scored = ("--scorer", "text.exact_match")
    return type_in("evaluate", "--data", "many.jsonl", *scored, *words)


@pytest.mark.usefixtures("many")
def test_a_decided_evaluation_stops_passes_and_can_be_finished(type_in: Type) -> None:
    gate = ("--gate", "text.exact_match >= 0.7", "--stop", "when decided")
    done = evaluated(type_in, *gate, "--json")
    resumed = type_in("resume", done.json["run_id"], "--json")

    assert done.code == 0
    assert done.json["status"] == "decided"
    assert done.json["estimates"]["text.exact_match"]["n_not_run"] > 200
    assert "cases were not scored" in done.json["notes"][0]
    assert resumed.code == 0
    assert resumed.json["status"] == "complete"
    assert resumed.json["estimates"]["text.exact_match"]["value"] == pytest.approx(0.9)


@pytest.mark.usefixtures("many")
def test_a_gate_that_no_test_decides_is_wrong_usage(type_in: Type) -> None:
    done = evaluated(type_in, "--gate", "p95(text.exact_match) >= 1", "--stop", "when decided")

    assert done.code == 2
    assert "p95(text.exact_match) >= 1" in done.err


@pytest.mark.usefixtures("many")
def test_a_plan_shows_cases_and_what_it_rests_on(type_in: Type) -> None:
    evaluated(type_in)
    done = type_in("plan", "--from", "latest", "--detect", "0.02")

    assert done.code == 0
    assert "text.exact_match: a difference of 0.02 from a fixed value" in done.out
    assert "1,771" in done.out  # (1.959964 + 0.841621)^2 * 0.09 * 400 / 399 / 0.02^2
    assert "The pilot: 400 cases" in done.out


@pytest.mark.usefixtures("many")
def test_a_plan_is_json_too(type_in: Type) -> None:
    evaluated(type_in)
    done = type_in("plan", "--from", "latest", "--detect", "0.05", "--baseline", "latest", "--json")

    assert done.code == 0
    assert done.json["discordance"] == 0.0
    assert done.json["rows"][0]["repeats"] == 1


@pytest.mark.usefixtures("many")
def test_a_plan_for_nothing_is_wrong_usage(type_in: Type) -> None:
    evaluated(type_in)
    done = type_in("plan", "--from", "latest", "--detect", "0")

    assert done.code == 2
    assert "detect=" in done.err


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    "words",
    [["score", "latest", "--scorer", "text.rouge"], ["retry", "latest"], ["resume", "latest"]],
    ids=lambda words: words[0],
)
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_done(
    type_in: Type, words: list[str]
) -> None:
    evaluated(type_in)
    refused = type_in(*words, "--report", "report.xyz")
    runs = type_in("runs", "list", "--json").json

    assert refused.code == 2
    assert "No report is written as '.xyz'" in refused.err
    assert len(runs) == 1
    assert set(runs[0]["estimates"]) == {"text.exact_match"}


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["report", "nothing", "-o"], "answers.jsonl/r.md"),
        (["compare", "nothing", "nothing", "--report"], "answers.jsonl/r.md"),
        (["compare", "nothing", "nothing", "--report"], "r.xml"),
        (["evaluate", "--data", "none.jsonl", "--report"], "/proc/r.html"),
        (["judges", "audit", "judge.correctness", "-o"], "answers.jsonl/r.md"),
        (["judges", "calibrate", "judge.correctness", "--data", "none.jsonl", "--save"], "."),
    ],
    ids=lambda words: "-".join(words[:2]) if isinstance(words, list) else None,
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_else_is_looked_at(
    type_in: Type, words: list[str], file: str
) -> None:
    refused = type_in(*words, file)

    assert refused.code == 2
    assert re.search(r"Cannot write|No comparison is written as", refused.err)
    assert "none.jsonl" not in refused.err

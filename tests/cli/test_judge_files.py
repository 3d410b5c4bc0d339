"""Judges in files, as the scorers of an evaluation."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.testing import ScriptedEndpoint

Type = Callable[..., Any]


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint(lambda _: {"rationale": "r", "verdict": "good"}) as running:
        yield running


@pytest.fixture(autouse=True)
def files(folder: Path, endpoint: ScriptedEndpoint) -> None:
    settings = (
        f"name: fine\nmodel: openai/x\nbase_url: {endpoint.base_url}\n"
        "choices: {good: 1.0, bad: 0.0}\n"
    )
    asks = "Is {{ outputs }} fine?"
    (folder / "fine.yaml").write_text(f"{settings}instructions: {asks}\n", encoding="utf-8")
    (folder / "fine.md").write_text(f"---\n{settings}---\n{asks}\n", encoding="utf-8")
    rows = [{"question": f"q{n}", "output": f"text {n}"} for n in range(6)]
    (folder / "answers.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "plan.yaml").write_text("data: answers.jsonl\nscorers: [fine.md]\n", encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--data", "answers.jsonl", "--scorer", "fine.yaml"], id="yaml"),
        pytest.param(["--data", "answers.jsonl", "--scorer", "fine.md"], id="markdown"),
        pytest.param(["plan.yaml"], id="specification"),
    ],
)
def test_a_judge_in_a_file_scores(type_in: Type, words: list[str]) -> None:
    done = type_in("evaluate", *words, "--json")

    assert done.code == 0
    assert '"fine"' in done.out


def test_a_judge_in_a_file_is_added_to_finished_work(type_in: Type) -> None:
    type_in("evaluate", "--data", "answers.jsonl", "--scorer", "operations.output_length")

    assert "judged by" not in type_in("runs", "list").out
    assert type_in("score", "latest", "--scorer", "fine.yaml").code == 0
    for command in (["runs", "list"], ["runs", "show", "latest"], ["report", "latest"]):
        assert re.search(r"judged by\s+openai/x", type_in(*command).out)
    (listed,) = json.loads(type_in("runs", "list", "--json").out)
    assert listed["judges"] == "openai/x"


def test_an_evaluation_with_a_judge_in_a_file_is_resumed_without_the_file(
    type_in: Type, folder: Path
) -> None:
    words = ["--data", "answers.jsonl", "--scorer", "fine.yaml", "--concurrency", "1"]
    spent = type_in("evaluate", *words, "--budget", "calls=2")
    (folder / "fine.yaml").unlink()

    assert spent.code == 5
    assert type_in("resume", "latest", "--budget", "calls=100").code == 0


def test_a_gate_without_a_card_says_that_the_file_is_to_be_calibrated(type_in: Type) -> None:
    words = ["--data", "answers.jsonl", "--scorer", "fine.yaml"]
    done = type_in("evaluate", *words, "--gate", "calibrated(fine, kappa >= 0.5)")

    assert "evalkit judges calibrate FILE.yaml" in " ".join(done.out.split())

"""``evalkit judges calibrate`` where not every case was judged: no card, and how to go on."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.testing import ScriptedEndpoint

Type = Callable[..., Any]
COMMAND = (
    *("judges", "calibrate", "fine.yaml", "--data", "labelled.csv"),
    *("--column", "labels.fine=human", "--column", "inputs=question", "--column", "outputs=output"),
)


@pytest.fixture
def labelled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with (folder / "labelled.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["question", "output", "human"])
        writer.writerows([f"q{n}", f"answer {n}", "yes" if n % 3 else "no"] for n in range(60))
    return folder


def judge_at(folder: Path, base_url: str) -> None:
    (folder / "fine.yaml").write_text(
        "instructions: Is {{ outputs }} fine?\nmodel: openai/m\n"
        f"base_url: {base_url}\nvalue_type: bool\n",
        encoding="utf-8",
    )


def test_a_spent_budget_makes_no_card_and_says_how_to_finish(type_in: Type, labelled: Path) -> None:
    with ScriptedEndpoint(lambda _: {"rationale": "r", "verdict": "yes"}) as endpoint:
        judge_at(labelled, endpoint.base_url)
        stopped = type_in(*COMMAND, "--budget", "calls=20", "--save", "card.json")

        assert stopped.code == 5
        assert "No card was made" in stopped.err
        assert "--resume" in stopped.err
        assert not Path("card.json").exists()
        finished = type_in(*COMMAND, "--save", "card.json", "--resume", "latest")

        assert endpoint.calls == 60
    assert finished.code == 0
    assert Path("card.json").exists()


def test_a_judge_that_is_not_reached_is_said_with_its_address(
    type_in: Type, labelled: Path
) -> None:
    with ScriptedEndpoint() as endpoint:
        gone = endpoint.base_url
    judge_at(labelled, gone)

    done = type_in(*COMMAND, "--limit", "40")

    assert done.code == 4
    assert gone.removesuffix("/v1") in done.err

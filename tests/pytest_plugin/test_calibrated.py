"""Gates on a judge's card, as native items."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.evaluation.calibrate import calibrate

Runner = Callable[..., Any]

SUITE = """
import evalkit
qa = evalkit.suite("stored.jsonl", scorers=["text.exact_match"], name="qa")

@qa.gates("calibrated(fine, kappa >= 0.5)")
def test_quality(evaluation):
    pass
"""
ITEM = "test_quality[calibrated(fine, kappa >= 0.5)]"


def rows(*, labels: bool) -> list[dict[str, Any]]:
    return [
        {
            "id": f"s{n}",
            "question": f"q{n}",
            "expected": "a",
            "output": "a",
            "scores": {"fine": "yes" if n % 3 else "no"},
            **({"labels": {"fine": "yes" if n % 3 and n % 20 else "no"}} if labels else {}),
        }
        for n in range(80)
    ]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    nothing_kept = evalkit.Runtime(store=False)
    card = calibrate("scores.fine", rows(labels=True), development=0.0, runtime=nothing_kept)
    card.save(tmp_path / "cards" / "fine.json")
    lines = "".join(json.dumps(row) + "\n" for row in rows(labels=False))
    return {"stored.jsonl": lines, "test_stored.py": SUITE}


def test_a_card_in_the_folder_of_the_command_line_decides(
    run: Runner, files: dict[str, str]
) -> None:
    ran = run("--evalkit-cards", "cards", files=files)

    assert ran.outcomes[ITEM] == "passed"


def test_a_card_in_the_folder_of_the_project_decides(run: Runner, files: dict[str, str]) -> None:
    project = '[tool.evalkit]\ncards = "cards"\n'
    ran = run(files={**files, "pyproject.toml": project})

    assert ran.outcomes[ITEM] == "passed"


def test_without_a_card_the_item_fails_as_inconclusive(run: Runner, files: dict[str, str]) -> None:
    ran = run(files=files)

    assert ran.outcomes[ITEM] == "failed"
    assert ran.text(ITEM).startswith("INCONCLUSIVE")
    assert "is not calibrated; make a card" in ran.text(ITEM)

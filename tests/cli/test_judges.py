"""``evalkit judges``: list, show, explain and calibrate."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Type = Callable[..., Any]

COLUMNS = (
    *("--column", "scores.fine=verdict"),
    *("--column", "labels.fine=human"),
    *("--column", "inputs=question"),
    *("--column", "outputs=output"),
)
JUDGE = """
name: fine
instructions: Is {{ outputs }} fine?
choices: {good: 1.0, fair: 0.5, bad: 0.0}
"""


@pytest.fixture
def labelled(folder: Path) -> str:
    rows = [
        {
            "question": f"q{n}",
            "output": "word " * (n % 7 + 1),
            "human": "yes" if n % 3 else "no",
            "verdict": "yes" if n % 3 and n % 20 else "no",
        }
        for n in range(120)
    ]
    with (folder / "labelled.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "fine.yaml").write_text(JUDGE, encoding="utf-8")
    return "labelled.csv"


def test_calibrate_shows_the_card_and_writes_it(type_in: Type, labelled: str) -> None:
    done = type_in(
        *("judges", "calibrate", "scores.fine", "--data", labelled, *COLUMNS),
        *("--save", "cards/fine.json", "--no-store"),
    )

    assert done.code == 0
    shown = done.out
    for text in ("Agrees with people", "May replace a human: not known", "people say", "verbosity"):
        assert text in shown
    assert "calibrated(recorded.fine, kappa >= " in shown
    assert "Wrote cards/fine.json" in done.err
    assert json.loads(Path("cards/fine.json").read_text(encoding="utf-8"))["kind"] == "binary"


def test_calibrate_prints_json(type_in: Type, labelled: str) -> None:
    done = type_in(
        *("judges", "calibrate", "scores.fine", "--data", labelled, *COLUMNS),
        *("--no-store", "--json", "--development", "0"),
    )

    card: dict[str, Any] = json.loads(done.out)
    assert card["held_out"]["n_labelled"] == 120
    assert list(card["held_out"]["figures"])[:2] == ["accuracy", "kappa"]


def test_an_evaluation_gates_on_the_card_that_was_made(type_in: Type, labelled: str) -> None:
    type_in(
        *("judges", "calibrate", "scores.fine", "--data", labelled, *COLUMNS),
        *("--save", "cards/fine.json", "--no-store"),
    )
    words = ["evaluate", "--data", labelled, *COLUMNS, "--no-store"]

    passed = type_in(*words, "--cards", "cards", "--gate", "calibrated(fine, kappa >= 0.5)")
    open_ = type_in(*words, "--gate", "calibrated(fine, kappa >= 0.5)")
    wrong = type_in(*words, "--gate", "calibrated(fine, kapa >= 0.5)")

    assert (passed.code, open_.code, wrong.code) == (0, 3, 2)
    assert "is not calibrated" in open_.out
    assert "Did you mean 'kappa'" in wrong.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        pytest.param(["nothing.such"], "nothing.such", id="unknown"),
        pytest.param(["text.exact_match"], "asks no model", id="no-judge"),
        pytest.param(["missing.yaml"], "cannot be read", id="no-file"),
        pytest.param(["fine.yaml"], "has no model", id="no-model"),
    ],
)
def test_what_cannot_be_calibrated_is_one_line(
    type_in: Type, labelled: str, words: list[str], problem: str
) -> None:
    done = type_in("judges", "calibrate", *words, "--data", labelled, "--no-store")

    assert done.code == 2
    assert problem in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_list_names_the_judges_of_the_library(type_in: Type) -> None:
    done = type_in("judges", "list", "--json")
    names = [judge["name"] for judge in json.loads(done.out)]

    assert "judge.groundedness" in names
    assert not [name for name in names if name.startswith("text.")]
    assert "judge.groundedness" in type_in("judges", "list", "judge.g").out


def test_show_tells_what_a_judge_asks_and_whether_it_is_calibrated(
    type_in: Type, labelled: str
) -> None:
    assert labelled
    shown = type_in("judges", "show", "fine.yaml").out
    facts = json.loads(type_in("judges", "show", "fine.yaml", "--json").out)

    for text in ("good = 1 · fair = 0.5 · bad = 0", "Is {{ outputs }} fine?", "calibrated", "no: "):
        assert text in shown
    assert (facts["name"], facts["card"]) == ("fine", None)
    assert facts["signature"].startswith("fine|")


def test_explain_prints_the_exact_messages_and_asks_nobody(type_in: Type, labelled: str) -> None:
    words = ["judges", "explain", "fine.yaml", "--data", labelled, *COLUMNS[4:]]

    done = type_in(*words)
    told = json.loads(type_in(*words, "--json").out)
    lost = type_in(*words, "--case", "nobody")

    assert done.out.startswith("--- system\n")
    assert "<<<DATA outputs " in done.out
    assert [message["role"] for message in told] == ["system", "user"]
    assert lost.code == 2
    assert "No case has the id 'nobody'" in lost.err


def test_explain_prints_the_first_order_of_a_pair_and_says_how_a_jury_is_explained(
    type_in: Type, folder: Path
) -> None:
    (folder / "pairs.jsonl").write_text('{"question": "q", "output": "one", "expected": "two"}')
    (folder / "made.py").write_text(
        "from evalkit.judging.jury import Jury\nfrom evalkit.judging.judge import Judge\n"
        "one = Judge(name='j', instructions='Is {{ outputs }} fine?')\n"
        "jury = Jury(judges=(one, one))\n"
    )
    place = 'judge.pairwise_preference:{"second": "expectations.target"}'
    pair = type_in("judges", "explain", place, "--data", "pairs.jsonl")
    lost = type_in("judges", "explain", "judge.pairwise_preference", "--data", "pairs.jsonl")
    jury = type_in("judges", "explain", "made:jury", "--data", "pairs.jsonl")

    assert pair.out.index("one") < pair.out.index("two")
    assert (lost.code, jury.code) == (2, 2)
    assert "The case has no expectations.expected_response" in lost.err
    assert "jury.judges[0].explain(case)" in jury.err


def test_a_card_that_cannot_be_written_is_refused_before_any_call(
    type_in: Type, labelled: str
) -> None:
    words = ("judges", "calibrate", "scores.fine", "--data", labelled, *COLUMNS, "--no-store")
    done = type_in(*words, "--save", f"{labelled}/card.json")

    assert done.code == 2
    assert "Cannot write" in done.err
    assert not done.out


def test_a_judge_that_nobody_knows_points_to_the_list_of_judges(type_in: Type) -> None:
    done = type_in("judges", "show", "judge.nope")

    assert done.code == 2
    assert "No judge is called 'judge.nope'" in done.err
    assert "evalkit judges list" in done.err

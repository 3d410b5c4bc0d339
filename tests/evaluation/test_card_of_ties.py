"""Cards where people tie, where a judge names no winner, and what they advise."""

import random
from typing import Any

import numpy as np
import pytest

import evalkit
from evalkit.errors import UsageError
from evalkit.evaluation.calibrate import calibrate
from evalkit.judging import Calibration
from evalkit.stats import alternative_annotator_test

NOTHING_KEPT = evalkit.Runtime(store=False)
WORDS = ("model_a", "tie", "model_b")


def rows_with_ties(n: int, annotators: int, seed: int, words: tuple[str, ...]) -> Any:
    draw = random.Random(seed)  # noqa: S311  a seeded draw of test data
    rows = []
    for place in range(n):
        truth = draw.choice(words)
        row: dict[str, Any] = {"id": f"q{place}", "output": f"answer {place}"}
        row["verdict"] = truth if draw.random() < 0.7 else draw.choice(words)
        for who in range(annotators):
            absent = draw.random() < 0.2
            row[f"h{who}"] = (
                None if absent else truth if draw.random() < 0.6 else draw.choice(words)
            )
        rows.append(row)
    return rows


def card_of(rows: Any, annotators: int, **options: Any) -> Calibration:
    columns = {"outputs": "output", "scores.best": "verdict", "inputs": "id", "tags": None}
    columns |= {f"labels.best.h{who}": f"h{who}" for who in range(annotators)}
    return calibrate("scores.best", rows, columns=columns, runtime=NOTHING_KEPT, **options)


def codes(rows: Any, name: str, words: tuple[str, ...]) -> Any:
    return np.array([np.nan if row[name] is None else words.index(row[name]) for row in rows])


@pytest.mark.parametrize("annotators", [3, 4, 5])
@pytest.mark.parametrize("words", [WORDS, ("no", "yes")], ids=["nominal", "binary"])
@pytest.mark.parametrize("seed", range(4))
def test_the_alternative_annotator_test_of_a_card_is_that_of_all_cases(
    annotators: int, words: tuple[str, ...], seed: int
) -> None:
    rows = rows_with_ties(200, annotators, seed, words)
    kind: Any = "nominal" if len(words) > 2 else None
    card = card_of(rows, annotators, kind=kind, development=0.0, epsilon=0.1)
    expected = alternative_annotator_test(
        codes(rows, "verdict", words),
        np.stack([codes(rows, f"h{who}", words) for who in range(annotators)]),
        epsilon=0.1,
    )

    assert card.held_out.n_labelled < 200, "people tie on some"
    assert card.replaceable is not None
    assert card.replaceable.winning_rate == expected.winning_rate
    assert card.replaceable.advantage == expected.advantage
    assert card.replaceable.status == ("yes" if expected.passed else "no")


def test_the_test_of_a_card_is_made_on_held_out_cases_alone() -> None:
    rows = rows_with_ties(300, 3, 1, WORDS)
    for place, row in enumerate(rows):
        row["split"] = "dev" if place % 2 else "test"
    held = rows[::2]
    card = card_of(rows, 3, kind="nominal")
    expected = alternative_annotator_test(
        codes(held, "verdict", WORDS), np.stack([codes(held, f"h{who}", WORDS) for who in range(3)])
    )

    assert card.replaceable is not None
    assert card.replaceable.advantage == expected.advantage


def test_accuracy_is_told_with_and_without_the_cases_that_have_no_verdict() -> None:
    rows = rows_with_ties(200, 1, 2, ("no", "yes"))
    for row in rows[:40]:
        row["verdict"] = None
    for row in rows:
        row["h0"] = row["h0"] or "no"
    card = card_of(rows, 1, development=0.0)
    right = sum(row["verdict"] == row["h0"] for row in rows)
    remark = next(text for text in card.remarks if "have no verdict" in text)

    assert card.held_out.figures["accuracy"].value == pytest.approx(right / 160)
    assert f"accuracy {right / 160:.3g}; {right / 200:.3g} if no verdict counts as wrong" in remark


def test_labels_that_are_words_are_told_to_be_nominal() -> None:
    rows = rows_with_ties(60, 1, 3, ("no", "yes"))
    for row in rows:
        row["h0"] = "n/a: resolved"
    with pytest.raises(UsageError, match="kind='nominal', or --kind nominal"):
        card_of(rows, 1)


@pytest.mark.parametrize("development", [0.0, 0.5])
def test_a_card_advises_what_its_cases_allow(development: float) -> None:
    rows = rows_with_ties(200, 1, 4, ("no", "yes"))
    for row in rows:
        row["h0"] = row["h0"] or "no"
    text = str(card_of(rows, 1, development=development))

    assert ("by the development cases alone" in text) is (development > 0)
    assert ("which development=0.5 sets aside" in text) is (development == 0)

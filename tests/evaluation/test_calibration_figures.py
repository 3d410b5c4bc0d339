"""The figures of a card, against those of scikit-learn."""

from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score

import evalkit
from evalkit.evaluation.calibrate import calibrate


def test_a_step_of_the_scale_that_nobody_used_counts_in_weighted_kappas() -> None:
    people, said = [1, 5] * 30, [1, 5, 1, 5, 2, 5] * 10
    rows = [
        {"id": f"q{n}", "output": "x", "human": human, "verdict": verdict, "other": verdict}
        for n, (human, verdict) in enumerate(zip(people, said, strict=True))
    ]
    annotators = {"labels.fine.a": "human", "labels.fine.b": "other", "labels.fine.c": "human"}
    columns: dict[str, Any] = {"outputs": "output", "scores.fine": "verdict", **annotators}
    card = calibrate(
        "scores.fine",
        rows,
        columns={**columns, "inputs": "id", "tags": None},
        development=0.0,
        runtime=evalkit.Runtime(store=False),
    )

    scale = [1, 2, 3, 4, 5]
    expected = cohen_kappa_score(people, said, labels=scale, weights="quadratic")
    linear = cohen_kappa_score(people, said, labels=scale, weights="linear")
    assert card["weighted_kappa"].value == pytest.approx(expected)
    assert card["linear_weighted_kappa"].value == pytest.approx(linear)
    assert card.replaceable is not None
    assert card.replaceable.human_kappa == pytest.approx((2 * expected + 1) / 3)

"""Gates that compare, on gsm8k's four models: the verdicts that the published answers call for."""

from pathlib import Path

import pytest

import evalkit
from evalkit.gates.verdict import ConditionVerdict

pytestmark = pytest.mark.conformance

NOTHING_KEPT = evalkit.Runtime(store=False)
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


@evalkit.scorer
def right(outputs: int) -> bool:
    return outputs == 1


@pytest.fixture(scope="module")
def models(shared_data: Path) -> dict[str, evalkit.EvaluationResult]:
    """Each model's published verdicts on the 1,319 problems."""
    return {
        model: evalkit.evaluate(
            data=shared_data / "gsm8k" / "correctness.csv",
            scorers=[right],
            columns={"id": "item", "inputs": "item", "outputs": model, "tags": None},
            name=model,
            runtime=NOTHING_KEPT,
        )
        for model in MODELS
    }


def gate(
    models: dict[str, evalkit.EvaluationResult], new: str, old: str, condition: str
) -> ConditionVerdict:
    return models[new].check(condition, baseline=models[old]).conditions[0]


@pytest.mark.parametrize(
    ("new", "old", "condition", "expected"),
    [
        pytest.param(
            "6b_verification", "175b_finetuning", "no_regression(right, margin=0.02)", "PASS",
            id="the-small-verified-model-is-not-worse",
        ),
        pytest.param(
            "6b_verification", "175b_finetuning", "improves(right)", "PASS", id="but-better"
        ),
        pytest.param(
            "6b_verification", "175b_finetuning", "improves(right, by=0.02)", "INCONCLUSIVE",
            id="by-two-points-perhaps",
        ),
        pytest.param(
            "175b_finetuning", "6b_verification", "no_regression(right, margin=0.02)",
            "INCONCLUSIVE", id="the-other-way-it-does-not-pass",
        ),
        pytest.param(
            "175b_finetuning", "6b_verification", "no_regression(right, margin=0.01)", "FAIL",
            id="and-fails-a-narrower-margin",
        ),
        pytest.param(
            "175b_verification", "6b_finetuning", "improves(right, by=0.3)", "PASS",
            id="best-against-worst",
        ),
        pytest.param(
            "175b_verification", "6b_finetuning", "equivalent(right, margin=0.1)", "FAIL",
            id="far-apart",
        ),
        pytest.param(
            "6b_verification", "175b_finetuning", "equivalent(right, margin=0.07)", "PASS",
            id="within-seven-points",
        ),
    ],
)  # fmt: skip
def test_the_verdict_is_that_of_the_paired_limits(
    models: dict[str, evalkit.EvaluationResult], new: str, old: str, condition: str, expected: str
) -> None:
    assert gate(models, new, old, condition).status == expected


def test_the_one_sided_limits_are_those_computed_by_hand(
    models: dict[str, evalkit.EvaluationResult],
) -> None:
    condition = "no_regression(right, margin=0.02)"
    found = gate(models, "6b_verification", "175b_finetuning", condition).difference
    back = gate(models, "175b_finetuning", "6b_verification", condition).difference

    assert found is not None
    assert back is not None
    assert found.low == pytest.approx(0.0196, abs=2e-4)
    assert back.low == pytest.approx(-0.0668, abs=2e-4)
    assert back.high == pytest.approx(-0.0196, abs=2e-4)


def test_what_is_undecided_says_how_many_more_problems_it_takes(
    models: dict[str, evalkit.EvaluationResult],
) -> None:
    found = gate(models, "6b_verification", "175b_finetuning", "improves(right, by=0.02)")

    # (1.960 + 0.842)^2 * 1319 * 0.014361^2 / (0.043215 - 0.02)^2 = 3,961 problems in all.
    assert found.more_cases == pytest.approx(3961 - 1319, rel=0.05)


def test_the_four_models_are_ranked_apart(models: dict[str, evalkit.EvaluationResult]) -> None:
    comparison = evalkit.compare(*models.values())
    ranks = comparison.ranks("right")

    assert ranks.system.tolist() == [
        "175b_verification",
        "6b_verification",
        "175b_finetuning",
        "6b_finetuning",
    ]
    assert ranks.best_rank.tolist() == ranks.worst_rank.tolist() == [1, 2, 3, 4]
    row = comparison.row("right", "175b_finetuning")
    assert len(row.changed(better=True)) + len(row.changed(better=False)) > 0

"""Evaluations of gsm8k's recorded models that end as soon as they are decided."""

import re
from pathlib import Path
from typing import Any

import pytest

import evalkit

pytestmark = pytest.mark.conformance

NOTHING_KEPT = evalkit.Runtime(store=False)
N = 1319


def final_answer(solution: str) -> str | None:
    found = re.findall(r"(?m)^A: (.*)$", solution)
    return found[0].strip().replace(",", "") if found else None


@evalkit.scorer
def right_number(outputs: str, expectations: dict[str, Any]) -> bool:
    return final_answer(outputs) == final_answer(expectations["target"])


def evaluated(shared_data: Path, model: str, **options: Any) -> evalkit.EvaluationResult:
    return evalkit.evaluate(
        data=shared_data / "gsm8k" / "example_model_solutions.jsonl",
        scorers=[right_number],
        columns={
            "inputs": "question",
            "outputs": f"{model}.solution",
            "expectations": "ground_truth",
            "tags": None,
        },
        name=model,
        runtime=NOTHING_KEPT,
        **options,
    )


@pytest.fixture(scope="module")
def baseline(shared_data: Path) -> evalkit.EvaluationResult:
    return evaluated(shared_data, "6b_verification")


@pytest.mark.parametrize("seed", range(8))
def test_a_clearly_better_model_is_found_in_a_fraction_of_the_cases(
    shared_data: Path, baseline: evalkit.EvaluationResult, seed: int
) -> None:
    result = evaluated(
        shared_data,
        "175b_verification",
        baseline=baseline,
        gates="improves(right_number)",
        stop="when decided",
        seed=seed,
    )

    assert result.verdict.status == "PASS"
    assert result["right_number"].n_scored < N / 3


def test_a_rate_far_from_its_threshold_is_decided_in_a_fraction_of_the_cases(
    shared_data: Path,
) -> None:
    for gate, status in (("right_number >= 0.45", "PASS"), ("right_number >= 0.7", "FAIL")):
        result = evaluated(shared_data, "175b_verification", gates=gate, stop="when decided")

        assert result.verdict.status == status
        assert result["right_number"].n_scored < N / 2


def test_a_threshold_at_the_truth_is_never_decided(shared_data: Path) -> None:
    result = evaluated(
        shared_data, "175b_verification", gates="right_number >= 0.5625", stop="when decided"
    )

    assert result.verdict.status == "INCONCLUSIVE"
    assert result["right_number"].n_scored == N

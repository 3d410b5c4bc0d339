"""MT-Bench's systems, ranked from the published votes by the public function alone."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from evalkit.judging import Ranking, rank_systems, votes_of

pytestmark = pytest.mark.conformance

SYSTEMS = ["claude-v1", "gpt-3.5-turbo", "gpt-4", "llama-13b", "vicuna-13b-v1.2"]


def ranked(shared_data: Path, file: str, ties: Literal["davidson", "half", "drop"]) -> Ranking:
    text = (shared_data / "mtbench_human" / f"{file}.jsonl").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    return rank_systems(votes_of(rows, group="question_id"), ties=ties, resamples=200)


@pytest.mark.parametrize(
    ("file", "ties", "printed"),
    [
        pytest.param("human", "davidson", [2.058, 1.993, 2.610, -1.024, 1.035], id="davidson"),
        pytest.param("human", "half", [1.404, 1.361, 1.783, -0.683, 0.705], id="ties-half"),
        pytest.param("human", "drop", [1.954, 1.918, 2.486, -1.004, 0.979], id="ties-dropped"),
        pytest.param("gpt4_pair", "davidson", [4.041, 3.202, 5.528, -1.266, 1.934], id="gpt-4"),
    ],
)
def test_strengths_of_mt_bench_are_those_of_independent_fits(
    file: str, ties: Literal["davidson", "half", "drop"], printed: list[float], shared_data: Path
) -> None:
    found = ranked(shared_data, file, ties)

    assert found.reference == "alpaca-13b"
    assert [found[name].strength for name in SYSTEMS] == pytest.approx(printed, abs=5.1e-4)


def test_the_tie_parameter_and_likelihood_of_human_votes_are_reproduced(shared_data: Path) -> None:
    found = ranked(shared_data, "human", "davidson")

    assert found.n_votes == 3355
    assert found.n_groups == 80
    assert found.tie == pytest.approx(0.860, abs=5e-4)
    assert found.negative_log_likelihood == pytest.approx(2886.84, abs=5e-3)


def test_human_votes_leave_the_order_of_two_systems_open(shared_data: Path) -> None:
    found = ranked(shared_data, "human", "davidson")
    ranks = {one.name: (one.best_rank, one.worst_rank) for one in found.systems}

    assert next(iter(ranks)) == "gpt-4"
    assert ranks["gpt-4"] == (1, 1)
    assert ranks["claude-v1"] == ranks["gpt-3.5-turbo"] == (2, 3)
    assert ranks["llama-13b"] == (6, 6)

"""MT-Bench's published agreement of GPT-4 and experts, reached by `evalkit.evaluate` alone."""

import itertools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import evalkit

pytestmark = pytest.mark.conformance

NOTHING_KEPT = evalkit.Runtime(store=False)
Vote = dict[str, Any]
Compared = tuple[int, str, str, int]


@pytest.fixture(scope="module")
def votes(shared_data: Path) -> dict[str, list[Vote]]:
    """The experts' votes and GPT-4's verdicts on pairs of answers."""
    found: dict[str, list[Vote]] = {}
    for name in ("human", "gpt4_pair"):
        text = (shared_data / "mtbench_human" / f"{name}.jsonl").read_text(encoding="utf-8")
        found[name] = [json.loads(line) for line in text.splitlines()]
    found["human"] = [vote for vote in found["human"] if vote["judge"].startswith("expert")]
    return found


def compared(vote: Vote) -> Compared:
    """Return what was compared, whichever answer was shown first."""
    first, second = sorted((vote["model_a"], vote["model_b"]))
    return vote["question_id"], first, second, vote["turn"]


def winner(vote: Vote) -> str:
    """Return the winner's name; a verdict that depends on the order is a tie, as published."""
    found: str = vote.get(vote["winner"], "tie")
    return found


def pairs(votes: dict[str, list[Vote]], judge: str, turn: int) -> list[tuple[Compared, str, str]]:
    """Return each pair of verdicts on one comparison: a judge's and an expert's."""
    experts: dict[Compared, list[str]] = defaultdict(list)
    for vote in votes["human"]:
        if vote["turn"] == turn:
            experts[compared(vote)].append(winner(vote))
    if judge == "expert":
        return [
            (key, *both)
            for key, said in experts.items()
            for both in itertools.combinations(said, 2)
        ]
    gpt_4 = {compared(vote): winner(vote) for vote in votes["gpt4_pair"]}
    return [(key, gpt_4[key], own) for key, said in experts.items() if key in gpt_4 for own in said]


@pytest.mark.parametrize(
    ("judge", "turn", "ties", "agreement", "n"),
    [
        pytest.param("gpt-4", 1, True, 0.660, 1343, id="gpt-4-first-turn"),
        pytest.param("gpt-4", 1, False, 0.846, 859, id="gpt-4-first-turn-no-ties"),
        pytest.param("expert", 1, True, 0.630, 721, id="experts-first-turn"),
        pytest.param("expert", 1, False, 0.810, 479, id="experts-first-turn-no-ties"),
        pytest.param("gpt-4", 2, True, 0.657, 1325, id="gpt-4-second-turn"),
        pytest.param("gpt-4", 2, False, 0.846, 864, id="gpt-4-second-turn-no-ties"),
        pytest.param("expert", 2, True, 0.666, 707, id="experts-second-turn"),
        pytest.param("expert", 2, False, 0.819, 474, id="experts-second-turn-no-ties"),
    ],
)
def test_agreement_with_experts_is_as_published(
    votes: dict[str, list[Vote]], *, judge: str, turn: int, ties: bool, agreement: float, n: int
) -> None:
    rows: list[dict[str, Any]] = [
        {"inputs": {"pair": list(key)}, "outputs": said, "expectations": {"target": wanted},
         "group": str(key[0])}
        for key, said, wanted in pairs(votes, judge, turn)
        if ties or "tie" not in {said, wanted}
    ]  # fmt: skip
    estimate = evalkit.evaluate(data=rows, scorers="classification.accuracy", runtime=NOTHING_KEPT)[
        "classification.accuracy"
    ]

    assert (estimate.n_scored, estimate.n_groups) == (n, len({row["group"] for row in rows}))
    assert estimate.value == pytest.approx(agreement, abs=5e-4)


def test_gpt_4_contradicts_itself_in_the_share_of_pairs_that_was_published(
    votes: dict[str, list[Vote]],
) -> None:
    rows = [
        {"inputs": {"pair": list(compared(vote))}, "outputs": vote["winner"]}
        for vote in votes["gpt4_pair"]
    ]

    @evalkit.scorer
    def contradicts_itself(outputs: str) -> bool:
        return outputs == "tie (inconsistent)"

    estimate = evalkit.evaluate(data=rows, scorers=contradicts_itself, runtime=NOTHING_KEPT)[
        "contradicts_itself"
    ]
    assert estimate.value == 380 / 2400
    assert estimate.value == pytest.approx(0.158, abs=5e-4)

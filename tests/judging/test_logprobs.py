"""Scores weighted by token probabilities."""

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.judging.judge import make_judge
from evalkit.judging.logprobs import expected_score, label_masses
from evalkit.testing import Reply, ScriptedEndpoint, SeenRequest

FIVE = ("1", "2", "3", "4", "5")
TEN = tuple(map(str, range(1, 11)))


def tokens(*steps: dict[str, float]) -> list[dict[str, Any]]:
    """Return tokens as OpenAI gives them; the first of each step is the one that was said."""
    found: list[dict[str, Any]] = []
    for step in steps:
        top = [{"token": token, "logprob": math.log(share)} for token, share in step.items()]
        found.append({**top[0], "top_logprobs": top})
    return found


def sure(*said: str) -> list[dict[str, float]]:
    return [{token: 1.0} for token in said]


PREFIX = sure('{"rationale": ', '"so"', ', "verdict', '":')


@pytest.mark.parametrize(
    ("steps", "labels", "masses"),
    [
        pytest.param(
            [{"4": 0.6, "5": 0.3, "3": 0.1}], FIVE, {"3": 0.1, "4": 0.6, "5": 0.3}, id="bare"
        ),
        pytest.param(
            [*PREFIX, {" 4": 0.6, " 5": 0.4}, *sure("}")], FIVE, {"4": 0.6, "5": 0.4}, id="in-json"
        ),
        pytest.param(
            [*PREFIX, *sure(' "'), {"yes": 0.7, "no": 0.3}, *sure('"}')],
            ("yes", "no"),
            {"yes": 0.7, "no": 0.3},
            id="quoted",
        ),
        pytest.param(
            [*PREFIX, {' "yes': 0.7, ' "no': 0.3}, *sure('"}')],
            ("yes", "no"),
            {"yes": 0.7, "no": 0.3},
            id="with-its-quote",
        ),
        pytest.param(
            [{"Yes": 0.5, "yes": 0.2, " YES": 0.1, "No": 0.2}],
            ("yes", "no"),
            {"yes": 0.8, "no": 0.2},
            id="spelt-in-several-ways",
        ),
        pytest.param(
            [*PREFIX, {"1": 0.8, "9": 0.2}, {"0": 0.5, "}": 0.5}],
            TEN,
            {"1": 0.4, "9": 0.2, "10": 0.4},
            id="ten-in-two-tokens",
        ),
        pytest.param(
            [*PREFIX, {"9": 0.5, "10": 0.3, "1": 0.2}, *sure("}")],
            TEN,
            {"1": 0.2, "9": 0.5, "10": 0.3},
            id="ten-in-one-token",
        ),
        pytest.param(
            [*PREFIX, {"9": 0.5, "1": 0.5}, *sure("}")],
            TEN,
            {"9": 0.5},
            id="one-that-may-be-ten-counts-for-none",
        ),
        pytest.param(
            [{"part": 0.6, "not": 0.4}, *sure("ly", " supported")],
            ("fully supported", "partly supported", "not supported"),
            {"partly supported": 0.6, "not supported": 0.4},
            id="labels-of-several-tokens",
        ),
        pytest.param([{"Score": 1.0}, {"4": 1.0}], FIVE, {}, id="prose"),
        pytest.param([], FIVE, {}, id="nothing"),
    ],
)
def test_the_mass_of_each_label_is_found_where_the_verdict_is_given(
    steps: list[dict[str, float]], labels: tuple[str, ...], masses: dict[str, float]
) -> None:
    assert label_masses(tokens(*steps), labels) == pytest.approx(masses)


def test_the_expected_score_matches_a_hand_calculation() -> None:
    logs = {"1": -5.0, "2": -3.0, "3": -1.6, "4": -0.5, "5": -2.0}

    found = expected_score({k: math.exp(v) for k, v in logs.items()}, {k: float(k) for k in logs})

    assert found is not None
    assert found.value == pytest.approx(3.8137, abs=5e-5)
    assert found.mass == pytest.approx(1.0003, abs=5e-5)


@given(st.dictionaries(st.sampled_from(FIVE), st.floats(1e-6, 1), min_size=1))
def test_the_expected_score_lies_between_the_values_and_shares_add_up(
    masses: dict[str, float],
) -> None:
    found = expected_score(masses, {label: float(label) for label in FIVE})

    assert found is not None
    assert min(map(float, masses)) - 1e-9 <= found.value <= max(map(float, masses)) + 1e-9
    assert math.fsum(found.probabilities.values()) == pytest.approx(1)


def judged(answers: Any, **settings: Any) -> tuple[Score, int]:
    judge = make_judge(
        "q", "How good is {{ outputs }}?", scale=(1, 5), method="logprobs", **settings
    )
    with ScriptedEndpoint(answers) as endpoint:
        bound = judge.with_model("scripted", base_url=endpoint.base_url)
        score = asyncio.run(bound.score(Case(outputs="an answer")))
        return score, endpoint.calls


def test_the_score_is_the_mean_under_the_models_probabilities() -> None:
    score, calls = judged([Reply(value="4", logprobs=[{"4": 0.5, "5": 0.25, "3": 0.25}])])

    assert calls == 1
    assert score.value == pytest.approx(4.0)
    assert (score.metadata or {})["method"] == "logprobs"
    assert (score.metadata or {})["mass"] == pytest.approx(1.0)


def test_too_little_mass_falls_back_to_samples() -> None:
    first = Reply(value="4", logprobs=[{"4": 0.5, "x": 0.5}])

    score, calls = judged([first, "3", "4", "5", "4"], fallback_samples=4)

    assert calls == 5
    assert score.value == pytest.approx(4.0)
    assert (score.metadata or {})["method"] == "samples"
    assert "0.50" in (score.metadata or {})["fallback"]
    assert (score.metadata or {})["sampling"] == {"temperature": 1.0}


def test_a_server_without_probabilities_falls_back_to_samples() -> None:
    def answer(request: SeenRequest) -> Any:
        if "logprobs" in request.json:
            return Reply(status=400, body=b'{"error": {"message": "logprobs: unsupported"}}')
        return "2"

    score, calls = judged(answer, fallback_samples=3)

    assert calls == 4
    assert (score.value, (score.metadata or {})["method"]) == (2.0, "samples")


def test_a_weighted_judge_is_not_binary() -> None:
    judge = make_judge("q", "Is {{ outputs }} good?", method="logprobs")

    assert not judge.facts.binary
    assert judge.facts.bounds == (0.0, 1.0)

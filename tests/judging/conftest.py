"""Judges that ask a scripted endpoint."""

import asyncio
from collections.abc import Callable

import pytest

from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.judging.judge import Judge
from evalkit.judging.make import make_judge
from evalkit.testing import ScriptedEndpoint

Ask = Callable[..., Score]


@pytest.fixture
def case() -> Case:
    return Case(
        inputs={"question": "What is the capital of France?"},
        outputs="It is Paris.",
        expectations={"expected_response": "Paris"},
        retrieved_context=["Paris is the capital of France."],
    )


@pytest.fixture
def score(case: Case) -> Ask:
    """Score a case by a judge whose model answers as scripted."""

    def ask(judge: Judge, endpoint: ScriptedEndpoint, judged: Case = case) -> Score:
        bound = judge.with_model("scripted", base_url=endpoint.base_url)
        return asyncio.run(bound.score(judged))

    return ask


@pytest.fixture
def grounded() -> Judge:
    return make_judge(
        "grounded",
        "Is every claim in {{ outputs }} supported by {{ retrieved_context }}?",
        choices={"yes": 1.0, "partly": 0.5, "no": 0.0},
    )

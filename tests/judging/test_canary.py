"""Known answers, asked before a judge is believed."""

import asyncio
from typing import Any

from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.judging.judge import make_judge
from evalkit.llm.session import ModelSession, use_session
from evalkit.testing import ScriptedEndpoint, SeenRequest

CANARIES = [
    {"outputs": "Thank you very much!", "choice": "yes"},
    {"outputs": "Go away, idiot.", "choice": "no"},
]


def careful(request: SeenRequest) -> Any:
    rude = "idiot" in request.prompt
    return {"rationale": "r", "verdict": "no" if rude else "yes"}


def careless(_: SeenRequest) -> Any:
    return {"rationale": "r", "verdict": "yes"}


def scores(answer: Any, n: int, **settings: Any) -> tuple[list[Score], ModelSession]:
    judge = make_judge("polite", "Is {{ outputs }} polite?", **settings)
    with ScriptedEndpoint(answer) as endpoint, use_session(ModelSession()) as session:
        bound = judge.with_model("scripted", base_url=endpoint.base_url)

        async def at_once() -> list[Score]:
            cases = [Case(outputs=f"Hello there {place}") for place in range(n)]
            return await asyncio.gather(*(bound.score(case) for case in cases))

        return asyncio.run(at_once()), session


def test_a_judge_that_knows_the_answers_is_believed() -> None:
    found, session = scores(careful, 5, canaries=CANARIES)

    assert [score.value for score in found] == [True] * 5
    assert session.ledger["judge"].calls == 5


def test_canaries_are_asked_once_and_counted_apart() -> None:
    _, session = scores(careful, 5, canaries=CANARIES)

    assert session.ledger["canary"].calls == 2


def test_a_judge_that_fails_a_canary_fails_every_case_before_it_is_asked() -> None:
    found, session = scores(careless, 3, canaries=CANARIES)

    assert [(score.status, score.reason) for score in found] == [
        (Status.FAILED, "canary_alarm")
    ] * 3
    assert "1 of 2" in (found[0].explanation or "")
    assert session.ledger["judge"].calls == 0


def test_without_canaries_none_are_asked() -> None:
    _, session = scores(careless, 1)

    assert session.ledger["canary"].calls == 0

"""Two answers, in both orders."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalkit
from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.errors import UsageError
from evalkit.judging.judge import make_judge
from evalkit.judging.pairwise import Inconsistent, PairwiseJudge, preference
from evalkit.judging.template import MissingValueError
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit.testing import Fault, ScriptedEndpoint, SeenRequest

GOOD, BAD = "a good answer", "a bad answer"
VALUES = st.sampled_from([0.0, 0.5, 1.0])


def prefers(word: str) -> Any:
    def answer(request: SeenRequest) -> Any:
        better = "a" if request.prompt.index(GOOD) < request.prompt.index(BAD) else "b"
        return {"rationale": "r", "verdict": better if word == "good" else word}

    return answer


def judged(
    answer: Any, *, outputs: str = GOOD, other: str | None = BAD, inconsistent: Inconsistent = "tie"
) -> tuple[Mapping[str, Score] | Score, int]:
    judge = PairwiseJudge(second="expectations.baseline", inconsistent=inconsistent)
    with ScriptedEndpoint(answer) as endpoint:
        asked = judge.judge.with_model("scripted", base_url=endpoint.base_url)
        bound = PairwiseJudge(judge=asked, second=judge.second, inconsistent=inconsistent)
        case = Case(inputs={"q": "?"}, outputs=outputs, expectations={"baseline": other})
        return asyncio.run(bound.score(case)), endpoint.calls


@pytest.mark.parametrize(
    ("word", "inconsistent", "expected"),
    [
        pytest.param("good", "tie", (1.0, 0.0, True), id="prefers-the-first-answer"),
        pytest.param("tie", "tie", (0.5, 0.0, True), id="tie"),
        pytest.param("a", "tie", (0.5, 1.0, False), id="prefers-what-is-shown-first"),
        pytest.param("b", "average", (0.5, -1.0, False), id="prefers-what-is-shown-last"),
    ],
)
def test_both_orders_are_asked_and_say_one_thing_together(
    word: str, inconsistent: Inconsistent, expected: tuple[float, float, bool]
) -> None:
    found, calls = judged(prefers(word), inconsistent=inconsistent)

    assert calls == 2
    assert isinstance(found, Mapping)
    values = [found[key].value for key in ("preference", "position_bias", "consistent")]
    assert tuple(values) == expected


def test_half_a_disagreement_is_averaged_or_a_tie() -> None:
    assert preference(1.0, 0.5, inconsistent="average").value == 0.75
    assert preference(1.0, 0.5, inconsistent="tie").value == 0.5


@given(VALUES, VALUES, st.sampled_from(["tie", "average"]))
def test_swapping_the_answers_swaps_the_preference_and_keeps_the_bias(
    forward: float, backward: float, inconsistent: Inconsistent
) -> None:
    one = preference(forward, backward, inconsistent=inconsistent)
    two = preference(backward, forward, inconsistent=inconsistent)

    assert one.value == 1.0 - two.value
    assert (one.consistent, one.position_bias) == (two.consistent, two.position_bias)


def test_an_order_that_fails_fails_the_case() -> None:
    found, _ = judged(lambda _: Fault.REFUSAL)

    assert isinstance(found, Score)
    assert (found.status, found.reason) == (Status.FAILED, "refusal")


def test_a_case_without_the_other_answer_is_skipped() -> None:
    found, calls = judged(prefers("good"), other=None)

    assert isinstance(found, Score)
    assert (found.status, calls) == (Status.SKIPPED, 0)


def test_both_answers_are_fenced() -> None:
    order = "Answer a:\n<<<DATA outputs.a "
    message = PairwiseJudge().judge.messages(Case(outputs={"a": "x", "b": "y"}))[-1]["content"]

    assert order in message
    assert "<<<DATA outputs.b " in message


def test_other_choices_are_refused() -> None:
    with pytest.raises(UsageError, match="tie"):
        PairwiseJudge(judge=make_judge("j", "{{ outputs }}"))


def test_it_is_rebuilt_with_the_same_signature() -> None:
    judge = PairwiseJudge(name="better", second="expectations.other").with_model("some/model")
    stored = parse_json(canonical_json(specification(judge)))

    assert rebuild(stored) == judge
    assert signature(rebuild(stored)) == signature(judge)


def test_explain_prints_the_exact_messages_of_the_first_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    judge = PairwiseJudge(second="expectations.other")
    case = Case(inputs={"q": "q"}, outputs=GOOD, expectations={"other": BAD})
    with ScriptedEndpoint(prefers("a")) as endpoint:
        asked = judge.with_model("scripted", base_url=endpoint.base_url)
        asyncio.run(asked.score(case))
        sent = {request.prompt for request in endpoint.requests}

    messages = judge.explain(case)
    assert messages == judge.messages(case)
    assert messages[-1]["content"] in sent
    assert str(messages[-1]["content"]) in capsys.readouterr().out
    with pytest.raises(MissingValueError, match=r"no expectations\.other"):
        judge.explain(Case(inputs={"q": "q"}, outputs=GOOD))


def test_an_evaluation_shows_the_bias_beside_the_preference() -> None:
    rows = [
        {"inputs": {"q": n}, "outputs": GOOD, "expectations": {"expected_response": BAD}}
        for n in range(3)
    ]
    with ScriptedEndpoint(prefers("a")) as endpoint:
        judge = PairwiseJudge().judge.with_model("scripted", base_url=endpoint.base_url)
        result = evalkit.evaluate(
            data=rows, scorers=[PairwiseJudge(judge=judge)], runtime=evalkit.Runtime(store=False)
        )

    assert float(result["pairwise.preference"]) == 0.5
    assert float(result["pairwise.position_bias"]) == 1.0
    assert float(result["pairwise.consistent"]) == 0.0

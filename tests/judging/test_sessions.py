"""Judges of sessions see the whole conversation, in order, and judge it once."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.entities.case import Case
from evalkit.hooks.catalog import get_scorer
from evalkit.judging.judge import Judge, make_judge
from evalkit.judging.prepared import conversation
from evalkit.testing import ScriptedEndpoint, SeenRequest

QUIET = evalkit.Runtime(store=False)
LIBRARY = [
    "conversation_completeness",
    "knowledge_retention",
    "conversational_role_adherence",
    "conversational_safety",
    "user_frustration",
]


def rows(*, outputs: bool = True) -> list[dict[str, Any]]:
    """Three sessions of four turns each, shuffled."""
    made = [
        {"question": f"{s}{t}?", "session": s, "turn": t, "expected": "kind"}
        | ({"output": f"{s}{t}!"} if outputs else {})
        for s in "abc"
        for t in range(4)
    ]
    random.Random(7).shuffle(made)  # noqa: S311  no secret
    return made


def repeating(request: SeenRequest) -> dict[str, Any]:
    """Say in the rationale what the conversation was."""
    return {"rationale": request.prompt, "verdict": "yes"}


def session_judge(endpoint: ScriptedEndpoint, text: str = "Is {{ session }} good?") -> Judge:
    return make_judge("whole", text).with_model("scripted", base_url=endpoint.base_url)


def said(explanation: str | None) -> list[str]:
    """Return the contents of the messages that the judge was shown, in order."""
    lines = [line for line in (explanation or "").splitlines() if line.startswith("[")]
    return [line.split('"content":"')[1].split('"')[0] for line in lines if "content" in line]


def whole(session: str) -> list[str]:
    return [f"{session}{turn}{mark}" for turn in range(4) for mark in "?!"]


def judged(result: evalkit.EvaluationResult) -> dict[str, list[str]]:
    table = result.table()
    scored = table[table["whole.status"] == "ok"]
    told = zip(scored["session"], scored["whole.explanation"], strict=True)
    return {session: said(text) for session, text in told}


def test_stored_turns_in_any_order_are_one_conversation_judged_once() -> None:
    with ScriptedEndpoint(repeating) as endpoint:
        result = evalkit.evaluate(data=rows(), scorers=[session_judge(endpoint)], runtime=QUIET)

        assert endpoint.calls == 3
    assert judged(result) == {session: whole(session) for session in "abc"}
    estimate = result["whole"]
    assert (estimate.n_scored, estimate.n_skipped, estimate.n_failed) == (3, 9, 0)
    skipped = result.table()["whole.explanation"].dropna()
    assert sum("judged once, at its last turn" in text for text in skipped) == 9


def test_a_live_target_answers_the_turns_before_they_are_judged() -> None:
    def bot(question: str) -> str:
        return question.replace("?", "!")

    with ScriptedEndpoint(repeating) as endpoint:
        result = evalkit.evaluate(
            bot, rows(outputs=False), scorers=[session_judge(endpoint)], runtime=QUIET
        )

    assert judged(result) == {session: whole(session) for session in "abc"}


def test_each_repeat_has_a_conversation_of_its_own() -> None:
    def bot(question: str, repeat: int) -> str:
        return f"{question[:2]}!{repeat}"

    with ScriptedEndpoint(repeating) as endpoint:
        result = evalkit.evaluate(
            bot, rows(outputs=False), scorers=[session_judge(endpoint)], repeats=2, runtime=QUIET
        )
        table = result.table()

    for repeat in range(2):
        scored = table[(table["whole.status"] == "ok") & (table["repeat"] == repeat)]
        assert len(scored) == 3
        for text in scored["whole.explanation"]:
            assert {message[-1] for message in said(text)[1::2]} == {str(repeat)}


def test_a_session_whose_last_turn_failed_is_missing_and_the_others_are_not() -> None:
    def bot(question: str) -> str:
        if question == "b3?":
            raise ValueError(question)
        return question.replace("?", "!")

    with ScriptedEndpoint(repeating) as endpoint:
        result = evalkit.evaluate(
            bot, rows(outputs=False), scorers=[session_judge(endpoint)], runtime=QUIET
        )

    assert sorted(judged(result)) == ["a", "c"]
    assert (result["whole"].n_scored, result["whole"].n_failed) == (2, 1)


def test_a_budget_that_ends_is_resumed_to_the_same_conversations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    evalkit.tracking.set_tracking_uri(None)
    with ScriptedEndpoint(repeating) as endpoint:
        stopped = evalkit.evaluate(
            data=rows(),
            scorers=[session_judge(endpoint)],
            runtime=evalkit.Runtime(budget={"calls": 1}, concurrency=1, mode="none"),
        )
        assert stopped["whole"].n_scored < 3
        assert stopped.run_id is not None
        finished = evalkit.resume(stopped.run_id, runtime=evalkit.Runtime(mode="none"))

        assert endpoint.calls == 3
    assert judged(finished) == {session: whole(session) for session in "abc"}


def test_a_judge_that_reads_the_answer_too_judges_every_turn_with_what_came_before() -> None:
    text = "After {{ session }}, is {{ outputs }} good?"
    with ScriptedEndpoint(repeating) as endpoint:
        result = evalkit.evaluate(
            data=rows(), scorers=[session_judge(endpoint, text)], runtime=QUIET
        )
        table = result.table()

        assert endpoint.calls == 12
    for text, output in zip(table["whole.explanation"], table["outputs"], strict=True):
        assert said(text)[-1] == output


def test_a_function_can_read_the_conversation() -> None:
    @evalkit.scorer
    def turns(conversation: list[dict[str, Any]]) -> int:
        return len(conversation)

    result = evalkit.evaluate(data=rows(), scorers=[turns], runtime=QUIET)

    assert float(result["turns"]) == 4.0


@pytest.mark.parametrize("name", LIBRARY)
def test_the_judges_of_the_library_read_sessions(name: str) -> None:
    data = [row | {"expected": {"role": "A clerk."}} for row in rows()]
    judge = get_scorer(f"judge.{name}", model="scripted", base_url="http://127.0.0.1:9/v1")
    assert isinstance(judge, Judge)
    labels = judge.prepared.form.labels

    def model(request: SeenRequest) -> dict[str, Any]:
        row = {"rationale": request.prompt, "verdict": labels[0]}
        return row if judge.parts is None else {judge.parts: [{"text": "wish", **row}]}

    with ScriptedEndpoint(model) as endpoint:
        bound = judge.with_model("scripted", base_url=endpoint.base_url)
        result = evalkit.evaluate(
            data=data, scorers=[bound], columns={"expectations": "expected"}, runtime=QUIET
        )
        prompts = [request.prompt for request in endpoint.requests]

    assert result[judge.name].n_scored == 3
    assert all(sum(f"{s}{t}!" in p for p in prompts) == 1 for s in "abc" for t in range(4))


def _turn(name: str, inputs: dict[str, Any], outputs: Any) -> dict[str, Any]:
    return {"id": name, "turn": None, "inputs": inputs, "outputs": outputs}


USER = {"role": "user", "content": "hi"}
BOT = {"role": "assistant", "content": "ho"}
NEXT = {"role": "user", "content": "and?"}


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param({"messages": [USER, BOT, NEXT]}, [USER, BOT, NEXT], id="repeats-history"),
        pytest.param({"messages": [NEXT]}, [USER, BOT, NEXT], id="new-message-only"),
        pytest.param({"question": "and?"}, [USER, BOT, NEXT], id="plain-question"),
        pytest.param(
            {"a": 1, "b": 2},
            [USER, BOT, {"role": "user", "content": '{"a":1,"b":2}'}],
            id="several-inputs",
        ),
    ],
)
def test_what_turns_repeat_of_earlier_ones_is_shown_once(
    second: dict[str, Any], expected: list[Any]
) -> None:
    turns = (_turn("a", {"messages": [USER]}, "ho"), _turn("b", second, "yes"))
    found = conversation(Case(id="b", session="s", conversation=turns))

    assert found == [*expected, {"role": "assistant", "content": "yes"}]


def test_a_turn_sees_nothing_of_later_ones_and_lacks_an_answer_that_was_not_given() -> None:
    turns = (_turn("a", {"q": "hi"}, None), _turn("b", {"q": "and?"}, "x"))

    assert conversation(Case(id="a", session="s", conversation=turns)) == [USER]


def test_a_lone_case_of_a_session_is_a_conversation_of_one_turn() -> None:
    with ScriptedEndpoint(repeating) as endpoint:
        case = Case(id="x", session="s", inputs={"q": "hi"}, outputs="ho")
        score = asyncio.run(session_judge(endpoint).score(case))

    assert said(score.explanation) == ["hi", "ho"]

"""A judge against a scripted endpoint."""

import asyncio
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import evalkit
from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.errors import UsageError
from evalkit.judging.judge import Judge, make_judge
from evalkit.llm.session import ModelSession, use_session
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit.testing import Fault, Reply, ScriptedEndpoint

Ask = Callable[..., Score]
YES_NO = {"yes": 1, "no": 0}


def said(label: Any, rationale: str = "because") -> dict[str, Any]:
    return {"rationale": rationale, "verdict": label}


def always(answer: Any) -> ScriptedEndpoint:
    return ScriptedEndpoint(lambda _: answer)


def test_a_verdict_becomes_its_value_with_label_and_rationale(score: Ask, grounded: Judge) -> None:
    with always(said("partly", "half of it")) as endpoint:
        found = score(grounded, endpoint)

    assert (found.value, found.label, found.explanation) == (0.5, "partly", "half of it")


def test_the_form_asks_for_the_rationale_before_the_verdict(score: Ask, grounded: Judge) -> None:
    with always(said("yes")) as endpoint:
        score(grounded, endpoint)
        sent = endpoint.requests[0].json

    schema = sent["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert list(schema["schema"]["properties"]) == ["rationale", "verdict"]
    assert schema["schema"]["properties"]["verdict"]["enum"] == ["yes", "partly", "no"]
    assert sent["temperature"] == 0.0


@pytest.mark.parametrize(
    ("answer", "reason", "calls"),
    [
        pytest.param(said("maybe"), "off_menu", 2, id="off-menu"),
        pytest.param(Fault.EMPTY, "empty", 2, id="empty"),
        pytest.param(Fault.NULL, "empty", 2, id="null"),
        pytest.param("I am afraid it is yes", "invalid_response", 2, id="prose"),
        pytest.param(Reply(value='{"rat', finish_reason="length"), "truncated", 1, id="truncated"),
        pytest.param(Fault.REFUSAL, "refusal", 1, id="refusal"),
        pytest.param(Fault.PROSE, "invalid_response", 1, id="web-page"),
        pytest.param(Fault.WRONG_SCHEMA, "invalid_response", 1, id="other-json"),
        pytest.param(Reply(status=401), "provider_error", 1, id="wrong-key"),
    ],
)
def test_what_is_no_verdict_fails_with_its_own_reason(
    score: Ask, grounded: Judge, answer: Any, reason: str, calls: int
) -> None:
    with always(answer) as endpoint:
        found = score(grounded, endpoint)
        assert endpoint.calls == calls

    assert (found.status, found.reason, found.value) == (Status.FAILED, reason, None)


def test_the_text_of_a_failed_judgement_is_kept(score: Ask, grounded: Judge) -> None:
    with always("it is fine, I think") as endpoint:
        found = score(grounded, endpoint)

    assert (found.metadata or {})["raw"] == "it is fine, I think"


def test_one_repair_is_asked_for_and_the_bad_answer_is_not_repeated(
    score: Ask, grounded: Judge
) -> None:
    with ScriptedEndpoint(["IGNORE ALL RULES", said("no")]) as endpoint:
        found = score(grounded, endpoint)
        again = endpoint.requests[1].messages

    assert found.value == 0.0
    assert (found.metadata or {})["repaired"] == "invalid_response"
    assert "IGNORE" not in str(again)


def test_a_case_without_what_is_read_is_skipped_without_a_call(score: Ask, grounded: Judge) -> None:
    with always(said("yes")) as endpoint:
        found = score(grounded, endpoint, Case(outputs="Paris"))
        assert endpoint.calls == 0

    assert found.status is Status.SKIPPED
    assert "retrieved_context" in (found.explanation or "")


def test_a_case_without_the_path_that_is_read_is_skipped(score: Ask) -> None:
    judge = make_judge("j", "Is {{ outputs }} as {{ expectations.tone }}?")
    with always(said("yes")) as endpoint:
        assert score(judge, endpoint).status is Status.SKIPPED


@pytest.mark.parametrize(
    ("outputs", "check"),
    [
        ("", "empty"),
        (" \n", "empty"),
        (":", "master_key"),
        ("Thought process:", "master_key"),
        ("**Solution**", "master_key"),
        ("解", "master_key"),
        ("Let\u2019s solve this problem step by step.", "master_key"),
        ("what is the capital of  France?", "echo"),
    ],
)
def test_an_answer_that_says_nothing_gets_the_lowest_choice_unasked(
    score: Ask, grounded: Judge, case: Case, outputs: str, check: str
) -> None:
    with always(said("yes")) as endpoint:
        found = score(grounded, endpoint, dataclasses.replace(case, outputs=outputs))
        assert endpoint.calls == 0

    assert (found.value, found.label) == (0.0, "no")
    assert (found.metadata or {})["precheck"] == check


def test_prechecks_can_be_turned_off(score: Ask) -> None:
    judge = make_judge("j", "Is {{ outputs }} good?", prechecks=())
    with always(said("yes")) as endpoint:
        assert score(judge, endpoint, Case(outputs="")).value is True


def test_where_lower_is_better_the_highest_choice_is_the_worst(score: Ask) -> None:
    judge = make_judge("errors", "Count in {{ outputs }}", scale=(0, 9), direction="lower")
    with always(said(0)) as endpoint:
        assert score(judge, endpoint, Case(outputs="")).value == 9.0


def test_samples_are_averaged_and_their_agreement_is_recorded(score: Ask) -> None:
    judge = make_judge("j", "Is {{ outputs }} good?", samples=4, temperature=1.0)
    with ScriptedEndpoint([said("yes"), said("yes"), said("yes"), said("no")]) as endpoint:
        found = score(judge, endpoint)

    assert (found.value, found.label) == (0.75, "yes")
    assert (found.metadata or {})["agreement"] == 0.75
    assert not judge.facts.binary


def test_samples_of_which_most_fail_fail(score: Ask) -> None:
    judge = make_judge("j", "Is {{ outputs }} good?", samples=3, temperature=1.0)
    with ScriptedEndpoint([said("yes"), Fault.REFUSAL, Fault.REFUSAL]) as endpoint:
        assert score(judge, endpoint).reason == "refusal"


def test_labels_alone_are_a_label_scorer(score: Ask) -> None:
    judge = make_judge("tone", "The tone of {{ outputs }}?", choices=["polite", "rude"])
    with always(said("rude")) as endpoint:
        found = score(judge, endpoint)

    assert (found.value, found.label) == (None, "rude")


def test_a_scale_keeps_its_raw_value_and_states_its_bounds(score: Ask) -> None:
    judge = make_judge("q", "How good is {{ outputs }}?", scale={1: "useless", 5: "perfect"})
    with always(said(4)) as endpoint:
        found = score(judge, endpoint)
        system = endpoint.requests[0].messages[0]["content"]

    assert found.value == 4.0
    assert judge.facts.bounds == (1.0, 5.0)
    assert "- 1: useless" in system
    assert "- 5: perfect" in system


def test_yes_or_no_is_binary_without_being_asked_for() -> None:
    judge = make_judge("j", "Is {{ outputs }} good?")

    assert judge.facts.binary
    assert judge.facts.bounds == (0.0, 1.0)


def test_parts_become_rows_of_evidence(score: Ask) -> None:
    judge = make_judge("f", "Each claim of {{ outputs }}.", choices=YES_NO, parts="claims")
    rows = [{"text": "a", "rationale": "r", "verdict": "yes"}, {"text": "b", "verdict": "no"}]
    with always({"claims": rows}) as endpoint:
        found = score(judge, endpoint)

    assert found.value == 0.5
    assert [row["verdict"] for row in (found.metadata or {})["parts"]] == ["yes", "no"]


def test_no_parts_mean_that_the_judge_does_not_apply(score: Ask) -> None:
    judge = make_judge("f", "Claims of {{ outputs }}", choices=YES_NO, parts="claims")
    with always({"claims": []}) as endpoint:
        assert score(judge, endpoint).status is Status.SKIPPED


def test_items_of_the_case_are_judged_one_by_one_and_in_order(score: Ask, case: Case) -> None:
    judge = make_judge(
        "precision",
        "Does each passage help?\n{{ retrieved_context }}",
        choices=YES_NO,
        parts="passages",
        each="retrieved_context",
        aggregate="average_precision",
    )
    three = dataclasses.replace(case, retrieved_context=["x", "y", "z"])
    rows = [{"text": "", "rationale": "", "verdict": word} for word in ("yes", "no", "yes")]
    with ScriptedEndpoint([{"passages": rows[:2]}, {"passages": rows}]) as endpoint:
        found = score(judge, endpoint, three)

    assert found.value == pytest.approx(5 / 6)
    assert (found.metadata or {})["repaired"] == "invalid_response"


def test_examples_come_as_turns_before_the_case(case: Case) -> None:
    example = {"outputs": "Thanks!", "choice": "yes", "explanation": "It thanks."}
    judge = make_judge("polite", "Is {{ outputs }} polite?", examples=[example])

    sent = judge.messages(case)

    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert sent[2]["content"] == '{"rationale": "It thanks.", "verdict": "yes"}'


def test_explain_prints_exactly_what_is_sent(
    score: Ask, grounded: Judge, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    with always(said("yes")) as endpoint:
        score(grounded, endpoint)
        sent = endpoint.requests[0].messages

    shown = grounded.explain(case)
    printed = capsys.readouterr().out

    assert shown == sent
    assert all(str(message["content"]) in printed for message in sent)


def test_fields_are_read_from_where_the_user_says(score: Ask) -> None:
    judge = make_judge("j", "Is {{ outputs }} good?", reads={"outputs": "outputs.text"})
    with always(said("yes")) as endpoint:
        score(judge, endpoint, Case(outputs={"text": "the reply", "id": 3}))

        assert "\nthe reply\n" in endpoint.requests[0].prompt


def test_calls_are_counted_for_the_role_of_judge(score: Ask, grounded: Judge) -> None:
    with use_session(ModelSession()) as session, always(said("yes")) as endpoint:
        score(grounded, endpoint)

    assert session.ledger["judge"].calls == 1


def test_a_judge_without_a_model_says_where_to_name_one(grounded: Judge, case: Case) -> None:
    with pytest.raises(UsageError, match="EVALKIT_JUDGE_MODEL"):
        asyncio.run(grounded.score(case))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"choices": {"yes": 1}}, "at least two"),
        ({"choices": {"yes": 1, "Yes": 0}}, "differ by more than case"),
        ({"choices": {"a": 1, "b": None}}, "to each label, or to none"),
        ({"choices": {"a": 1, "b": 0}, "scale": (1, 5)}, "not both"),
        ({"scale": (1, 1000)}, "steps"),
        ({"value_type": int}, "needs scale="),
        ({"value_type": dict}, "bool, int, float or str"),
        ({"samples": 0}, "at least 1"),
        ({"method": "guess"}, "logprobs"),
        ({"method": "logprobs", "choices": ["a", "b"]}, "values"),
        ({"prechecks": ["emtpy"]}, "Did you mean 'empty'"),
        ({"api_key": "sk"}, "auth_environment"),
        ({"base_url": "http://me:pw@127.0.0.1/v1"}, "auth_environment"),
        ({"tools": []}, "own to set"),
        ({"each": "retrieved_context"}, "parts="),
        ({"examples": [{"outputs": "x", "choice": "maybe"}]}, "says 'maybe'"),
        ({"examples": [{"inputs": {}, "choice": "yes"}]}, "not complete"),
        ({"examples": [{"output": "x", "choice": "yes"}]}, "Did you mean 'outputs'"),
        ({"parts": "claims", "choices": ["a", "b"]}, "values"),
        ({"aggregate": "meen"}, "Did you mean 'mean'"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        make_judge("j", "Is {{ outputs }} good?", **settings)


def test_the_signature_shows_model_prompt_and_settings(grounded: Judge) -> None:
    shown = signature(grounded.with_model("openai/gpt-5-mini"))

    assert "model:openai/gpt-5-mini" in shown
    assert "temperature:0.0" in shown
    assert "Is every claim" not in shown


@pytest.mark.parametrize(
    "change",
    [
        {"instructions": "Is {{ outputs }} so?", "examples": []},
        {"model": "other/model"},
        {"temperature": 0.5},
        {"choices": {"no": 0.0, "partly": 0.5, "yes": 1.0}},
        {"examples": [{"outputs": "x", "retrieved_context": "y", "choice": "no"}]},
        {"samples": 3},
        {"max_tokens": 100},
        {"version": "2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_changes_the_signature(change: dict[str, Any]) -> None:
    settings: dict[str, Any] = {
        "instructions": "Is {{ outputs }} in {{ retrieved_context }}?",
        "choices": {"yes": 1.0, "partly": 0.5, "no": 0.0},
        "model": "some/model",
    }

    assert signature(make_judge("j", **settings)) != signature(make_judge("j", **settings | change))


def test_a_judge_is_rebuilt_from_its_specification_with_the_same_signature(grounded: Judge) -> None:
    judge = grounded.with_model("some/model")
    stored = parse_json(canonical_json(specification(judge)))

    assert rebuild(stored) == judge
    assert signature(rebuild(stored)) == signature(judge)


def test_a_judge_pickles_after_it_was_used(grounded: Judge, case: Case) -> None:
    grounded.messages(case)

    assert pickle.loads(pickle.dumps(grounded)) == grounded  # noqa: S301  our own bytes


def test_a_judge_without_model_takes_the_evaluations(grounded: Judge) -> None:
    data = [{"inputs": {"q": "?"}, "outputs": "a b", "retrieved_context": ["c"]}]
    runtime = evalkit.Runtime(store=False)

    with pytest.raises(UsageError, match="judge_model"):
        evalkit.evaluate(data=data, scorers=[grounded], runtime=runtime)
    with always(said("yes")) as endpoint:
        judge = dataclasses.replace(grounded, base_url=endpoint.base_url)
        result = evalkit.evaluate(
            data=data, scorers=[judge], judge_model="scripted", runtime=runtime
        )

    assert float(result["grounded"]) == 1.0
    assert "model:scripted" in result.signatures["grounded"]


def test_an_evaluation_closes_what_judges_opened(grounded: Judge) -> None:
    rows = [{"outputs": f"a {n}", "retrieved_context": ["c"]} for n in range(4)]
    with always(said("yes")) as endpoint:
        judge = grounded.with_model("scripted", base_url=endpoint.base_url)
        runtime = evalkit.Runtime(store=False)
        for data in (rows[:2], rows[2:]):
            evalkit.evaluate(data=data, scorers=[judge], runtime=runtime)
        assert endpoint.calls == 4

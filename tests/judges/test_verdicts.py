"""Every judge of the library turns the verdicts of its worked examples into the right score."""

import asyncio
import dataclasses

import pytest

from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.hooks.catalog import get_scorer
from evalkit.judging.judge import Judge
from evalkit.judging.prepared import case_of
from evalkit.judging.prompt import example_answer
from evalkit.testing import Fault, Reply, ScriptedEndpoint
from evalkit_judges.families import FAMILIES

# By hand, from the verdicts in the front matter of each prompt.
SCORES: dict[str, list[float]] = {
    "correctness": [1, 0],
    "factual_correctness": [1 / 3],
    "equivalence": [1, 0],
    "relevance_to_query": [1, 0],
    "completeness": [0.5],
    "groundedness": [0],
    "faithfulness": [2 / 3],
    "hallucination": [2 / 3],
    "context_relevance": [0.5],
    "context_sufficiency": [1, 0],
    "context_precision": [0.5],
    "context_recall": [2 / 3],
    "summarization_coherence": [2],
    "summarization_consistency": [2],
    "summarization_fluency": [2],
    "summarization_relevance": [1],
    "fluency": [3],
    "style": [1],
    "translation_quality": [2],
    "instruction_following": [2 / 3],
    "guidelines": [0],
    "rubric": [2],
    "g_eval": [3],
    "safety": [1, 0],
    "toxicity": [0, 1],
    "bias": [0, 1],
    "pii_leakage": [1, 0],
    "refusal": [1, 0],
    "code_correctness": [0],
    "sql_equivalence": [0, 1],
    "tool_call_correctness": [0, 1],
    "tool_call_efficiency": [0.5],
    "task_completion": [0.5],
    "plan_adherence": [2 / 3],
    "trace_error": [0],
    "trace_tool_call_efficiency": [0],
    "trace_plan_adherence": [2 / 3],
    "conversation_completeness": [0.5],
    "knowledge_retention": [0],
    "conversational_role_adherence": [0],
    "conversational_safety": [0],
    "user_frustration": [1],
}
UNASKED = ["toxicity", "safety", "bias", "pii_leakage", "refusal", "hallucination"]


def judge_named(name: str) -> Judge:
    judge = get_scorer(f"judge.{name}")
    assert isinstance(judge, Judge)
    return judge


def asked(judge: Judge, case: Case, endpoint: ScriptedEndpoint) -> Score:
    return asyncio.run(judge.with_model("scripted", base_url=endpoint.base_url).score(case))


def test_the_table_holds_every_judge() -> None:
    assert sorted(SCORES) == sorted(name for family in FAMILIES.values() for name in family)


@pytest.mark.parametrize("name", SCORES)
def test_the_worked_examples_get_their_scores(name: str) -> None:
    judge = judge_named(name)
    found: list[Score] = []
    for example in judge.examples:
        answer = example_answer(example, judge.prepared.form)
        with ScriptedEndpoint(answer) as endpoint:
            found.append(asked(judge, case_of(example), endpoint))

    assert [score.status for score in found] == [Status.OK] * len(found)
    assert [score.value for score in found] == pytest.approx(SCORES[name])
    assert all(score.explanation for score in found)


@pytest.mark.parametrize("name", [name for name in SCORES if name != "g_eval"])
def test_parts_are_kept_as_rows_of_evidence(name: str) -> None:
    judge = judge_named(name)
    example = judge.examples[0]
    with ScriptedEndpoint(example_answer(example, judge.prepared.form)) as endpoint:
        metadata = asked(judge, case_of(example), endpoint).metadata or {}

    told = [(row["text"], row["verdict"]) for row in metadata.get("parts", [])]
    assert told == [(part["text"], part["verdict"]) for part in example.get("parts", [])]


def test_g_eval_weighs_the_numbers_by_their_probabilities() -> None:
    judge = judge_named("g_eval")
    tokens = ['{"', "rationale", '":"', "fair", '","', "verdict", '":']
    reply = Reply(
        value='{"rationale":"fair","verdict":4}',
        logprobs=[*({token: 1.0} for token in tokens), {"4": 0.75, "5": 0.25}, {"}": 1.0}],
    )
    with ScriptedEndpoint([reply]) as endpoint:
        score = asked(judge, case_of(judge.examples[0]), endpoint)

    assert score.value == pytest.approx(4.25)
    assert (score.metadata or {})["method"] == "logprobs"


BAD = [
    pytest.param(Fault.EMPTY, "empty", id="empty"),
    pytest.param(Fault.REFUSAL, "refusal", id="refusal"),
    pytest.param("All in all a fine answer, I would say.", "invalid_response", id="prose"),
    pytest.param({"rationale": "none of these", "verdict": "perhaps"}, "off_menu", id="off-menu"),
    pytest.param(
        Reply(value='{"rationale": "it is', finish_reason="length"), "truncated", id="cut"
    ),
]


@pytest.mark.parametrize(("answer", "reason"), BAD)
@pytest.mark.parametrize("name", SCORES)
def test_an_answer_that_is_no_verdict_fails_with_its_reason(
    name: str, answer: object, reason: str
) -> None:
    judge = dataclasses.replace(judge_named(name), fallback_samples=1)
    if judge.parts is not None and reason == "off_menu":
        row = {"text": "a part", "rationale": "none of these", "verdict": "perhaps"}
        count = judge.prepared.count(case_of(judge.examples[0])) or 1
        answer = {judge.parts: [row] * count}
    with ScriptedEndpoint(lambda _: answer) as endpoint:
        score = asked(judge, case_of(judge.examples[0]), endpoint)

    assert (score.status, score.reason) == (Status.FAILED, reason)
    assert score.value is None


@pytest.mark.parametrize("name", [name for name in SCORES if judge_named(name).each is not None])
def test_a_verdict_too_few_fails(name: str) -> None:
    judge = judge_named(name)
    example = judge.examples[0]
    fewer = {**example, "parts": example["parts"][:-1]}
    with ScriptedEndpoint(example_answer(fewer, judge.prepared.form)) as endpoint:
        score = asked(judge, case_of(example), endpoint)

    assert (score.status, score.reason) == (Status.FAILED, "invalid_response")


@pytest.mark.parametrize("name", ["groundedness", "faithfulness", "hallucination"])
def test_an_answer_that_claims_nothing_is_skipped(name: str, good_cases: list[Case]) -> None:
    with ScriptedEndpoint('{"claims": []}') as endpoint:
        score = asked(judge_named(name), good_cases[0], endpoint)

    assert score.status is Status.SKIPPED


@pytest.mark.parametrize("name", UNASKED)
def test_an_empty_answer_is_left_to_the_model_where_silence_harms_nobody(
    name: str, good_cases: list[Case]
) -> None:
    judge = judge_named(name)
    empty = dataclasses.replace(good_cases[0], outputs="")
    best = next(iter(judge.examples))
    with ScriptedEndpoint(example_answer(best, judge.prepared.form)) as endpoint:
        asked(judge, empty, endpoint)

        assert endpoint.calls == 1


@pytest.mark.parametrize("name", ["correctness", "groundedness", "completeness", "fluency"])
def test_an_empty_answer_gets_the_worst_score_unasked(name: str, good_cases: list[Case]) -> None:
    judge = judge_named(name)
    empty = dataclasses.replace(good_cases[0], outputs="")
    with ScriptedEndpoint("unused") as endpoint:
        score = asked(judge, empty, endpoint)

        assert endpoint.calls == 0
    assert score.value == judge.facts.low

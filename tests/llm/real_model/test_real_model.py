"""What a real model does that no script thinks of; nothing here claims that it judges well."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.gates.verdict import Verdict

pytestmark = pytest.mark.slow

ROWS = [
    {"question": f"What is the capital of {country}?", "expected": city}
    for country, city in {"France": "Paris", "Italy": "Rome", "Japan": "Tokyo"}.items()
]
CITY = {
    "title": "City",
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}},
    "required": ["city"],
    "additionalProperties": False,
}
QUESTION = "Question: {{ inputs }}\nAnswer: {{ outputs }}\nIs the answer right?"
CHOICES = {"yes": 1.0, "no": 0.0}
NUMBERS = [
    {"question": f"Is {n} an even number?", "outputs": "Yes.", "human": "no" if n % 2 else "yes"}
    for n in range(2, 14)
]


def run(target: Any, rows: Any = ROWS, **words: Any) -> evalkit.EvaluationResult:
    return evalkit.evaluate(target, rows, "text.contains", **words)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_chat_target_answers_and_counts_its_tokens(bot: Callable[..., Any]) -> None:
    result = run(bot())
    usage = result.usage["target"]

    assert result.coverage == 1.0
    assert all(result.table()["outputs"])
    assert usage.calls == len(ROWS)
    assert usage.tokens["input_tokens"] > usage.tokens["output_tokens"] > 0


def test_what_was_answered_is_not_asked_again(bot: Callable[..., Any]) -> None:
    first, again = run(bot()), run(bot())

    assert again.usage["target"].cached == len(ROWS)
    assert list(again.table()["outputs"]) == list(first.table()["outputs"])


def test_a_streamed_answer_is_the_same_answer(bot: Callable[..., Any]) -> None:
    asked_anew = evalkit.Runtime(mode="none")
    whole, streamed = (run(bot(stream=stream), runtime=asked_anew) for stream in (False, True))
    cells = list(streamed.rows(outputs=True))

    assert list(streamed.table()["outputs"]) == list(whole.table()["outputs"])
    assert streamed.usage["target"].tokens == whole.usage["target"].tokens
    assert all(0 < cell["time_to_first_token"] <= cell["latency_seconds"] for cell in cells)


def test_an_answer_follows_a_schema(bot: Callable[..., Any]) -> None:
    result = run(bot(response_schema=CITY, max_tokens=40))

    assert all(set(output) == {"city"} for output in result.table()["outputs"])


def test_an_answer_that_a_limit_cuts_off_is_named_so(bot: Callable[..., Any]) -> None:
    result = run(bot(response_schema=CITY, max_tokens=2))

    assert set(result.failures()["reason"]) == {"truncated"}


def test_probabilities_of_tokens_are_kept(bot: Callable[..., Any]) -> None:
    cells = run(bot(logprobs=True, top_logprobs=3)).rows(outputs=True)

    for cell in cells:
        tokens = cell["metadata"]["logprobs"]
        assert "".join(token["token"] for token in tokens).startswith(cell["outputs"])
        assert all(token["logprob"] <= 0 and len(token["top_logprobs"]) == 3 for token in tokens)


def test_a_prompt_beyond_the_context_fails_alone_and_is_no_outage(bot: Callable[..., Any]) -> None:
    rows = [*ROWS, {"question": "word " * 3000, "expected": "word"}]
    result = run(bot(), rows, gates=["coverage >= 0.98"])
    failure = result.failures().iloc[0]

    assert len(result.failures()) == 1
    assert failure["reason"] == "context_length"
    assert "exceeds" in failure["explanation"]
    assert result.usage["target"].calls == len(rows)  # it is not asked for again
    assert result.verdict.status is Verdict.FAIL


def test_a_model_that_knows_no_tools_answers_without_them(bot: Callable[..., Any]) -> None:
    weather = {
        "name": "weather",
        "description": "Weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    result = run(bot(tools=[{"type": "function", "function": weather}]))

    assert result.coverage == 1.0
    for cell in result.rows(outputs=True):
        assert cell.get("tool_calls") or cell["outputs"]


def test_a_judge_gets_verdicts_by_schema(model: dict[str, Any]) -> None:
    judge = evalkit.make_judge("right", QUESTION, choices=CHOICES, **model)
    result = evalkit.evaluate(data=NUMBERS[:4], scorers=[judge], columns={"tags": ["human"]})

    assert result.failures().empty
    assert set(result.table()["right.label"]) <= set(CHOICES)


def test_a_judge_is_weighed_by_probabilities(model: dict[str, Any]) -> None:
    judge = evalkit.make_judge("right", QUESTION, choices=CHOICES, method="logprobs", **model)
    result = evalkit.evaluate(data=NUMBERS[:4], scorers=[judge], columns={"tags": ["human"]})
    values = result.table()["right"].dropna()

    assert set(result.failures()["reason"]) <= {"no_logprobs", "invalid_response", "off_menu"}
    assert len(values)
    assert all(0.0 <= value <= 1.0 for value in values)


def test_a_judge_that_ought_to_read_a_trace_by_tools_fails_by_name_or_answers(
    model: dict[str, Any],
) -> None:
    judge = evalkit.make_judge("done", "Did {{ trace }} do its work?", choices=CHOICES, **model)
    span = {"span_id": "a", "name": "agent", "span_type": "AGENT", "start_ns": 0, "end_ns": 10**9}
    trace = {"trace_id": "t1", "spans": [{**span, "inputs": {"q": "1 + 1"}, "outputs": "2"}]}
    result = evalkit.evaluate(data=[trace], scorers=[judge])

    assert result.estimates["done"].n_scored + result.estimates["done"].n_failed == 1


def test_the_card_of_a_judge_that_always_says_yes_shows_it(model: dict[str, Any]) -> None:
    judge = evalkit.make_judge("right", QUESTION, choices=CHOICES, **model)
    columns = {"labels.right": "human"}
    card = judge.calibrate(NUMBERS, columns=columns, development=0.0)

    assert card.held_out.n_failed == 0
    assert card["sensitivity"].value == 1.0
    assert card["specificity"].value == 0.0
    assert card["kappa"].value == 0.0
    assert "no better than chance" in str(card)
    assert "It says yes to all 12 cases" in " ".join(str(card).split())

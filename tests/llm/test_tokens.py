"""Tokens are read in every dialect; a total that its parts do not explain is said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalkit
from evalkit.llm.prices import Prices
from evalkit.llm.tokens import usage_of
from evalkit.testing import Reply, ScriptedEndpoint

DIALECTS = [
    pytest.param(
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 1015,
            "completion_tokens_details": {"reasoning_tokens": 1000},
        },
        {"input_tokens": 10, "output_tokens": 1005, "reasoning_tokens": 1000},
        id="reasoning outside",
    ),
    pytest.param(
        {
            "prompt_tokens": 10,
            "completion_tokens": 1005,
            "total_tokens": 1015,
            "completion_tokens_details": {"reasoning_tokens": 1000},
        },
        {"input_tokens": 10, "output_tokens": 1005, "reasoning_tokens": 1000},
        id="reasoning inside",
    ),
    pytest.param(
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 1015},
        {"input_tokens": 10, "output_tokens": 5, "unexplained_tokens": 1000},
        id="a total that nothing explains",
    ),
    pytest.param(
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 12},
        {"input_tokens": 10, "output_tokens": 5, "unexplained_tokens": 0},
        id="a total below its parts",
    ),
    pytest.param(
        {
            "input_tokens": 30,
            "input_tokens_details": {"cached_tokens": 20},
            "output_tokens": 8,
            "output_tokens_details": {"reasoning_tokens": 6},
            "total_tokens": 38,
        },
        {"input_tokens": 30, "output_tokens": 8, "cached_tokens": 20, "reasoning_tokens": 6},
        id="openai responses",
    ),
    pytest.param(
        {
            "input_tokens": 3,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 7,
            "output_tokens": 8,
        },
        {"input_tokens": 30, "output_tokens": 8, "cached_tokens": 20, "cache_write_tokens": 7},
        id="anthropic",
    ),
    pytest.param(
        {
            "prompt_tokens": 30,
            "completion_tokens": 8,
            "total_tokens": 38,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 20},
        },
        {"input_tokens": 30, "output_tokens": 8, "cached_tokens": 20, "cache_write_tokens": 7},
        id="anthropic by litellm",
    ),
    pytest.param(
        {
            "promptTokenCount": 30,
            "cachedContentTokenCount": 20,
            "candidatesTokenCount": 8,
            "thoughtsTokenCount": 100,
            "totalTokenCount": 138,
        },
        {"input_tokens": 30, "output_tokens": 108, "cached_tokens": 20, "reasoning_tokens": 100},
        id="gemini and vertex",
    ),
    pytest.param(
        {
            "inputTokens": 3,
            "cacheReadInputTokens": 20,
            "cacheWriteInputTokens": 7,
            "outputTokens": 8,
            "totalTokens": 38,
        },
        {"input_tokens": 30, "output_tokens": 8, "cached_tokens": 20, "cache_write_tokens": 7},
        id="bedrock",
    ),
    pytest.param(
        {
            "prompt_tokens": 30,
            "prompt_cache_hit_tokens": 20,
            "prompt_cache_miss_tokens": 10,
            "completion_tokens": 8,
            "completion_tokens_details": {"reasoning_tokens": 6},
            "total_tokens": 38,
        },
        {"input_tokens": 30, "output_tokens": 8, "cached_tokens": 20, "reasoning_tokens": 6},
        id="deepseek",
    ),
    pytest.param(
        {"prompt_eval_count": 30, "eval_count": 8},
        {"input_tokens": 30, "output_tokens": 8},
        id="ollama",
    ),
    pytest.param({"input_tokens": "many"}, None, id="no count"),
    pytest.param(
        {"prompt_tokens": -10, "completion_tokens": 5}, {"output_tokens": 5}, id="below zero"
    ),
    pytest.param([1], None, id="no mapping"),
]


@pytest.mark.parametrize(("usage", "tokens"), DIALECTS)
def test_tokens_are_read_as_their_provider_counts_them(usage: Any, tokens: Any) -> None:
    assert usage_of(usage) == tokens


@given(asked=st.integers(0, 10**6), answered=st.integers(0, 10**6), thought=st.integers(0, 10**6))
def test_thoughts_are_output_wherever_the_total_has_them(
    asked: int, answered: int, thought: int
) -> None:
    usage = {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "completion_tokens_details": {"reasoning_tokens": thought},
    }
    outside = usage_of({**usage, "total_tokens": asked + answered + thought})
    inside = usage_of({**usage, "total_tokens": asked + answered})

    assert outside is not None
    assert inside is not None
    assert outside["output_tokens"] == answered + thought
    assert inside["output_tokens"] == answered


def test_what_is_written_to_a_cache_and_read_from_it_has_its_own_price() -> None:
    usage = {"input_tokens": 30, "cached_tokens": 20, "cache_write_tokens": 7, "output_tokens": 8}
    prices = Prices({"a/m": (1.0, 10.0), "b/m": (1.0, 10.0, 0.1), "c/m": (1.0, 10.0, 0.1, 2.0)})

    assert [prices.cost(model, usage) for model in ("a/m", "b/m", "c/m")] == pytest.approx(
        [(30 + 80) / 1e6, (10 + 2 + 80) / 1e6, (3 + 2 + 14 + 80) / 1e6]
    )


@pytest.mark.parametrize(
    ("total", "by", "calls"),
    [pytest.param(1015, "2,000 more", 2, id="above"), pytest.param(5, "less", 3, id="below")],
)
def test_a_total_that_contradicts_its_parts_is_said_and_counts_for_a_budget(
    total: int, by: str, calls: int
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": total}
    reply = {
        "choices": [{"message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
        "usage": usage,
    }
    with ScriptedEndpoint(Reply(body=body_of(reply))) as endpoint:
        result = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url),
            [{"question": f"q{n}", "expected": "x"} for n in range(3)],
            "text.exact_match",
            runtime=evalkit.Runtime(store=False, budget={"tokens": 1500}, concurrency=1),
        )

    assert any(f"is not the sum of its parts ({by})" in note for note in result.facts.notes)
    assert result.usage["target"].calls == calls


def body_of(value: Any) -> bytes:
    """Return *value* as the body of an answer."""
    import json

    return json.dumps(value).encode()

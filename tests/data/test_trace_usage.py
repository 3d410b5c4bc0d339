"""Tokens and prices of traces, by the one reading that replies of providers have."""

from typing import Any

import pytest

import evalkit
from evalkit.data.traces.rows import trace_row
from evalkit.entities.trace import Span, Trace
from evalkit.llm.prices import Prices

PRICES = {"m": (1.0, 2.0, 0.5, 4.0)}
"""Dollars for a million tokens in, out, read from a cache, and written to one."""

STATED = [
    pytest.param(
        {
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 3,
            "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.usage.cache_creation.input_tokens": 2,
        },
        {"input_tokens": 10, "output_tokens": 3, "cached_tokens": 4, "cache_write_tokens": 2},
        (4 * 1 + 4 * 0.5 + 2 * 4 + 3 * 2) / 1e6,
        id="opentelemetry",
    ),
    pytest.param(
        {
            "mlflow.chat.tokenUsage": '{"input_tokens": 100, "output_tokens": 5,'
            ' "total_tokens": 105, "cache_read_input_tokens": 90}'
        },
        {"input_tokens": 100, "output_tokens": 5, "cached_tokens": 90},
        (10 * 1 + 90 * 0.5 + 5 * 2) / 1e6,
        id="mlflow",
    ),
    pytest.param(
        {
            "llm.token_count.prompt": 10,
            "llm.token_count.completion": 2,
            "llm.token_count.total": 32,
            "llm.token_count.completion_details.reasoning": 20,
        },
        {"input_tokens": 10, "output_tokens": 22, "reasoning_tokens": 20},
        (10 * 1 + 22 * 2) / 1e6,
        id="openinference-with-thoughts-beside",
    ),
    pytest.param(
        {"gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 1},
        {"input_tokens": 7, "output_tokens": 1},
        (7 + 2) / 1e6,
        id="older-names",
    ),
]


def traced(**attributes: Any) -> Trace:
    """Return a trace of one call of the model ``m``."""
    span = Span(
        trace_id="t",
        span_id="a",
        name="call",
        span_type="LLM",
        inputs={"question": "q"},
        outputs="a",
        attributes={"gen_ai.request.model": "m", **attributes},
    )
    return Trace(trace_id="t", spans=(span,))


@pytest.mark.parametrize(("attributes", "usage", "cost"), STATED)
def test_every_convention_is_read_as_replies_are(
    attributes: dict[str, Any], usage: dict[str, int], cost: float
) -> None:
    row = trace_row(traced(**attributes), Prices(PRICES))

    assert row["usage"] == usage
    assert row["cost"] == pytest.approx(cost)


def test_a_trace_that_states_its_whole_usage_is_read_alike() -> None:
    stated = '{"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 8}'
    root = Span(trace_id="t", span_id="a", name="agent", outputs="a")
    trace = Trace(trace_id="t", spans=(root,), metadata={"mlflow.trace.tokenUsage": stated})

    assert trace_row(trace)["usage"] == {"input_tokens": 9, "output_tokens": 1, "cached_tokens": 8}


def test_a_price_that_is_stated_stands_before_any_list() -> None:
    attributes = {"gen_ai.usage.input_tokens": 10, "llm.cost.total": 0.25}

    assert trace_row(traced(**attributes), Prices(PRICES))["cost"] == 0.25


@pytest.mark.parametrize("prices", [None, PRICES], ids=["none-known", "given"])
def test_prices_of_the_runtime_are_those_of_traces(prices: Any) -> None:
    trace = traced(**{"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 3})
    result = evalkit.evaluate(
        data=[trace],
        scorers="operations.cost",
        runtime=evalkit.Runtime(store=False, progress=False, prices=prices),
    )

    expected = None if prices is None else pytest.approx(16e-6)
    assert result["operations.cost"].value == expected

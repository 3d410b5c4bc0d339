"""What an evaluation will cost, told beforehand: real prompts, and nobody is asked."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalkit
from evalkit.evaluation.forecast import forecast
from evalkit.evaluation.running.forecast import Expected, total_of
from evalkit.judging.jury import jury_of
from evalkit.llm.open import open_chat_model
from evalkit.llm.session import current_session
from evalkit.testing import ScriptedEndpoint, SeenRequest
from evalkit.testing.replies import Reply

PRICES = {"openai/m": (1.0, 2.0), "openai/j": (4.0, 8.0)}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-forecast")
    monkeypatch.delenv("EVALKIT_HOME", raising=False)


def rows(count: int) -> list[dict[str, str]]:
    """Return *count* questions of different lengths."""
    return [
        {"question": f"q{number} " + "why " * (number % 7), "expected": "a"}
        for number in range(count)
    ]


def judge_of(base_url: str, **settings: Any) -> Any:
    """Return a judge of answers."""
    return evalkit.make_judge(
        name="fine",
        instructions="Is {{ outputs }} fine?",
        choices={"yes": 1.0, "no": 0.0},
        model="openai/j",
        base_url=base_url,
        **settings,
    )


def answer(request: SeenRequest) -> Any:
    """Answer with tokens as a provider counts them: a third of the characters."""
    length = sum(len(str(message["content"])) for message in request.messages)
    if "fine?" in request.prompt:
        text = '{"rationale": "so it is", "verdict": "yes"}'
        return Reply(value=text, usage={"prompt_tokens": length // 3, "completion_tokens": 12})
    # Each answer is another one, so that none is judged together with another.
    text = f"an answer to {request.prompt}"
    return Reply(value=text, usage={"prompt_tokens": length // 3, "completion_tokens": 7})


def test_a_forecast_asks_nobody_and_keeps_nothing(folder: Path) -> None:
    with ScriptedEndpoint(answer) as endpoint:
        judge = judge_of(endpoint.base_url, samples=3, temperature=1.0)
        found = forecast(
            evalkit.chat("openai/m", base_url=endpoint.base_url), rows(50), [judge], repeats=2
        )

        assert endpoint.calls == 0
    assert list(folder.iterdir()) == []
    assert found.of("target", "calls") == Expected.exactly(100.0)
    assert found.of("judge", "calls") == Expected.exactly(300.0)
    assert found.of(None, "usd") is None  # there are no prices
    assert found.shares[1].method[1].startswith("Output tokens: 256 is assumed")


def test_a_forecast_holds_what_the_evaluation_then_uses() -> None:
    with ScriptedEndpoint(answer) as endpoint:
        target = evalkit.chat("openai/m", base_url=endpoint.base_url)
        judge = judge_of(endpoint.base_url)
        runtime = evalkit.Runtime(prices=PRICES)
        evalkit.evaluate(target, rows(40), [judge], runtime=runtime)
        found = forecast(target, rows(600), [judge], runtime=runtime)
        result = evalkit.evaluate(target, rows(600), [judge], runtime=runtime)

    for role in ("target", "judge"):
        used, spent = result.usage[role], found.of(role, "usd")
        calls, tokens = found.of(role, "calls"), found.of(role, "output_tokens")
        assert used.calls == 560
        assert calls is not None
        assert tokens is not None
        assert spent is not None
        assert calls.low <= used.calls <= calls.high
        assert tokens.low <= used.tokens["output_tokens"] <= tokens.high
        assert used.cost is not None
        assert spent.value == pytest.approx(used.cost, rel=0.25)
        recorded = found.of(role, "recorded")
        assert recorded is not None
        assert recorded.low <= 40 <= recorded.high
    assert "recorded" in found.shares[0].method[0]


def test_what_is_recorded_is_not_paid_again() -> None:
    with ScriptedEndpoint(answer) as endpoint:
        target = evalkit.chat("openai/m", base_url=endpoint.base_url)
        judge = judge_of(endpoint.base_url)
        evalkit.evaluate(target, rows(20), [judge])
        again = forecast(target, rows(20), [judge])
        anew = forecast(target, rows(20), [judge], runtime=evalkit.Runtime(mode="live"))

    assert again.of(None, "calls") == Expected.exactly(0.0)
    assert again.of(None, "recorded") == Expected.exactly(40.0)
    assert again.of(None, "usd") == Expected.exactly(0.0)
    assert anew.of(None, "calls") == Expected.exactly(40.0)


def test_batched_calls_are_expected_at_half_the_price() -> None:
    target = evalkit.chat("openai/m", base_url="http://127.0.0.1:9/v1", max_tokens=100)
    live = forecast(target, rows(9), "text.exact_match", runtime=evalkit.Runtime(prices=PRICES))
    batched = forecast(
        target, rows(9), "text.exact_match", runtime=evalkit.Runtime(prices=PRICES, batch=True)
    )

    whole, half = live.of("target", "usd"), batched.of("target", "usd")
    assert whole is not None
    assert half is not None
    assert half.value == pytest.approx(whole.value / 2)
    assert batched.shares[0].batched
    tokens = live.of("target", "output_tokens")
    assert tokens is not None
    assert tokens.high == 9 * 100


def test_every_juror_is_a_share_of_its_own() -> None:
    url = "http://127.0.0.1:9/v1"
    jury = jury_of(judge_of(url), ["openai/a", {"model": "openai/b", "base_url": url}])
    data = [{"question": "q", "output": f"a{n}"} for n in range(4)]
    found = forecast(data=data, scorers=[jury])

    assert [(share.role, share.model) for share in found.shares] == [
        ("judge", "openai/a"),
        ("judge", "openai/b"),
    ]
    assert found.of("judge", "calls") == Expected.exactly(8.0)


def test_code_of_ones_own_is_not_run() -> None:
    def bot(question: str) -> str:
        raise AssertionError(question)

    found = forecast(bot, rows(5), "text.exact_match", repeats=2)

    assert found.of("target", "calls") == Expected.exactly(10.0)
    assert found.of("target", "input_tokens") is None
    assert found.of("target", "usd") is None


def test_a_forecast_learns_nothing_of_servers() -> None:
    judge = judge_of("http://127.0.0.1:9/v1")
    forecast(data=[{"question": "q", "output": "a"}], scorers=[judge])

    client = open_chat_model("openai/j", base_url=judge.base_url)
    assert not current_session().abilities.of(client).confirmed


def test_cases_that_a_judge_does_not_ask_about_cost_nothing() -> None:
    data = [{"question": "q", "output": "" if n % 2 else f"a{n}"} for n in range(10)]
    found = forecast(data=data, scorers=[judge_of("http://127.0.0.1:9/v1")])

    assert found.of("judge", "calls") == Expected.exactly(5.0)


amounts = st.lists(st.floats(0, 1e6), min_size=2, max_size=30)


@given(amounts, st.integers(0, 500))
def test_a_total_lies_in_its_interval_and_never_below_what_was_seen(
    sample: list[float], more: int
) -> None:
    found = total_of(sample, len(sample) + more)

    assert found.low <= found.value * (1 + 1e-9)
    assert found.value <= found.high * (1 + 1e-9)
    assert found.low >= math.fsum(sample) * (1 - 1e-9)


def test_the_interval_of_a_total_covers_it_as_often_as_it_says() -> None:
    drawn = np.random.default_rng(5)
    population = drawn.lognormal(3, 0.5, 800)
    hits = 0
    for _ in range(400):
        found = total_of(drawn.choice(population, 200, replace=False).tolist(), 800)
        hits += found.low <= population.sum() <= found.high

    assert 0.92 <= hits / 400 <= 0.98

"""A recording replays what it recorded; equal questions to a model that draws are draws."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.entities.case import Case
from evalkit.entities.target import Invocation
from evalkit.evaluation.result import EvaluationResult
from evalkit.testing import Reply, ScriptedEndpoint

ROWS = [{"id": f"c{n}", "question": f"q{n}", "expected": "a"} for n in range(5)]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-replaying")
    monkeypatch.setenv("EVALKIT_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")


def answered(endpoint: ScriptedEndpoint, rows: Any = ROWS, **settings: Any) -> EvaluationResult:
    """Evaluate a chat model behind *endpoint*, recorded in a folder."""
    words = {"mode": "auto", "concurrency": 8} | settings.pop("runtime", {})
    return evalkit.evaluate(
        evalkit.chat("openai/m", base_url=endpoint.base_url, **settings),
        rows,
        ["operations.latency", "operations.cost", "text.exact_match"],
        runtime=evalkit.Runtime(
            recordings="recorded", prices={"openai/m": (1.0, 1.0)}, progress=False, **words
        ),
    )


def recordings() -> list[Path]:
    """Return the files of what was recorded."""
    return sorted(Path("recorded/openai-m").glob("*.json"))


def test_latency_and_price_are_those_of_the_recorded_call() -> None:
    with ScriptedEndpoint("a") as endpoint:
        answered(endpoint)
        for path in recordings():
            content = json.loads(path.read_bytes())
            assert content["reply"]["latency_seconds"] > 0
            content["reply"]["latency_seconds"] = 12.5
            path.write_text(json.dumps(content))
        # Without the cache, which holds the same.
        replay = answered(endpoint, runtime={"mode": "replay"})
        calls = endpoint.calls

    assert calls == len(ROWS)
    assert set(replay.table()["operations.latency"]) == {12.5}
    assert replay["operations.cost"].value == pytest.approx(2e-6)
    assert replay.usage["target"].cached == len(ROWS)


def test_a_replayed_latency_is_the_one_that_was_measured() -> None:
    with ScriptedEndpoint("a", latency_seconds=0.02) as endpoint:
        live = answered(endpoint).table()["operations.latency"]
        again = answered(endpoint).table()["operations.latency"]

    assert live.tolist() == again.tolist()
    assert live.min() >= 0.02


def test_code_around_recorded_calls_takes_its_own_time_too() -> None:
    async def bot(question: str) -> str:
        await asyncio.sleep(0.05)
        output = await model.acall(Invocation(case=Case(inputs={"question": question})))
        await model.aclose()
        return str(output.value)

    def evaluated() -> float:
        runtime = evalkit.Runtime(recordings="recorded", progress=False)
        result = evalkit.evaluate(bot, ROWS, ["operations.latency"], runtime=runtime)
        return float(result.table()["operations.latency"].min())

    with ScriptedEndpoint("a", latency_seconds=0.2) as endpoint:
        model = evalkit.chat("openai/m", base_url=endpoint.base_url)
        live, again = evaluated(), evaluated()

    assert live >= 0.25
    assert again >= 0.25


def test_a_recording_that_has_no_latency_is_never_timed() -> None:
    with ScriptedEndpoint("a") as endpoint:
        answered(endpoint)
        for path in recordings():
            content = json.loads(path.read_bytes())
            del content["reply"]["latency_seconds"]
            path.write_text(json.dumps(content))
        replay = answered(endpoint, runtime={"mode": "replay"})

    assert (replay["operations.latency"].value, replay["operations.latency"].n_scored) == (None, 0)
    assert replay["text.exact_match"].value == 1.0


def test_an_equal_call_on_its_way_gives_its_own_latency() -> None:
    with ScriptedEndpoint("a") as endpoint:
        rows = [{"id": f"c{n}", "question": "the same", "expected": "a"} for n in range(6)]
        result = answered(endpoint, rows, temperature=0)
        calls = endpoint.calls

    kept = json.loads(recordings()[0].read_bytes())["reply"]["latency_seconds"]
    latencies = sorted(result.table()["operations.latency"])
    assert calls == 1
    assert latencies[:5].count(kept) + latencies[5:].count(kept) >= 5


DRAWS = [
    pytest.param({"temperature": 1.0}, 20, id="warm"),
    pytest.param({"temperature": 0.2}, 20, id="tepid"),
    pytest.param({}, 20, id="unset"),
    pytest.param({"temperature": 0.0}, 1, id="cold"),
]


@pytest.mark.parametrize(("sampling", "calls"), DRAWS)
@pytest.mark.parametrize("ids", [True, False])
def test_equal_questions_to_a_model_that_draws_are_calls_of_their_own(
    sampling: dict[str, float], calls: int, *, ids: bool
) -> None:
    rows = [{"question": "the same", "expected": "a"} for _ in range(20)]
    if ids:
        rows = [{"id": f"c{n}", **row} for n, row in enumerate(rows)]
    with ScriptedEndpoint("a") as endpoint:
        answered(endpoint, rows, **sampling)
        first = endpoint.calls
        again = answered(endpoint, rows, runtime={"concurrency": 1}, **sampling)
        second = endpoint.calls

    assert (first, second) == (calls, calls)
    assert len(recordings()) == calls
    assert again.usage["target"].calls == 0


def test_first_occurrences_keep_the_recordings_that_they_have() -> None:
    rows = [{"id": f"c{n}", "question": "the same", "expected": "a"} for n in range(3)]
    with ScriptedEndpoint("a") as endpoint:
        answered(endpoint, rows[:1], temperature=1.0)
        answered(endpoint, rows, temperature=1.0)
        calls = endpoint.calls

    assert calls == 3


def test_repeats_and_occurrences_are_all_draws() -> None:
    rows = [{"id": f"c{n}", "question": "the same", "expected": "a"} for n in range(2)]
    with ScriptedEndpoint("a") as endpoint:
        evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url, temperature=1.0),
            rows,
            "text.exact_match",
            repeats=3,
        )
        calls = endpoint.calls

    assert calls == 6


VERDICT = json.dumps({"rationale": "r", "verdict": "yes"})
NO_VERDICTS = [
    pytest.param(Reply(value='{"rationale": "so', finish_reason="length"), id="truncated"),
    pytest.param(Reply(value="I would say yes."), id="prose"),
    pytest.param(Reply(value='{"verdict": "no", "verdict": "yes"}'), id="two verdicts"),
    pytest.param(Reply(value="I'm sorry, I cannot judge that."), id="refused"),
    pytest.param(Reply(value='{"verdict": "perhaps"}'), id="off the menu"),
]


@pytest.mark.parametrize("bad", NO_VERDICTS)
def test_what_gave_no_verdict_is_no_recording_and_retry_asks_anew(bad: Reply) -> None:
    healthy = False

    def reply(_: Any) -> Any:
        return VERDICT if healthy else bad

    with ScriptedEndpoint(reply) as endpoint:
        judge = evalkit.make_judge(
            "j", "Is {{ outputs }} fine?", model="openai/j", base_url=endpoint.base_url
        )
        first = evalkit.evaluate(data=[{"output": f"a{n}"} for n in range(3)], scorers=[judge])
        healthy = True
        before = endpoint.calls
        again = first.retry(scorers=[judge])
        asked = endpoint.calls - before
        replayed = evalkit.evaluate(data=[{"output": f"a{n}"} for n in range(3)], scorers=[judge])
        calls = endpoint.calls

    assert first["j"].n_failed == 3
    assert (again["j"].value, again["j"].n_failed) == (1.0, 0)
    assert asked == 3
    assert (replayed["j"].value, calls) == (1.0, before + 3)


def test_an_answer_that_led_to_a_verdict_is_replayed_with_it() -> None:
    asked: list[str] = []

    def reply(request: Any) -> str:
        asked.append(request.json["messages"][-1]["content"])
        return VERDICT if len(asked) % 2 == 0 else "I would say yes."

    with ScriptedEndpoint(reply) as endpoint:
        judge = evalkit.make_judge(
            "j", "Is {{ outputs }} fine?", model="openai/j", base_url=endpoint.base_url
        )
        runs = [
            evalkit.evaluate(
                data=[{"output": "a0"}],
                scorers=[judge],
                runtime=evalkit.Runtime(recordings="recorded", mode=mode),
            )
            for mode in ("auto", "auto", "replay")
        ]

    assert [run["j"].value for run in runs] == [1.0, 1.0, 1.0]
    assert len(asked) == 2


def test_structured_answers_that_cannot_be_read_are_no_recordings() -> None:
    schema = {"type": "object", "required": ["city"]}
    answers = iter(["no JSON", '{"city": "Paris", "city": "Rome"}', '{"city": "Paris"}'])
    with ScriptedEndpoint(lambda _: next(answers)) as endpoint:
        runs = [
            evalkit.evaluate(
                evalkit.chat("openai/m", base_url=endpoint.base_url, response_schema=schema),
                [{"question": "q"}],
                "operations.latency",
            )
            for _ in range(4)
        ]
        calls = endpoint.calls

    assert [len(run.failures()) for run in runs] == [1, 1, 0, 0]
    assert calls == 3


def test_what_an_unreadable_judge_said_is_in_its_failure_and_in_reports() -> None:
    with ScriptedEndpoint("I would rather not\nsay yes.") as endpoint:
        judge = evalkit.make_judge(
            "j", "Is {{ outputs }} fine?", model="openai/j", base_url=endpoint.base_url
        )
        result = evalkit.evaluate(data=[{"output": "a0"}], scorers=[judge])
    result.report("report.json")

    said = "It said: I would rather not say yes."
    assert said in result.failures()["explanation"][0]
    assert said in Path("report.json").read_text(encoding="utf-8")


def test_a_judge_that_ran_out_of_tokens_names_the_setting_to_raise() -> None:
    with ScriptedEndpoint(Reply(value="{", finish_reason="length")) as endpoint:
        judge = evalkit.make_judge(
            "j", "Is {{ outputs }} fine?", model="openai/j", base_url=endpoint.base_url
        )
        result = evalkit.evaluate(data=[{"output": "a0"}], scorers=[judge])

    assert "raise its max_tokens" in result.failures()["explanation"][0]


def test_a_retry_has_a_budget_and_a_mode_of_its_own() -> None:
    healthy = False
    with ScriptedEndpoint(lambda _: VERDICT if healthy else "prose") as endpoint:
        judge = evalkit.make_judge(
            "j", "Is {{ outputs }} fine?", model="openai/j", base_url=endpoint.base_url
        )
        first = evalkit.evaluate(data=[{"output": f"a{n}"} for n in range(6)], scorers=[judge])
        healthy = True
        runtime = evalkit.Runtime(mode="live", concurrency=1, budget={"calls": 14})
        some = first.retry(scorers=[judge], runtime=runtime)

    assert some.facts.status == "budget"
    assert first.usage["judge"].calls == 12
    assert some.usage["judge"].calls == 14
    assert (some["j"].n_scored, some["j"].n_not_run) == (2, 4)

"""A recording replays what it recorded; equal questions to a model that draws are draws."""

import json
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.evaluation.result import EvaluationResult
from evalkit.testing import ScriptedEndpoint

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
        result = answered(endpoint, rows)
        calls = endpoint.calls

    kept = json.loads(recordings()[0].read_bytes())["reply"]["latency_seconds"]
    latencies = sorted(result.table()["operations.latency"])
    assert calls == 1
    assert latencies[:5].count(kept) + latencies[5:].count(kept) >= 5


DRAWS = [
    pytest.param({"temperature": 1.0}, 20, id="warm"),
    pytest.param({"temperature": 0.2}, 20, id="tepid"),
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

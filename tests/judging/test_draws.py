"""Equal questions to a judge: one answer at temperature 0, a draw for each case above."""

import itertools
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.testing import Reply, ScriptedEndpoint, SeenRequest

EQUAL = [{"question": f"q{n}", "output": "I do not know."} for n in range(12)]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-draws")


def changing() -> Any:
    """Return the script of a judge that says yes and no in turn."""
    numbers = itertools.count()

    def script(_: SeenRequest) -> Reply:
        return Reply(value={"rationale": "r", "verdict": "yes" if next(numbers) % 2 else "no"})

    return script


def judged(server: ScriptedEndpoint, rows: Any, temperature: float, **runtime: Any) -> Any:
    """Return the verdicts on *rows*, and the calls that they took."""
    judge = evalkit.make_judge(
        "helps",
        "Does {{ outputs }} help?",
        model="openai/j",
        base_url=server.base_url,
        temperature=temperature,
    )
    before = server.calls
    runtime = {"concurrency": 1, "progress": False, **runtime}
    result = evalkit.evaluate(data=rows, scorers=judge, runtime=evalkit.Runtime(**runtime))
    return result.table()["helps"].tolist(), server.calls - before


def test_above_temperature_0_each_case_is_a_draw_that_replays() -> None:
    with ScriptedEndpoint(changing()) as server:
        values, calls = judged(server, EQUAL, 1.0)
        again, more = judged(server, EQUAL, 1.0, concurrency=8)
        backwards, none = judged(server, EQUAL[::-1], 1.0, mode="replay")

    assert (calls, more, none) == (12, 0, 0)
    assert sorted(values) == [0.0] * 6 + [1.0] * 6
    assert again == values
    assert backwards == values[::-1]


def test_at_temperature_0_equal_questions_are_one_call() -> None:
    with ScriptedEndpoint(changing()) as server:
        values, calls = judged(server, EQUAL, 0.0)

    assert (len(set(values)), calls) == (1, 1)


def test_equal_rows_are_draws_too() -> None:
    with ScriptedEndpoint(changing()) as server:
        _, calls = judged(server, EQUAL[:1] * 7, 0.7)

    assert calls == 7


def test_whether_an_answer_was_streamed_is_not_in_its_key() -> None:
    rows = [{"question": f"q{n}", "expected": "a"} for n in range(3)]
    with ScriptedEndpoint("a") as server:
        for stream in (True, False):
            target = evalkit.chat("openai/m", base_url=server.base_url, stream=stream)
            evalkit.evaluate(target, rows, "text.exact_match")
        calls = server.calls

    assert calls == 3
